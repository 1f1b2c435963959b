"""What is wrong with a request that two roles should share, by what reached their engines."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engines import ENGINES, KvTransfer
from operate.smoke.disaggregation import Recorded, fault_of, finished_requests, recorded

_SERVERS = {"198.18.0.6:8000": "m-prefill-1", "198.18.0.7:8000": "m-prefill-2"}
_NAMED: Mapping[str, str] = {"x-prefiller-host-port": "198.18.0.7:8000"}
_ASKED = {"do_remote_decode": True, "remote_block_ids": None}
_TOLD: Mapping[str, Any] = {"do_remote_prefill": True, "remote_block_ids": ["block"]}
_ROOM = {"bootstrap_host": "198.18.0.7", "bootstrap_port": 8998, "bootstrap_room": 7}


def _transfer(engine: str) -> KvTransfer:
    transfer = ENGINES[engine].kv_transfer
    assert isinstance(transfer, KvTransfer)
    return transfer


def _request(pod: str, headers: Mapping[str, str], **body: object) -> Recorded:
    return Recorded(pod=pod, headers=headers, body={"messages": [{"role": "user", "content": "Hello."}], **body})


def _nixl(
    headers: Mapping[str, str] = _NAMED,
    told: Mapping[str, Any] = _TOLD,
    tokens: int = 1,
    pods: tuple[str, ...] = ("m-prefill-2",),
) -> str | None:
    """A hand-over of vLLM's, right but for what is given."""
    decode = _request("m-decode-1", headers, kv_transfer_params=told)
    prefill = [_request(pod, _NAMED, max_tokens=tokens, kv_transfer_params=_ASKED) for pod in pods]
    return fault_of(decode, _transfer("vllm"), _SERVERS, prefill)


def _sglang(decode: dict[str, Any], prefill: dict[str, Any]) -> str | None:
    halves = _request("m-decode-1", _NAMED, **decode), _request("m-prefill-2", _NAMED, **prefill)
    return fault_of(halves[0], _transfer("sglang"), _SERVERS, halves[1:])


def test_a_request_that_went_through_both_roles_has_no_fault() -> None:
    """Prefill is asked for one token and decode told of its blocks; or both meet at prefill's bootstrap server."""
    assert _nixl() is None
    assert _sglang(_ROOM, _ROOM) is None


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"headers": {}}, "the picker named no prefill server: there is no header x-prefiller-host-port"),
        (
            {"headers": {"x-prefiller-host-port": "198.18.0.4:8000"}},
            "the picker named 198.18.0.4:8000 for prefill, where none of its 2 prefill servers is",
        ),
        ({"pods": ()}, "the picker named m-prefill-2 for prefill, and none got the request"),
        ({"pods": ("m-prefill-1",)}, "the picker named m-prefill-2 for prefill, and m-prefill-1 got the request"),
        (
            {"pods": ("m-prefill-2", "m-prefill-2")},
            "the picker named m-prefill-2 for prefill, and m-prefill-2 and m-prefill-2 got the request",
        ),
        ({"tokens": 64}, f"prefill was asked for 64 tokens, with kv_transfer_params {_ASKED}"),
        (
            {"told": {"do_remote_prefill": True, "remote_block_ids": []}},
            (
                "decode was not told where prefill's blocks are: kv_transfer_params"
                " {'do_remote_prefill': True, 'remote_block_ids': []}"
            ),
        ),
        (
            {"told": {}},
            "m-decode-1 got no kv_transfer_params: the sidecar does not speak nixl, as its engine does",
        ),
    ],
)
def test_what_is_not_handed_over_is_named(changes: dict[str, Any], fault: str) -> None:
    """Each is answered 200 all the same: decode computes the prompt itself."""
    assert _nixl(**changes) == fault


def test_a_sidecar_that_speaks_another_engines_protocol_is_named() -> None:
    """SGLang's room instead of vLLM's parameters, and the other way round."""
    decode, prefill = _request("d", _NAMED, **_ROOM), _request("m-prefill-2", _NAMED, **_ROOM)

    assert fault_of(decode, _transfer("vllm"), _SERVERS, [prefill]) == (
        "m-prefill-2 got no kv_transfer_params, but bootstrap_host, bootstrap_port, bootstrap_room:"
        " the sidecar does not speak nixl, as its engine does"
    )
    assert _sglang({"kv_transfer_params": _TOLD}, {"kv_transfer_params": _ASKED}) == (
        "m-prefill-2 got no bootstrap_host, but kv_transfer_params:"
        " the sidecar does not speak sglang, as its engine does"
    )


def test_servers_that_do_not_meet_are_named() -> None:
    """Another room for each, or a bootstrap server that is not the prefill server's."""
    assert _sglang(_ROOM | {"bootstrap_room": 8}, _ROOM) == (
        "prefill waits for decode at ('198.18.0.7', 8998, 7), and decode looks at ('198.18.0.7', 8998, 8)"
    )
    elsewhere = _ROOM | {"bootstrap_port": 9000}
    assert _sglang(elsewhere, elsewhere) == (
        "both meet at 198.18.0.7:9000, and the prefill server is at 198.18.0.7:8998"
    )


def test_requests_are_read_as_envoy_writes_them_down(tmp_path: Path) -> None:
    """A file's name is the pod's and a number, headers are a list, the body a text.

    Half a file is not read yet, and a request that was cut off before its body came is none.
    """
    request = {
        "headers": [{"key": "x-prefiller-host-port", "value": "198.18.0.6:8000", "raw_value": ""}],
        "body": {"truncated": False, "as_string": '{"messages": [{"role": "user", "content": "Hello."}], "n": 1}'},
    }
    (tmp_path / "m-decode-5b98-hb62j_194.json").write_text(json.dumps({"http_buffered_trace": {"request": request}}))

    (tmp_path / "m-decode-5b98-hb62j_195.json").write_text('{"http_buffered_trace": {"request": {"head')
    del request["body"]
    (tmp_path / "m-decode-5b98-hb62j_196.json").write_text(json.dumps({"http_buffered_trace": {"request": request}}))

    (found,) = recorded(tmp_path)
    assert (found.pod, found.headers, found.prompt, found.body["n"]) == (
        "m-decode-5b98-hb62j",
        {"x-prefiller-host-port": "198.18.0.6:8000"},
        "Hello.",
        1,
    )


def test_requests_are_counted_whatever_they_ended_with() -> None:
    """The simulated engine has a finish reason of its own for prefill."""
    page = (
        "# TYPE vllm:request_success_total counter\n"
        'vllm:request_success_total{finish_reason="remote_decode",model_name="m"} 3\n'
        'vllm:request_success_total{finish_reason="length",model_name="m"} 2\n'
        'vllm:num_requests_running{model_name="m"} 7\n'
    )

    assert finished_requests(page) == 5
