"""The stand-in for `pulumi-resource-aws`: a resource provider of the engine's own protocol, over moto.

A script that the engine starts in place of the plug-in: it prints its port and answers. What a type is stands in
`kinds`; here is only what all types share: names, diffs, previews, refreshes.
"""

# ruff: noqa: ANN401, ARG002, N802 - names and signatures are gRPC's, and its generated code is untyped

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from lab.aws.kinds import KINDS
from lab.aws.resource import Inputs, Kind, changed_paths, same
from lab.aws.session import NotFoundError, Refused, Session
from lab.errors import LabError

__all__ = ["UNKNOWN", "AwsProvider"]

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine writes a value that is not known yet."""

_INTERNAL = "__"
_SUFFIX_DIGITS = 7
_ENGINE_CHECK_SECONDS = 0.5
_Diff = provider_pb2.DiffResponse


def _plain(message: Any) -> Inputs:
    """A message's properties as Python has them; the engine's own keys left out, whole numbers whole."""
    return {key: value for key, value in _whole(json_format.MessageToDict(message)).items() if key[:2] != _INTERNAL}


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _message(properties: Inputs) -> Any:
    return json_format.ParseDict(properties, struct_pb2.Struct())


class AwsProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine."""

    def __init__(self, root: Path) -> None:
        """Speak to the AWS of the lab below `root`."""
        self._root = root
        self._region = ""
        self._session: Session | None = None
        # moto's backends are plain dictionaries: one change at a time.
        self._lock = threading.Lock()

    def Handshake(self, request: Any, context: Any) -> Any:
        """Take neither secrets nor resources as such: plain values are enough for an emulator."""
        return provider_pb2.ProviderHandshakeResponse()

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Take the config as it is."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Another region is another provider."""
        old, new = _plain(request.olds).get("region"), _plain(request.news).get("region")
        replaces = [] if old == new else ["region"]
        return _Diff(changes=_Diff.DIFF_SOME if replaces else _Diff.DIFF_NONE, replaces=replaces, diffs=replaces)

    def Configure(self, request: Any, context: Any) -> Any:
        """Note the region; nothing is dialled."""
        self._region = str(_plain(request.args).get("region") or request.variables.get("aws:config:region", ""))
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """The version of the SDK that this stands in for."""
        return plugin_pb2.PluginInfo(version=version("pulumi-aws"))

    def GetSchema(self, request: Any, context: Any) -> Any:
        """None."""
        return provider_pb2.GetSchemaResponse(schema="{}")

    def Cancel(self, request: Any, context: Any) -> Any:
        """Calls are short; nothing to cancel."""
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        """No look-ups: a plan never dials."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{request.tok}: the lab's AWS answers no look-ups")

    def Check(self, request: Any, context: Any) -> Any:
        """Give a name where pulumi-aws would."""
        inputs, olds = _plain(request.news), _plain(request.olds)
        kind = _kind(request.urn, context)
        key = kind.name_input
        if key is not None and key not in inputs:
            inputs[key] = olds.get(key) or _name(request)
        return provider_pb2.CheckResponse(inputs=_message(inputs))

    def Diff(self, request: Any, context: Any) -> Any:
        """Which inputs changed, and whether one of them replaces."""
        kind = _kind(request.urn, context)
        old, new = _plain(request.old_inputs), _plain(request.news)
        changed = changed_paths(old, new)
        replacing = [path for path in changed if _is_replacing(kind, path)]
        kinds = provider_pb2.PropertyDiff
        detailed = {
            path: kinds(kind=kinds.UPDATE_REPLACE if path in replacing else kinds.UPDATE, inputDiff=True)
            for path in changed
        }
        return _Diff(
            changes=_Diff.DIFF_SOME if changed else _Diff.DIFF_NONE,
            diffs=sorted({path.partition(".")[0] for path in changed}),
            replaces=replacing,
            # Two of the same identity cannot be there together.
            deleteBeforeReplace=bool(replacing) and kind.name_input is None,
            detailedDiff=detailed,
            hasDetailedDiff=True,
        )

    def Create(self, request: Any, context: Any) -> Any:
        """Make it; a preview says what is known of it."""
        kind, inputs = _kind(request.urn, context), _plain(request.properties)
        if request.preview:
            outputs = _merged(inputs, _unknown(kind.computed))
            return provider_pb2.CreateResponse(id="", properties=_message(outputs))
        with self._calling(context) as session:
            id_, computed = kind.create(session, inputs)
        return provider_pb2.CreateResponse(id=id_, properties=_message({**inputs, **computed}))

    def Read(self, request: Any, context: Any) -> Any:
        """What the API says of it now: what differs from the inputs is drift."""
        kind, state = _kind(request.urn, context), _plain(request.properties)
        inputs = _plain(request.inputs)
        with self._calling(context) as session:
            try:
                observed = kind.read(session, request.id, inputs)
            except NotFoundError:
                return provider_pb2.ReadResponse()
        drifted = {key: _observed(value, observed[key]) for key, value in inputs.items() if key in observed}
        outputs = _merged({**state, **observed, **inputs, **drifted}, _computed(kind, observed))
        return provider_pb2.ReadResponse(
            id=request.id, properties=_message(outputs), inputs=_message({**inputs, **drifted})
        )

    def Update(self, request: Any, context: Any) -> Any:
        """Change it in place."""
        kind = _kind(request.urn, context)
        state, old, new = _plain(request.olds), _plain(request.old_inputs), _plain(request.news)
        outputs = _merged(new, _computed(kind, state))
        if request.preview:
            unknown = _unknown(kind.changes) if kind.is_changed_by(old, new) else {}
            return provider_pb2.UpdateResponse(properties=_message(_merged(outputs, unknown)))
        with self._calling(context) as session:
            computed = kind.update(session, request.id, old, new)
        return provider_pb2.UpdateResponse(properties=_message({**outputs, **computed}))

    def Delete(self, request: Any, context: Any) -> Any:
        """Remove it; what is gone is gone."""
        kind = _kind(request.urn, context)
        with self._calling(context) as session:
            try:
                kind.delete(session, request.id, _plain(request.old_inputs) or _plain(request.properties))
            except NotFoundError:
                return empty_pb2.Empty()
        return empty_pb2.Empty()

    @contextmanager
    def _calling(self, context: Any) -> Iterator[Session]:
        """A session, and what AWS refuses as an error that the engine shows."""
        try:
            with self._lock:
                # Reading EC2's model takes a quarter of a second: once for a run, not for each of its calls.
                if self._session is None:
                    self._session = Session(self._root, self._region)
                yield self._session
        except (Refused, LabError, ClientError, BotoCoreError) as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))


def _computed(kind: Kind, properties: Inputs) -> Inputs:
    """Of properties only what is computed, at the places where it stands."""
    result: Inputs = {}
    for path in kind.computed:
        value: Any = properties
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            result = _merged(result, _at(path, value))
    return result


def _unknown(paths: tuple[str, ...]) -> Inputs:
    result: Inputs = {}
    for path in paths:
        result = _merged(result, _at(path, UNKNOWN))
    return result


def _at(path: str, value: Any) -> Inputs:
    key, _, rest = path.partition(".")
    return {key: _at(rest, value) if rest else value}


def _merged(below: Inputs, above: Inputs) -> Inputs:
    """Both, map by map; what is above wins."""
    both = {key: _merged(below[key], above[key]) for key in above if _are_maps(below.get(key), above[key])}
    return {**below, **above, **both}


def _are_maps(*values: Any) -> bool:
    return all(isinstance(value, dict) for value in values)


def _kind(urn: str, context: Any) -> Kind:
    type_ = urn.split("::")[2].rpartition("$")[2]
    if type_ not in KINDS:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the lab's AWS does not know {type_}")
    return KINDS[type_]


def _name(request: Any) -> str:
    """A logical name with seven random digits, the same for the preview and the run that follows it."""
    digits = random.Random(request.randomSeed or None)  # noqa: S311 - a name, not a secret
    return f"{request.urn.rpartition('::')[2]}-{digits.getrandbits(4 * _SUFFIX_DIGITS):0{_SUFFIX_DIGITS}x}"


def _is_replacing(kind: Kind, path: str) -> bool:
    return any(path == known or path.startswith(f"{known}.") or known.startswith(f"{path}.") for known in kind.replaces)


def _observed(wanted: Any, seen: Any) -> Any:
    """What is seen, in the words of what was wanted: keys that nobody asked for are no drift, nor is an order."""
    if isinstance(wanted, dict) and isinstance(seen, dict) and not _is_free(wanted, seen):
        return {key: _observed(value, seen.get(key, value)) for key, value in wanted.items()}
    return wanted if same(wanted, seen) else seen


def _is_free(wanted: Inputs, seen: Inputs) -> bool:
    """Whether it is a map of the user's own words, such as tags and labels: there an unknown key is drift."""
    return all(isinstance(value, str) for value in (*wanted.values(), *seen.values()))


def _leave_with_the_engine(server: Any, engine: int) -> None:
    """End with the engine: one that is killed says nothing."""
    while os.getppid() == engine:
        time.sleep(_ENGINE_CHECK_SECONDS)
    server.stop(0)


def _serve(root: Path) -> None:
    engine = os.getppid()
    server = grpc.server(futures.ThreadPoolExecutor(16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(AwsProvider(root), server)
    stop: Callable[..., None] = lambda *_: server.stop(0)  # noqa: E731 - a signal handler
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    threading.Thread(target=_leave_with_the_engine, args=(server, engine), daemon=True).start()
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
