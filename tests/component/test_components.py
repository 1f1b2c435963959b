"""Components as Pulumi sees them: children, parents, provider, outputs, order, timeouts.

Mocks stand in for the engine. They cannot prove that a provider or an API server takes the objects, that a wait ends,
or that an update keeps an object's identity; the tests against the lab do.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pytest

from components import autoscaler, endpoint_picker, model_cache, model_service, render_pool
from components.autoscaler import Autoscaler, AutoscalerArgs
from components.endpoint_picker import EndpointPicker
from components.gateway_providers import GATEWAY_PROVIDERS
from components.http_route import HttpRoute, HttpRouteArgs
from components.inference_gateway import InferenceGateway, InferenceGatewayArgs
from components.inference_gateway import summarize as summarize_gateway
from components.model_cache import ModelCache, ModelCacheArgs
from components.model_cache import summarize as summarize_cache
from components.model_service import ModelService
from components.model_service import summarize as summarize_servers
from components.render_pool import RenderPool, RenderPoolArgs
from tests.support.configs import plan
from tests.support.pulumi_mocks import Recorder, plain, run_in_layer

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
ACCOUNT = "kubernetes:core/v1:ServiceAccount"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
SERVICE = "kubernetes:core/v1:Service"
SECRET = "kubernetes:core/v1:Secret"
BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
NETWORK = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
RBAC = "kubernetes:rbac.authorization.k8s.io/v1"
MONITORING = "kubernetes:monitoring.coreos.com/v1"
GATEWAY_API = "kubernetes:gateway.networking.k8s.io/v1"

MONITORED = {"monitoring": "prometheus-operator"}
CACHED = {"storageClasses": {"efs": {"accessModes": ["ReadWriteMany"]}}, "models.qwen.cache": {"storageClass": "efs"}}
ISTIO = {"gateway": {"provider": "istio"}}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A component with everything that is optional in it."""

    component: type[pulumi.ComponentResource]
    args: Callable[[], Any]
    children: dict[str, str]
    """Name and kind of each child, and its type."""
    manifests: Callable[[Any], dict[str, dict[str, Any]]]
    inputs: Callable[[Any], dict[str, Any]]
    outputs: dict[str, str]

    @property
    def token(self) -> str:
        """The component's type."""
        return f"llmd:index:{self.component.__name__}"


def _gateway_args(name: str) -> InferenceGatewayArgs:
    return InferenceGatewayArgs(provider=GATEWAY_PROVIDERS[name], spec=plan({"gateway": {"provider": name}}).gateway)


def _autoscaler_args() -> AutoscalerArgs:
    made = plan(
        {
            **MONITORED,
            "controllers": {"prometheusAdapter": "existing"},
            "models.qwen.autoscaling": {"provider": "hpa", "maxReplicas": 3, "value": 5},
        }
    )
    args = made.models["qwen"].autoscaler

    assert args is not None
    return args


def _cache_args() -> ModelCacheArgs:
    cache = plan(CACHED).models["qwen"].cache

    assert cache is not None
    return cache


def _render_args() -> RenderPoolArgs:
    render = plan({"release": "v0.9", "models.qwen.precisePrefixCache": {}}).models["qwen"].render

    assert render is not None
    return render


def _route_args() -> HttpRouteArgs:
    made = plan(ISTIO)
    return HttpRouteArgs(provider=made.provider, spec=made.gateway, route=made.models["qwen"].route)


