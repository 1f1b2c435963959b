"""A stand-in for an endpoint picker: Envoy's external processing service, which sends every request to one pod.

It does what the real one does with a request (gateway-api-inference-extension, pkg/epp/handlers): take it whole, then
answer with the chosen pod's address in a header, have the route looked up again, and give the body back as a stream.
Only the fields that this needs are declared; their numbers are those of envoy/service/ext_proc/v3.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import trustme
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

__all__ = ["StubPicker"]

_PACKAGE = "llmd.test.ext_proc"
_BOOL, _STRING, _MESSAGE, _BYTES = 8, 9, 11, 12

# Message -> field -> (number, type or message, whether repeated).
_MESSAGES: dict[str, dict[str, tuple[int, int | str, bool]]] = {
    "HeaderValue": {"key": (1, _STRING, False), "value": (2, _STRING, False), "raw_value": (3, _BYTES, False)},
    "HeaderValueOption": {"header": (1, "HeaderValue", False)},
    "HeaderMutation": {"set_headers": (1, "HeaderValueOption", True)},
    "HttpHeaders": {"end_of_stream": (3, _BOOL, False)},
    "HttpBody": {"body": (1, _BYTES, False), "end_of_stream": (2, _BOOL, False)},
    "HttpTrailers": {},
    "StreamedBodyResponse": {"body": (1, _BYTES, False), "end_of_stream": (2, _BOOL, False)},
    "BodyMutation": {"streamed_response": (3, "StreamedBodyResponse", False)},
    "CommonResponse": {
        "header_mutation": (2, "HeaderMutation", False),
        "body_mutation": (3, "BodyMutation", False),
        "clear_route_cache": (5, _BOOL, False),
    },
    "Response": {"response": (1, "CommonResponse", False)},
    "ProcessingRequest": {
        "request_headers": (2, "HttpHeaders", False),
        "response_headers": (3, "HttpHeaders", False),
        "request_body": (4, "HttpBody", False),
        "response_body": (5, "HttpBody", False),
        "request_trailers": (6, "HttpTrailers", False),
        "response_trailers": (7, "HttpTrailers", False),
    },
    "ProcessingResponse": {
        "request_headers": (1, "Response", False),
        "response_headers": (2, "Response", False),
        "request_body": (3, "Response", False),
        "response_body": (4, "Response", False),
        "request_trailers": (5, "Response", False),
        "response_trailers": (6, "Response", False),
    },
}


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="llmd_test_ext_proc.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, repeated) in fields.items():
            made = message.field.add(name=field, number=number, label=3 if repeated else 1)
            made.type = _MESSAGE if isinstance(kind, str) else kind
            if isinstance(kind, str):
                made.type_name = f".{_PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _MESSAGES
    }


_CLASSES = _classes()


class StubPicker:
    """A picker that chooses `destination` for every request; it serves with TLS, as the real one does."""

    def __init__(self, destination: str) -> None:
        """Start serving on a port of loopback."""
        self.destination = destination
        self.requests = 0
        """How many requests it was asked about."""
        handler = grpc.stream_stream_rpc_method_handler(
            self._process,
            request_deserializer=_CLASSES["ProcessingRequest"].FromString,
            response_serializer=_CLASSES["ProcessingResponse"].SerializeToString,
        )
        service = "envoy.service.ext_proc.v3.ExternalProcessor"
        certificate = trustme.CA().issue_cert("picker.example.com")
        key, chain = certificate.private_key_pem.bytes(), b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
        self._server = grpc.server(ThreadPoolExecutor(max_workers=16))
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Process": handler}),))
        self.port = self._server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, chain)]))
        self._server.start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.stop(None)

    def _process(self, requests: Iterator[Any], _: grpc.ServicerContext) -> Iterator[Any]:
        body = b""
        for request in requests:
            if request.HasField("request_headers"):
                self.requests += 1
                if request.request_headers.end_of_stream:
                    yield self._choice()
            elif request.HasField("request_body"):
                body += request.request_body.body
                if request.request_body.end_of_stream:
                    yield self._choice()
                    yield from _streamed("request_body", body)
            elif request.HasField("response_body"):
                yield from _streamed(
                    "response_body", request.response_body.body, last=request.response_body.end_of_stream
                )
            else:
                (kind,) = [name for name in _MESSAGES["ProcessingRequest"] if request.HasField(name)]
                answer = _CLASSES["ProcessingResponse"]()
                getattr(answer, kind).SetInParent()
                yield answer

    def _choice(self) -> Any:  # noqa: ANN401 - a message class made at run time
        answer = _CLASSES["ProcessingResponse"]()
        common = answer.request_headers.response
        common.clear_route_cache = True
        header = common.header_mutation.set_headers.add().header
        header.key, header.raw_value = "x-gateway-destination-endpoint", self.destination.encode()
        return answer


def _streamed(kind: str, body: bytes, *, last: bool = True) -> Iterator[Any]:
    """The body in parts that a gRPC message holds, as the real picker cuts it."""
    size = 62_000
    parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    for number, part in enumerate(parts, 1):
        answer = _CLASSES["ProcessingResponse"]()
        streamed = getattr(answer, kind).response.body_mutation.streamed_response
        streamed.body, streamed.end_of_stream = part, last and number == len(parts)
        yield answer
