"""The real Envoy judges the standalone gateway's config.

Envoy 1.40.0 from its wheel stands in for the image's 1.33.2: a field that only the newer one knows would pass here.
Validation resolves no name and opens no connection.
"""

import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from components.gateway_providers import BodyRouter, GatewaySpec, ModelRoute
from components.gateway_providers.envoy_config import TLS_MOUNT, catalogue_config, envoy_config

ENVOY = Path(sys.executable).parent / "envoy"


def _spec(*, tls_secret: str | None, routes: tuple[ModelRoute, ...]) -> GatewaySpec:
    return GatewaySpec(
        namespace="llm-d",
        port=80,
        tls_secret=tls_secret,
        load_balancer=False,
        replicas=2,
        proxy_image="docker.io/envoyproxy/envoy:distroless-v1.33.2",
        pull_secrets=(),
        routes=routes,
        body_router=BodyRouter(image="router:v1", args=(), header="X-Gateway-Model-Name", reads_config_maps=False),
        proxies=(),
    )


def _route(model: str, path: str, failure_mode: str = "FailClose") -> ModelRoute:
    group = "inference.networking.k8s.io"
    return ModelRoute(
        model=model,
        path=path,
        served_names=(f"org/{model}",),
        pool_api_group=group,
        target_port=8000,
        health_path="/health",
        failure_mode=failure_mode,
    )


def _validate(config: str, folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "envoy.yaml"
    file.write_text(config)
    command = [str(ENVOY), "--mode", "validate", "--config-path", str(file), "--log-level", "error"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    "routes",
    [
        (_route("a", "/"),),
        (_route("a", "/a"), _route("b", "/b/c", "FailOpen")),
    ],
    ids=["one model at the root", "two models, one failing open"],
)
def test_envoy_accepts_the_config(routes: tuple[ModelRoute, ...], tmp_path: Path) -> None:
    """Envoy's own validation takes the config of one and of several models."""
    done = _validate(envoy_config(_spec(tls_secret=None, routes=routes)), tmp_path)

    assert (done.returncode, done.stderr) == (0, "")


def test_envoy_accepts_the_catalogue(tmp_path: Path) -> None:
    """The config of the model catalogue is one that Envoy takes."""
    done = _validate(catalogue_config(_spec(tls_secret=None, routes=(_route("a", "/a"), _route("b", "/b")))), tmp_path)

    assert (done.returncode, done.stderr) == (0, "")


def test_envoy_accepts_the_tls_listener(tmp_path: Path) -> None:
    """With a certificate where the Secret would be mounted, Envoy takes the HTTPS listener."""
    files = tmp_path / "tls"
    files.mkdir()
    certificate = trustme.CA().issue_cert("inference.example.com")
    certificate.private_key_pem.write_to_path(files / "tls.key")
    certificate.cert_chain_pems[0].write_to_path(files / "tls.crt")
    config = envoy_config(_spec(tls_secret="inference-tls", routes=(_route("a", "/a"),))).replace(TLS_MOUNT, str(files))

    done = _validate(config, tmp_path)

    assert (done.returncode, done.stderr) == (0, "")


def test_envoy_refuses_a_config_with_an_unknown_cluster(tmp_path: Path) -> None:
    """The check can fail: a route to a cluster that does not exist is refused."""
    config = envoy_config(_spec(tls_secret=None, routes=(_route("a", "/a"),)))

    done = _validate(config.replace("name: chosen-pod", "name: another"), tmp_path)

    assert done.returncode == 1
    assert "chosen-pod" in done.stderr
