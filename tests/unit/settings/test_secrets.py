"""A secret never enters the settings, a message or a quote; a token in the wrong place is refused without a trace.

What these tests cannot prove: that nobody writes a token under a key where any text is right, such as a model's extra
arguments.
"""

import json
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from pulumi.runtime import config as pulumi_config

from settings import ConfigFaultsError, Fault, load_config, load_stack_file, validate
from settings.cluster import ExistingCluster
from settings.kubeconfig import KubeconfigError, read_kubeconfig
from settings.models import SecretMark
from tests.support.configs import SECRET, config, settings

TOKEN = "hf_PlainTextTokenOfATest"
MUST_BE_SECRET = "must be a secret: `pulumi config set --secret --path llm-d:huggingFace.token` encrypts it"


@pytest.fixture(autouse=True)
def _pulumi_config() -> Iterator[None]:
    """The SDK keeps the config in globals: every test gets them back as they were."""
    before, secrets = pulumi_config.CONFIG.get(), pulumi_config._SECRET_KEYS.get()
    yield
    pulumi_config.set_all_config(before, list(secrets))


def _handed_over(raw: dict[str, object], secret_keys: list[str]) -> None:
    """Config as the engine hands it over: scalars as text, everything else as JSON."""
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in raw.items()}
    pulumi_config.set_all_config(
        {f"llm-d:{key}": value for key, value in values.items()}, [f"llm-d:{key}" for key in secret_keys]
    )


def _refused(raw: dict[str, object]) -> ConfigFaultsError:
    with pytest.raises(ConfigFaultsError) as raised:
        validate(raw)
    return raised.value


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"token": TOKEN}, Fault(path="huggingFace.token", problem=MUST_BE_SECRET)),
        ({"token": {"value": TOKEN}}, Fault(path="huggingFace.token", problem=MUST_BE_SECRET)),
        (TOKEN, Fault(path="huggingFace", problem="must be a mapping")),
        (
            {"tokenSecret": TOKEN},
            Fault(
                path="huggingFace.tokenSecret",
                problem="must be a DNS subdomain: lower-case letters, digits, '-' and '.', 253 characters at most",
            ),
        ),
        (
            {"tken": TOKEN},
            Fault(path="huggingFace.tken", problem="unknown key", allowed="token, tokenSecret", nearest="token"),
        ),
    ],
)
def test_a_plaintext_token_is_refused_and_not_repeated(given: object, fault: Fault) -> None:
    """Wherever under its key a token stands in plain text, it is one fault and its value is in no text of it."""
    error = _refused(config({"huggingFace": given}))

    assert error.faults == (fault,)
    assert TOKEN not in str(error)
    assert TOKEN not in repr(error.faults)


def test_a_secret_leaves_a_mark_that_tells_nothing() -> None:
    """In the settings a secret is a mark, whose text is the same for every secret."""
    sound = settings({"huggingFace.token": SECRET})

    assert isinstance(sound.hugging_face.token, SecretMark)
    assert repr(sound.hugging_face) == "HuggingFaceSettings(token_secret=None, token=[secret])"


def test_a_config_secret_becomes_a_mark(tmp_path: Path) -> None:
    """From the engine the token arrives decrypted in its key's JSON; it is cut out before anything reads it."""
    _handed_over(config({"huggingFace.token": TOKEN}), ["huggingFace"])

    assert repr(load_config(tmp_path).hugging_face) == "HuggingFaceSettings(token_secret=None, token=[secret])"