CASES = {
    "ModelService": Case(
        component=ModelService,
        args=lambda: plan(MONITORED).models["qwen"].service,
        children={
            "it Deployment": DEPLOYMENT,
            "it-account ServiceAccount": ACCOUNT,
            "it-budget PodDisruptionBudget": BUDGET,
            "it-network NetworkPolicy": NETWORK,
            "it-monitor PodMonitor": f"{MONITORING}:PodMonitor",
        },
        manifests=model_service.build,
        inputs=summarize_servers,
        outputs={"deployment_name": "qwen-decode"},
    ),
    "disaggregated": Case(
        component=ModelService,
        args=lambda: plan({**MONITORED, "models.qwen.prefill": {}}).models["qwen"].service,
        children={
            "it Deployment": DEPLOYMENT,
            "it-account ServiceAccount": ACCOUNT,
            "it-budget PodDisruptionBudget": BUDGET,
            "it-network NetworkPolicy": NETWORK,
            "it-monitor PodMonitor": f"{MONITORING}:PodMonitor",
            "it-prefill Deployment": DEPLOYMENT,
            "it-prefill-budget PodDisruptionBudget": BUDGET,
            "it-prefill-network NetworkPolicy": NETWORK,
            "it-prefill-monitor PodMonitor": f"{MONITORING}:PodMonitor",
        },
        manifests=model_service.build,
        inputs=summarize_servers,
        outputs={"deployment_name": "qwen-decode"},
    ),
    "EndpointPicker": Case(
        component=EndpointPicker,
        args=lambda: replace(plan(MONITORED).models["qwen"].picker, replicas=2),
        children={
            "it Deployment": DEPLOYMENT,
            "it-account ServiceAccount": ACCOUNT,
            "it-binding RoleBinding": f"{RBAC}:RoleBinding",
            "it-budget PodDisruptionBudget": BUDGET,
            "it-cluster-binding ClusterRoleBinding": f"{RBAC}:ClusterRoleBinding",
            "it-cluster-role ClusterRole": f"{RBAC}:ClusterRole",
            "it-config ConfigMap": CONFIG_MAP,
            "it-election-binding RoleBinding": f"{RBAC}:RoleBinding",
            "it-election-role Role": f"{RBAC}:Role",
            "it-monitor ServiceMonitor": f"{MONITORING}:ServiceMonitor",
            "it-network NetworkPolicy": NETWORK,
            "it-pool InferencePool": "kubernetes:inference.networking.k8s.io/v1:InferencePool",
            "it-role Role": f"{RBAC}:Role",
            "it-service Service": SERVICE,
            "it-token Secret": SECRET,
        },
        manifests=endpoint_picker.build,
        inputs=endpoint_picker.summarize,
        outputs={"pool_name": "qwen"},
    ),
    "Autoscaler": Case(
        component=Autoscaler,
        args=_autoscaler_args,
        children={"it HorizontalPodAutoscaler": "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"},
        manifests=autoscaler.build,
        inputs=autoscaler.summarize,
        outputs={"target": "qwen-decode"},
    ),
    "ModelCache": Case(
        component=ModelCache,
        args=_cache_args,
        children={
            "it Job": "kubernetes:batch/v1:Job",
            "it-account ServiceAccount": ACCOUNT,
            "it-claim PersistentVolumeClaim": "kubernetes:core/v1:PersistentVolumeClaim",
            "it-network NetworkPolicy": NETWORK,
            "it-script ConfigMap": CONFIG_MAP,
        },
        manifests=model_cache.build,
        inputs=summarize_cache,
        outputs={"claim_name": "qwen-weights-85594baa"},
    ),
    "RenderPool": Case(
        component=RenderPool,
        args=_render_args,
        children={
            "it Deployment": DEPLOYMENT,
            "it-account ServiceAccount": ACCOUNT,
            "it-budget PodDisruptionBudget": BUDGET,
            "it-network NetworkPolicy": NETWORK,
            "it-service Service": SERVICE,
        },
        manifests=render_pool.build,
        inputs=render_pool.summarize,
        outputs={"service_name": "qwen-render"},
    ),
    "standalone": Case(
        component=InferenceGateway,
        args=lambda: _gateway_args("standalone"),
        children={
            "it Deployment": DEPLOYMENT,
            "it-account ServiceAccount": ACCOUNT,
            "it-budget PodDisruptionBudget": BUDGET,
            "it-config ConfigMap": CONFIG_MAP,
            "it-service Service": SERVICE,
        },
        manifests=lambda args: args.provider.objects(args.spec),
        inputs=summarize_gateway,
        outputs={"url": "http://inference-gateway.llm-d.svc.cluster.local"},
    ),
    "istio": Case(
        component=InferenceGateway,
        args=lambda: _gateway_args("istio"),
        children={
            "it Gateway": f"{GATEWAY_API}:Gateway",
            "it-parameters ConfigMap": CONFIG_MAP,
            "it-models Deployment": DEPLOYMENT,
            "it-models-account ServiceAccount": ACCOUNT,
            "it-models-budget PodDisruptionBudget": BUDGET,
            "it-models-config ConfigMap": CONFIG_MAP,
            "it-models-route HTTPRoute": f"{GATEWAY_API}:HTTPRoute",
            "it-models-service Service": SERVICE,
            "it-router Deployment": DEPLOYMENT,
            "it-router-account ServiceAccount": ACCOUNT,
            "it-router-budget PodDisruptionBudget": BUDGET,
            "it-router-filter EnvoyFilter": "kubernetes:networking.istio.io/v1alpha3:EnvoyFilter",
            "it-router-policy NetworkPolicy": NETWORK,
            "it-router-rule DestinationRule": "kubernetes:networking.istio.io/v1:DestinationRule",
            "it-router-service Service": SERVICE,
        },
        manifests=lambda args: args.provider.objects(args.spec),
        inputs=summarize_gateway,
        outputs={"url": "http://inference-gateway-istio.llm-d.svc.cluster.local"},
    ),
    "HttpRoute": Case(
        component=HttpRoute,
        args=_route_args,
        children={
            "it HTTPRoute": f"{GATEWAY_API}:HTTPRoute",
            "it-picker DestinationRule": "kubernetes:networking.istio.io/v1:DestinationRule",
        },
        manifests=lambda args: args.provider.route(args.spec, args.route),
        inputs=lambda _: {"model": "qwen", "path": "/qwen", "provider": "istio"},
        outputs={"path": "/qwen"},
    ),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def _deploy(case: Case, args: object = None) -> dict[str, str]:
    """Deploy the component in a layer; its outputs, resolved."""
    resolved: dict[str, str] = {}

    def program(opts: pulumi.ResourceOptions) -> pulumi.Output[None]:
        it = case.component("it", case.args() if args is None else args, opts)  # type: ignore[arg-type]
        found = {name: getattr(it, name) for name in inspect.get_annotations(case.component)}
        return pulumi.Output.from_input(found).apply(resolved.update)

    run_in_layer(program)
    return resolved


@every_case
def test_the_children_are_exactly_these(recorder: Recorder, case: Case) -> None:
    """Type and name of every child are its identity in the state of every stack: none more, none less."""
    _deploy(case)

    assert recorder.children(recorder.urn(case.token, "it")) == case.children
    assert len(recorder.objects()) == len(case.children)


@every_case
def test_the_component_stays_in_the_layer_and_the_children_in_the_component(recorder: Recorder, case: Case) -> None:
    """Inside another component it keeps its children as its own: none of them moves to the layer or to the stack."""
    _deploy(case)

    component, layer = recorder.urn(case.token, "it"), recorder.urn("test:index:Layer", "layer")
    assert [request.parent for request in recorder.objects()] == [component] * len(case.children)
    assert [request.parent for request in recorder.components()] == [layer]


@every_case
def test_every_child_has_the_provider_that_was_given(recorder: Recorder, case: Case) -> None:
    """No child falls back to a default provider, which would be another cluster."""
    _deploy(case)

    assert [request.provider for request in recorder.objects()] == [recorder.provider()] * len(case.children)
    assert [request.type for request in recorder.requests if request.type.startswith("pulumi:providers:")] == [
        "pulumi:providers:kubernetes"
    ]


@every_case
def test_the_outputs_are_the_public_attributes(recorder: Recorder, case: Case) -> None:
    """What is registered, once, is what the class declares, and has these values."""
    resolved = _deploy(case)

    assert resolved == case.outputs
    assert recorder.outputs[recorder.urn(case.token, "it")] == list(case.outputs)
    assert set(inspect.get_annotations(case.component)) == set(case.outputs)


@every_case
def test_the_children_are_the_builders_objects(recorder: Recorder, case: Case) -> None:
    """Every manifest of the pure builder reaches the provider as it is."""
    _deploy(case)

    assert recorder.manifests() == plain(case.manifests(case.args()).values())


@every_case
def test_the_component_carries_its_plan(recorder: Recorder, case: Case) -> None:
    """The component's own inputs are the plan as plain data, for the preview and for policies."""
    _deploy(case)

    assert recorder.resources[recorder.urn(case.token, "it")].state == case.inputs(case.args())


@every_case
def test_no_child_is_protected_or_renamed(recorder: Recorder, case: Case) -> None:
    """Nothing is protected, retained or aliased by habit: a destroy leaves nothing behind."""
    _deploy(case)

    odd = [
        request.name
        for request in [*recorder.objects(), *recorder.components()]
        if request.protect or request.retainOnDelete or request.ignoreChanges
    ]
    # The SDK's typed classes bring aliases of their own, for API versions that Kubernetes has renamed.
    renamed = [alias for request in recorder.objects() for alias in request.aliases if alias.spec.name or alias.urn]
    assert (odd, renamed) == ([], [])


def test_servers_wait_for_what_they_start_with(recorder: Recorder) -> None:
    """The Deployment comes after account and policy; its budget waits for nothing, and nothing waits for it."""
    _deploy(CASES["ModelService"])

    assert {request.name: recorder.waits_for(request) for request in recorder.objects()} == {
        "it": {"it-account ServiceAccount", "it-network NetworkPolicy", "it-monitor PodMonitor"},
        "it-account": set(),
        "it-budget": set(),
        "it-monitor": set(),
        "it-network": set(),
    }


def test_the_picker_does_not_wait_for_its_service(recorder: Recorder) -> None:
    """A Service is ready once it has a ready pod: a pod that waited for it would wait for itself."""
    _deploy(CASES["EndpointPicker"], plan().models["qwen"].picker)

    assert recorder.waits_for(recorder.request(DEPLOYMENT, "it")) == {
        "it-account ServiceAccount",
        "it-binding RoleBinding",
        "it-config ConfigMap",
        "it-network NetworkPolicy",
        "it-pool InferencePool",
        "it-role Role",
    }


@pytest.mark.parametrize(("replicas", "seconds"), [(1, 3166), (2, 6332)])
def test_a_rollout_may_take_as_long_as_its_weights(recorder: Recorder, replicas: int, seconds: int) -> None:
    """`up` waits for every replica after the other: the deadline from the weights, times the replicas."""
    args = plan().models["qwen"].service
    _deploy(CASES["ModelService"], replace(args, decode=replace(args.decode, replicas=replicas)))
    timeouts = {request.name: request.customTimeouts for request in recorder.objects()}

    assert (timeouts["it"].create, timeouts["it"].update) == (f"{seconds}s", f"{seconds}s")
    assert [name for name, timeout in timeouts.items() if timeout.create] == ["it"]


@pytest.mark.parametrize(
    ("listener", "url"),
    [
        ({}, "http://inference-gateway.llm-d.svc.cluster.local"),
        ({"port": 8080}, "http://inference-gateway.llm-d.svc.cluster.local:8080"),
        (
            {"port": 443, "protocol": "HTTPS", "certificateSecret": "tls"},
            "https://inference-gateway.llm-d.svc.cluster.local",
        ),
        (
            {"port": 8443, "protocol": "HTTPS", "certificateSecret": "tls"},
            "https://inference-gateway.llm-d.svc.cluster.local:8443",
        ),
    ],
)
@pytest.mark.usefixtures("recorder")
def test_the_url_of_a_gateway(listener: dict[str, Any], url: str) -> None:
    """The URL says the scheme, and the port unless it is the scheme's own."""
    made = plan({"gateway.listener": listener})
    args = InferenceGatewayArgs(provider=made.provider, spec=made.gateway)

    assert _deploy(CASES["standalone"], args) == {"url": url}
