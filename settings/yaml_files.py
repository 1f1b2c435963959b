"""YAML files that may hold secrets: what is wrong with one is said without quoting it."""

import re
from pathlib import Path
from typing import Any

import yaml

__all__ = ["YamlFileError", "read_yaml"]

# PyYAML quotes what it found with repr: aliases, tags and characters of the user's.
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")
# A single character, or PyYAML's own name of a token such as '<block end>'.
_HARMLESS = re.compile(r"'(.|<[a-z ]+>)'")


class YamlFileError(Exception):
    """A file that cannot be read or is no YAML; its text holds nothing of the file's content."""


def read_yaml(path: Path) -> Any:  # noqa: ANN401 - a YAML document is anything
    """The document of a file.

    Raises:
        FileNotFoundError: if there is no such file.
        YamlFileError: if it cannot be read or parsed. It has no cause: PyYAML's own texts quote the broken line, which
            may hold a token.
    """
    try:
        return yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise YamlFileError(error.strerror or type(error).__name__) from None
    except UnicodeDecodeError:
        raise YamlFileError("it is not UTF-8 text") from None
    except yaml.MarkedYAMLError as error:
        raise YamlFileError(_problem(error)) from None
    except yaml.YAMLError:
        raise YamlFileError("it holds a character that YAML does not allow") from None
    except (ValueError, LookupError, AttributeError, TypeError):
        # PyYAML's constructors raise whatever int, date or a table of words raises, with the value in the text.
        raise YamlFileError("a value does not fit its YAML type") from None
    except RecursionError:
        raise YamlFileError("it is nested too deeply") from None


def _problem(error: yaml.MarkedYAMLError) -> str:
    problem = _QUOTED.sub(_quotable, error.problem or "it is no YAML")
    mark = error.problem_mark or error.context_mark
    return problem if mark is None else f"{problem}, line {mark.line + 1}, column {mark.column + 1}"


def _quotable(match: re.Match[str]) -> str:
    return match[0] if _HARMLESS.fullmatch(match[0]) else "..."
