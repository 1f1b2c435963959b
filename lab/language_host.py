"""The Pulumi engine's language host for Python: runs programs and policy packs.

The engine is built from a Go module that lacks the official host. This one
answers what the engine asks while it runs a program, with the interpreter that
it runs under: the checkout's. It installs nothing, generates no code and
ignores the project's `virtualenv` option. It is a script, started by the
launcher that `engine` writes: host.py EXECUTOR [FLAGS] [ENGINE ADDRESS].
"""

# ruff: noqa: ANN401, ARG002, N802 - names and signatures are gRPC's, and its generated code is untyped

import importlib.util
import json
import os
import platform
import queue
import signal
import subprocess
import sys
import threading
import time
import types
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any


def _light_import() -> None:
    """Let `pulumi.runtime.proto` be imported without the SDK, which would cost each pulumi call 0.3 s."""
    spec = importlib.util.find_spec("pulumi")
    if spec is None or spec.origin is None:
        sys.exit("the Python package pulumi is not installed; run: pip install -r requirements.txt")
    folder = Path(spec.origin).parent
    for name, path in (("pulumi", folder), ("pulumi.runtime", folder / "runtime")):
        module = types.ModuleType(name)
        module.__path__ = [str(path)]
        sys.modules[name] = module


if __name__ == "__main__":
    _light_import()

# Below the stub modules, which must be in place first.
import grpc  # noqa: E402
from google.protobuf import empty_pb2  # noqa: E402
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2  # noqa: E402

__all__ = ["LanguageHost", "program_command"]

_response = language_pb2.RunPluginResponse

_ALREADY_REPORTED = 32
"""The executor's exit code after it has told the user what is wrong."""

_ENGINE_CHECK_SECONDS = 0.5

_MESSAGE_BYTES = 400 * 1024 * 1024
"""As in the engine: a rendered chart in one message is large."""


def program_command(executor: str, request: Any) -> list[str]:
    """The command that runs a program for this Run request."""
    flags = {
        "--monitor": request.monitor_address,
        "--engine": _engine_address(),
        "--project": request.project,
        "--root_directory": request.info.root_directory,
        "--stack": request.stack,
        "--pwd": request.pwd,
        "--parallel": str(request.parallel) if request.parallel else "",
        "--dry_run": "true" if request.dryRun else "",
        "--organization": request.organization,
    }
    given = [part for name, value in flags.items() if value for part in (name, value)]
    program = Path(request.info.program_directory) / (request.info.entry_point or ".")
    return [sys.executable, "-u", executor, *given, str(program), *request.args]


def _engine_address() -> str:
    addresses = [argument for argument in sys.argv[2:] if not argument.startswith("-")]
    return addresses[-1] if addresses else ""


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Answers the engine."""

    def __init__(self, executor: str) -> None:
        self._executor = executor
        self._children: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def _start(self, command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        # A session of its own: the engine interrupts the host's process group,
        # and the program would answer with a traceback in the user's output.
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **options)
        with self._lock:
            self._children.add(child)
        return child

    def _forget(self, child: "subprocess.Popen[bytes]") -> None:
        with self._lock:
            self._children.discard(child)

    def kill_children(self) -> None:
        """End the programs that still run; takes no lock, since it is called by a signal handler."""
        for child in list(self._children):
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)

    def Handshake(self, request: Any, context: Any) -> Any:
        """The engine introduces itself; nothing to keep, its address is in our arguments too."""
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """A version, for `pulumi about`."""
        return plugin_pb2.PluginInfo(version="0.0.0-llm-d-lab")

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:
        """None: what is named here the engine would install, and the lab installs nothing behind the user's back."""
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: Any, context: Any) -> Any:
        """None, for the same reason."""
        return language_pb2.GetRequiredPluginsResponse()

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:
        """None: only `pulumi about` asks."""
        return language_pb2.GetProgramDependenciesResponse()

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:
        """Nothing: the checkout's environment is there before the lab is."""
        yield from ()

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:
        """Ask nothing."""
        return language_pb2.RuntimeOptionsResponse()

    def About(self, request: Any, context: Any) -> Any:
        """The interpreter."""
        return language_pb2.AboutResponse(executable=sys.executable, version=platform.python_version())

    def Cancel(self, request: Any, context: Any) -> Any:
        """The user has had enough."""
        self.kill_children()
        return empty_pb2.Empty()

    def Run(self, request: Any, context: Any) -> Any:
        """Run a program to its end. What it prints goes to our output, which the engine shows."""
        environment = {
            **os.environ,
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        child = self._start(program_command(self._executor, request), env=environment, cwd=request.pwd or None)
        try:
            code = child.wait()
        finally:
            self._forget(child)
        if code == 0:
            return language_pb2.RunResponse()
        if code == _ALREADY_REPORTED:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=f"the program ended with exit code {code}")

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:
        """Run a policy pack and pass its output on, until it or the engine ends."""
        if request.kind != "analyzer":
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the lab runs no Python plugin of kind {request.kind!r}")
        command = [sys.executable, "-u", "-m", "pulumi.policy", *request.args, request.info.program_directory]
        environment = dict(item.split("=", 1) for item in request.env if "=" in item) or dict(os.environ)
        child = self._start(command, env=environment, cwd=request.pwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        context.add_callback(child.kill)
        try:
            for is_error, line in _lines(child):
                yield _response(stderr=line) if is_error else _response(stdout=line)
            yield _response(exitcode=child.wait())
        finally:
            child.kill()
            self._forget(child)


def _lines(child: "subprocess.Popen[bytes]") -> Iterator[tuple[bool, bytes]]:
    """What the child writes, as it writes it. Kept apart: the engine reads a plugin's port from its output."""
    lines: queue.Queue[tuple[bool, bytes]] = queue.Queue()
    pipes = {False: child.stdout, True: child.stderr}

    def read(is_error: bool) -> None:  # noqa: FBT001 - a thread's only argument
        if (pipe := pipes[is_error]) is not None:
            with pipe:
                for line in pipe:
                    lines.put((is_error, line))
        lines.put((is_error, b""))

    for is_error in pipes:
        threading.Thread(target=read, args=(is_error,), daemon=True).start()
    for _ in pipes:
        while (item := lines.get())[1]:
            yield item


def _serve() -> None:
    host = LanguageHost(sys.argv[1])
    sizes = [(f"grpc.max_{way}_message_length", _MESSAGE_BYTES) for way in ("send", "receive")]
    server = grpc.server(futures.ThreadPoolExecutor(16), options=sizes)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)

    def leave(*_: object) -> None:
        # At once and without a word: whatever is printed now lands in the user's output.
        host.kill_children()
        os._exit(0)

    def leave_with_the_engine() -> None:
        # An engine that is killed says nothing; without it the program would wait for answers for ever.
        while os.getppid() == engine:
            time.sleep(_ENGINE_CHECK_SECONDS)
        leave()

    engine = os.getppid()
    threading.Thread(target=leave_with_the_engine, daemon=True).start()
    signal.signal(signal.SIGINT, leave)
    signal.signal(signal.SIGTERM, leave)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    _serve()
