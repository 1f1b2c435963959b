"""Whatever stands under `llm-d`, the answer is settings or a list of faults: never another exception.

What these tests cannot prove: that no input at all breaks it; they try some hundreds, near the real keys on purpose.
"""

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from hypothesis import HealthCheck, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from settings import ConfigFaultsError, StackSettings, validate
from settings.faults import _container_in, _fields
from stacks import plan_stack
from tests.support.configs import SECRET, config

WORDS = st.sampled_from(
    [
        *(
            "vllm",
            "sglang",
            "custom",
            "tensorrt-llm",
            "v0.4",
            "hf://Qwen/Qwen3-0.6B",
            "hf://a/b",
            "pvc://c/d",
            "s3://x",
            "hf://a/..",
            "pvc://c/",
            "team.secret",
            "registry.example.com/x",
        ),
        *("g6.xlarge", "p5.48xlarge", "1g.10gb", "mixed", "single", "none", "mps", "time-slicing", "external", "istio"),
        *("1Gi", "1ki", "9" * 400, "", "a", "default", "a-epp", "/", "/a", "//", "HTTPS", "a:b", "vllmServe", "[key]"),
    ]
)
SCALARS = (
    st.none() | st.booleans() | WORDS | st.text(max_size=8) | st.just(SECRET)
    | st.integers() | st.sampled_from([10**400, -1, 0, 1, 2, 8, 10**9]) | st.floats()
)  # fmt: skip


def _values_of(annotation: object) -> object:
    """The model of a mapping's values; any other annotation stays what it is."""
    return _container_in(get_args(annotation)[1]) if get_origin(annotation) is Mapping else annotation


def _keys(model: object) -> list[str]:
    keys: set[str] = set()
    waiting = [model]
    while waiting:
        fields = _fields(waiting.pop())
        keys |= fields.keys()
        waiting += [_values_of(_container_in(annotation)) for annotation in fields.values()]
    return sorted(keys)


KEYS = st.sampled_from([*_keys(StackSettings), "qwen", "l4", "vllm", "a", "a.b", "[key]", "source", "instanceType"])
JUNK: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS | st.text(max_size=5) | st.integers() | st.booleans(), inner, max_size=4)
    ),
    max_leaves=12,
)


def _near(annotation: object, depth: int = 0) -> st.SearchStrategy[Any]:
    """Mappings of the shape that the settings have, with anything for values now and then."""
    fields = _fields(annotation)
    if fields:
        inner = {
            key: st.one_of(_near(_container_in(value), depth + 1), WORDS, SCALARS, JUNK)
            if _container_in(value) is not None
            else WORDS | SCALARS
            for key, value in fields.items()
        }
        return st.fixed_dictionaries({}, optional=inner)
    if annotation is None or depth > 4:
        return SCALARS
    names = st.sampled_from(["qwen", "a", "a-epp", "l4", "vllm", "custom", "A"])
    return st.dictionaries(names, _near(_values_of(annotation), depth + 1), max_size=3)


def _judge(raw: dict[str, Any]) -> None:
    """Settings that a plan can be made of, or at least one fault whose message can be written."""
    found: StackSettings | ConfigFaultsError
    try:
        found = validate(raw)
    except ConfigFaultsError as error:
        found = error
    if isinstance(found, ConfigFaultsError):
        assert len(found.faults) >= 1
        assert len(found.faults) == len(set(found.faults))
        assert str(found).startswith(f"{len(found.faults)} fault")
    else:
        assert plan_stack(found).models.keys() == found.models.keys()


BOUNDED = example_settings(
    deadline=None, max_examples=150, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@BOUNDED
@given(st.dictionaries(KEYS | st.text(max_size=5), JUNK, max_size=6))
def test_junk_gives_settings_or_faults(raw: dict[str, Any]) -> None:
    """Any mapping of JSON-like values is answered."""
    _judge(raw)


@BOUNDED
@given(_near(StackSettings))
def test_junk_of_the_right_shape_gives_settings_or_faults(raw: dict[str, Any]) -> None:
    """Known keys with values that are almost right reach the rules, which answer too."""
    _judge(raw)


@BOUNDED
@given(
    st.dictionaries(
        st.sampled_from(
            [
                *("engine", "release", "gateway.provider", "gateway.listener.protocol", "models.qwen.replicas"),
                *("models.qwen.parallelism.tensor", "models.qwen.weights", "models.qwen.source", "models.qwen.path"),
                *("models.qwen.image", "models.qwen.engine", "models.qwen.pool", "models.qwen.modelCommand"),
                *("gpuPools.l4.instanceType", "gpuPools.l4.maxSize", "gpuPools.l4.migProfile", "devicePlugin.sharing"),
                *("devicePlugin.replicas", "devicePlugin.migStrategy", "gpuPools.l4.advertiser", "namespace"),
                *(
                    "models.qwen.servedName",
                    "models.qwen.resources.cpu",
                    "models.qwen.resources.memory",
                    "images.registry",
                ),
                *("gpuPools.l4.nodeSelector", "gpuPools.l4.diskSizeGib", "devicePlugin.runtimeClass"),
            ]
        ),
        WORDS | st.sampled_from([0, 1, 2, 8, 10**9, 10**400]),
        max_size=6,
    )
)
def test_a_sound_config_with_some_wrong_values_gives_settings_or_faults(changes: dict[str, Any]) -> None:
    """A few wrong values in a config that is otherwise right reach every rule."""
    _judge(config(changes))


@BOUNDED
@given(
    st.fixed_dictionaries(
        {"source": WORDS | st.text(max_size=12) | st.from_regex(r"(hf|pvc)://[\w./-]{1,12}", fullmatch=True)},
        optional={
            "weights": st.sampled_from([1, "1Gi", "9Gi", "x"]),
            "servedName": WORDS,
            "path": WORDS,
            "resources": st.dictionaries(st.sampled_from(["cpu", "memory"]), st.sampled_from([1, "500m", "1Gi", "x"])),
        },
    )
)
def test_a_model_of_any_source_gives_settings_or_faults(model: dict[str, Any]) -> None:
    """Whatever a model says beside a source that cannot be parsed, no plan is made of it."""
    _judge(config({"models.qwen": model}))
