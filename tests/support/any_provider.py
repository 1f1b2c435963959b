"""A provider that takes any resource as it is: a script, for programs whose resources are only ever judged.

What it cannot prove: that the real provider takes such a resource.
"""

# ruff: noqa: ANN401, ARG002, N802 - names and signatures are gRPC's, and its generated code is untyped

import signal
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

__all__ = ["install"]


class AnyProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Says yes."""

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="7.51.1")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True)

    def Check(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:
        """Any other input is a replacement."""
        old, new = request.old_inputs.fields, request.news.fields
        changed = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        kinds = provider_pb2.DiffResponse
        return kinds(changes=kinds.DIFF_SOME if changed else kinds.DIFF_NONE, diffs=changed, replaces=changed)

    def Create(self, request: Any, context: Any) -> Any:
        identity = "" if request.preview else request.urn.rpartition("::")[2]
        return provider_pb2.CreateResponse(id=identity, properties=request.properties)

    def Delete(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()


def install(plugins: Path, package: str, version: str, python: str) -> None:
    """Put the provider into a Pulumi home's plugins, as the one of a package."""
    folder = plugins / f"resource-{package}-v{version}"
    folder.mkdir(parents=True)
    launcher = folder / f"pulumi-resource-{package}"
    launcher.write_text(f'#!/bin/sh\nexec {python} -P {__file__} "$@"\n')
    launcher.chmod(0o700)


def _serve() -> None:
    server = grpc.server(futures.ThreadPoolExecutor(8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(AnyProvider(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    # The engine ends it; an interrupt that reaches it too would print a traceback.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    _serve()