def test_a_token_that_is_no_config_secret_is_refused(tmp_path: Path) -> None:
    """The same JSON without the engine's mark of a secret is a plaintext token."""
    _handed_over(config({"huggingFace.token": TOKEN}), [])
    with pytest.raises(ConfigFaultsError) as raised:
        load_config(tmp_path)

    assert raised.value.faults == (Fault(path="huggingFace.token", problem=MUST_BE_SECRET),)
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"engine": TOKEN},
        {"models.qwen.image": TOKEN},
        {"release": TOKEN},
        {"huggingFace": {"tokenSecret": TOKEN}},
        {"huggingFace": TOKEN},
        {"huggingFace": "{" + TOKEN},
        {"zzz": TOKEN},
    ],
)
def test_a_secret_under_another_key_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    """A secret where none belongs is one fault, and its value is in no text of it."""
    key = next(iter(changes)).partition(".")[0]
    _handed_over(config(changes), [key])
    with pytest.raises(ConfigFaultsError) as raised:
        load_config(tmp_path)

    assert raised.value.faults == (
        Fault(path=key, problem="holds a secret where none belongs", allowed="huggingFace.token"),
    )
    assert TOKEN not in str(raised.value)


def test_a_stack_file_marks_what_is_encrypted(tmp_path: Path) -> None:
    """`secure` in a stack's file becomes the mark, whatever the ciphertext is."""
    path = tmp_path / "Pulumi.x.yaml"
    document = {f"llm-d:{key}": value for key, value in config({"huggingFace.token": {"secure": "v1:abc"}}).items()}
    path.write_text(json.dumps({"config": document}))

    assert repr(load_stack_file(path).hugging_face) == "HuggingFaceSettings(token_secret=None, token=[secret])"


def test_a_stack_file_with_a_secret_elsewhere_is_refused(tmp_path: Path) -> None:
    """An encrypted value under another key is no value of that key's type."""
    path = tmp_path / "Pulumi.x.yaml"
    document = {f"llm-d:{key}": value for key, value in config({"namespace": {"secure": "v1:abc"}}).items()}
    path.write_text(json.dumps({"config": document}))
    with pytest.raises(ConfigFaultsError) as raised:
        load_stack_file(path)

    assert raised.value.faults == (Fault(path="namespace", problem="must be a string"),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"token: {TOKEN}: {TOKEN}", "mapping values are not allowed here, line 1, column 32"),
        (f"a: 1\ntoken: *{TOKEN}", "found undefined alias ..., line 2, column 8"),
        (f"token: !{TOKEN} x", "could not determine a constructor for the tag ..., line 1, column 8"),
        (f"token: '{TOKEN}", "found unexpected end of stream, line 1, column 33"),
        (f"token: !!int {TOKEN}", "a value does not fit its YAML type"),
        (f"token: !!bool {TOKEN}", "a value does not fit its YAML type"),
        (f"token: {TOKEN}\0", "it holds a character that YAML does not allow"),
        (f"token: [{TOKEN}", "expected ',' or ']', but got '<stream end>', line 1, column 33"),
    ],
)
def test_a_broken_file_is_not_quoted(tmp_path: Path, text: str, expected: str) -> None:
    """Of a stack's file and of a kubeconfig only the problem and its place are told, never the line itself."""
    path = tmp_path / "file.yaml"
    path.write_text(text)
    with pytest.raises(ConfigFaultsError) as of_stack:
        load_stack_file(path)
    with pytest.raises(KubeconfigError) as of_kubeconfig:
        read_kubeconfig(ExistingCluster.model_validate({"kubeconfig": str(path)}), tmp_path)

    assert of_stack.value.faults == (Fault(path="", problem=f"the stack's config cannot be read: {expected}"),)
    assert str(of_kubeconfig.value) == f"{path} cannot be read: {expected}"
    for error in (of_stack.value, of_kubeconfig.value):
        assert TOKEN not in "".join(traceback.format_exception(error))


def test_a_token_in_the_environment_of_an_engine_is_not_repeated() -> None:
    """The key alone is at fault there, so its value is not quoted."""
    custom = {
        "image": "registry.example.com/engine:1.0",
        "command": ["serve"],
        "metrics": {"queuedRequests": "waiting", "kvCacheUsage": "usage"},
        "env": {"HF_TOKEN": TOKEN},
    }
    error = _refused(config({"engine": "custom", "models.qwen.custom": custom}))

    assert error.faults == (
        Fault(
            path="models.qwen.custom.env.HF_TOKEN",
            problem="is set by the pod itself: it comes from the Secret of huggingFace, here it would be plain text;"
            " remove the key",
        ),
    )
