"""Tokens that are written out where they would reach a manifest; never negotiable, so refused before any policy."""

from collections.abc import Iterator

from policy.checks.literals import token_in
from settings.faults import Fault
from settings.rules.rule import Rule
from settings.stack import StackSettings

__all__ = ["RULES"]


def _tokens(settings: StackSettings) -> Iterator[Fault]:
    for name, model in settings.models.items():
        written = {f"models.{name}.extraArgs[{index}]": text for index, text in enumerate(model.extra_args)}
        if model.custom is not None:
            words = {"command": model.custom.command, "args": model.custom.args}
            for key, texts in words.items():
                written |= {f"models.{name}.custom.{key}[{index}]": text for index, text in enumerate(texts)}
            written |= {f"models.{name}.custom.env.{key}": text for key, text in model.custom.env.items()}
        for path, text in written.items():
            # The value itself is not repeated: messages end up in logs.
            if kind := token_in(text):
                yield Fault(
                    path=path,
                    problem=f"looks like {kind}, which would stand in the manifest and in the state",
                    allowed="a Secret on the cluster, named by huggingFace.tokenSecret; revoke this one",
                )


RULES = (Rule(needs=frozenset(), of_model=frozenset({"extraArgs", "custom"}), check=_tokens),)
"""One rule: no token in what becomes a command line or an environment."""
