"""The rules on YAML: `python -m policy.manifests DIR`, for the output of `make render` or anybody's manifests.

What a manifest does not hold (the plan, prices, AWS) is not judged here; the pack does, on a preview.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from policy import config as environment
from policy.checks import Severity, Subject
from policy.config import ConfigError
from policy.judge import judge_all
from policy.reports import FORMATS, Finding

__all__ = ["main", "subjects_in", "type_token"]

_FOLDER = Path(__file__).resolve().parent
_CONFIG = _FOLDER / "prod.json"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ManifestError(Exception):
    """A file that holds no manifests."""


def type_token(api_version: str, kind: str) -> str:
    """Pulumi's type token of a Kubernetes object."""
    return f"kubernetes:{api_version if '/' in api_version else f'core/{api_version}'}:{kind}"


def subjects_in(folder: Path) -> Iterator[tuple[Subject, Path, int]]:
    """The objects of a folder's YAML files, or of one file, each with its file and first line.

    Raises:
        ManifestError: with the file, if it cannot be read as YAML.
    """
    files = (
        sorted(path for path in folder.rglob("*") if path.suffix in (".yaml", ".yml")) if folder.is_dir() else [folder]
    )
    for path in files:
        try:
            yield from _objects(path)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ManifestError(f"{path}: {error}") from error


def _objects(path: Path) -> Iterator[tuple[Subject, Path, int]]:
    loader = _LOADER(path.read_text())
    try:
        while loader.check_node():
            node = loader.get_node()
            document = loader.construct_document(node)
            line = node.start_mark.line + 1
            for index, item in enumerate(_items(document)):
                token = type_token(str(item["apiVersion"]), str(item["kind"]))
                yield Subject(type=token, key=f"{path}:{line}:{index}", properties=item), path, line
    finally:
        loader.dispose()


def _items(document: object) -> list[dict[str, Any]]:
    """The objects of a document: itself, or the items of a List."""
    if not isinstance(document, dict) or "kind" not in document or "apiVersion" not in document:
        return []
    if document["kind"] == "List":
        return [item for entry in document.get("items") or [] for item in _items(entry)]
    return [document] if isinstance(document.get("metadata"), dict) else []


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m policy.manifests", description="Judge Kubernetes manifests.")
    parser.add_argument("folder", type=Path, metavar="DIR|FILE", help="manifests, such as the output of `make render`")
    rules = parser.add_mutually_exclusive_group()
    rules.add_argument("--config", type=Path, metavar="FILE", help="default: policy/prod.json")
    rules.add_argument("--stack", metavar="NAME", help="the config that `make policy STACK=NAME` judges the stack by")
    parser.add_argument("--format", choices=sorted(FORMATS), default="text", help="default: text")
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: standard output")
    return parser


def _config(arguments: argparse.Namespace) -> Path:
    """The strictest where nothing is said: manifests do not tell what they are for."""
    if arguments.stack is not None:
        return environment.environment_of(arguments.stack)
    return arguments.config or _CONFIG


def main(argv: list[str] | None = None) -> int:
    """Judge a folder: 0 where nothing mandatory is violated, 1 where something is, 2 where nothing could be judged."""
    arguments = _parser().parse_args(argv)
    try:
        config = environment.read(_config(arguments))
        found = list(subjects_in(arguments.folder))
    except (ConfigError, ManifestError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if not found:
        print(f"error: {arguments.folder} holds no Kubernetes object", file=sys.stderr)
        return 2
    places = {subject.key: (path, line) for subject, path, line in found}
    violations, report = judge_all([subject for subject, _, _ in found], config)
    findings = [
        Finding(violation=item, file=places[item.subject.key][0], line=places[item.subject.key][1])
        for item in violations
    ]
    text = FORMATS[arguments.format](findings, report)
    if arguments.out is None:
        print(text)
    else:
        arguments.out.write_text(f"{text}\n")
    return int(any(item.severity is Severity.MANDATORY for item in violations))


if __name__ == "__main__":
    sys.exit(main())
