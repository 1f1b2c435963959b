"""Prefill as a role of its own: what the line and the engine can, and what both roles have to agree on."""

from collections.abc import Iterator, Sequence

from engines import ENGINES, KvTransfer, NoKvTransfer
from engines.custom import NO_KV_TRANSFER
from engines.flags import flags_in, meant
from releases import RELEASES, Release, TensorPairs
from settings.faults import Fault
from settings.gateway import FailureMode
from settings.models import ModelSettings
from settings.rules.rule import Rule
from settings.stack import StackSettings

__all__ = ["RULES"]

_ALLOWED_PAIRS = {
    TensorPairs.EQUAL: "the same on both sides",
    TensorPairs.DECODE_MULTIPLE: "for decode what prefill has, or a multiple of it",
    TensorPairs.EITHER_MULTIPLE: "the same on both sides, or on one side a multiple of the other's",
}


def _possible(settings: StackSettings) -> Iterator[Fault]:
    """The engine hands caches over, and the release line leads requests through both roles."""
    release = RELEASES.get(settings.release)
    for name, model in settings.models.items():
        if model.prefill is None or release is None:
            continue
        engine = model.engine or settings.engine
        why = _why_not(release, engine)
        if why is not None:
            able = [other for other in ENGINES if _why_not(release, other) is None]
            yield Fault(
                path=f"models.{name}.prefill",
                problem=f"engine {engine} cannot be disaggregated: {why}",
                allowed=f"engine {', '.join(able)}; or remove the key" if able else "remove the key",
            )


def _why_not(release: Release, engine: str) -> str | None:
    transfer = _transfer(engine)
    if isinstance(transfer, NoKvTransfer):
        return transfer.reason
    pins = release.engines.get(engine)
    if pins is None or pins.disaggregation is None or release.sidecar is None or release.picker.disaggregation is None:
        return f"release line {release.name} has no guide for it"
    return None


def _transfer(engine: str) -> KvTransfer | NoKvTransfer:
    return ENGINES[engine].kv_transfer if engine in ENGINES else NO_KV_TRANSFER


def _tensor_pairs(settings: StackSettings) -> Iterator[Fault]:
    """The KV transfer brings the two tensor parallelisms together."""
    release = RELEASES.get(settings.release)
    for name, model in settings.models.items():
        pins = release.engines.get(model.engine or settings.engine) if release else None
        if model.prefill is None or pins is None or pins.disaggregation is None:
            continue
        prefill, decode = model.prefill.parallelism.tensor, model.parallelism.tensor
        pairs = pins.disaggregation.tensor
        if not _match(pairs, prefill, decode):
            yield Fault(
                path=f"models.{name}.prefill.parallelism.tensor",
                problem=f"does not go with decode's {decode}: {pins.disaggregation.why}",
                given=str(prefill),
                allowed=_ALLOWED_PAIRS[pairs],
            )


def _match(pairs: TensorPairs, prefill: int, decode: int) -> bool:
    if pairs is TensorPairs.EQUAL:
        return prefill == decode
    return decode % prefill == 0 or (pairs is TensorPairs.EITHER_MULTIPLE and prefill % decode == 0)


def _flags(settings: StackSettings) -> Iterator[Fault]:
    """What makes two servers a pair is said once: by `prefill` itself, or by the model for both roles."""
    for name, model in settings.models.items():
        transfer = _transfer(model.engine or settings.engine)
        if model.prefill is None or isinstance(transfer, NoKvTransfer):
            continue
        paths = {f"models.{name}.extraArgs": model.extra_args, f"models.{name}.prefill.extraArgs": _own(model)}
        for path, args in paths.items():
            for flag in _given(args, transfer.owned_flags):
                problem = "is set by the key prefill, for both roles; remove it"
                yield Fault(path=path, problem=f"{flag} {problem}", given=flag)
        for flag in _given(_own(model), transfer.agreed_flags):
            yield Fault(
                path=f"models.{name}.prefill.extraArgs",
                problem=f"{flag} has to be the same in both roles, or decode cannot read prefill's cache",
                given=flag,
                allowed=f"models.{name}.extraArgs, which both roles get",
            )


def _own(model: ModelSettings) -> tuple[str, ...]:
    return () if model.prefill is None else model.prefill.extra_args


def _given(args: Sequence[str], flags: frozenset[str]) -> list[str]:
    """Those of the flags that are among the arguments, however the engine's parser lets them be spelt."""
    return sorted({name for flag in flags_in(args) if (name := meant(flags, flag)) is not None})


def _failure_mode(settings: StackSettings) -> Iterator[Fault]:
    """Without its picker the gateway would send requests to either role."""
    for name, model in settings.models.items():
        if model.prefill is not None and model.picker.failure_mode is FailureMode.FAIL_OPEN:
            yield Fault(
                path=f"models.{name}.picker.failureMode",
                problem="without its picker the gateway would send requests to prefill servers, which do not answer"
                " them as decode does",
                given=FailureMode.FAIL_OPEN,
                allowed=FailureMode.FAIL_CLOSE,
            )


_ENGINE = frozenset({"release", "engine"})

RULES = (
    Rule(needs=_ENGINE, of_model=frozenset({"engine", "prefill"}), check=_possible),
    Rule(needs=_ENGINE, of_model=frozenset({"engine", "prefill", "parallelism"}), check=_tensor_pairs),
    Rule(needs=_ENGINE, of_model=frozenset({"engine", "prefill", "extraArgs"}), check=_flags),
    Rule(needs=frozenset(), of_model=frozenset({"picker", "prefill"}), check=_failure_mode),
)
