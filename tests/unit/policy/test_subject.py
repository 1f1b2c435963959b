"""Unknown values, selectors and indexes: what keeps a rule from passing in silence or from costing a square."""

import pytest

from policy.checks import RULES, Subject, World
from policy.checks.subject import UNKNOWN, UnknownValueError, at, children, mapping, present, texts
from policy.checks.world import selects
from policy.config import defaults
from policy.judge import judge, judge_all

VALUE = {"a": {"b": [1, {"c": UNKNOWN}], "u": UNKNOWN}}


def _object(kind: str, name: str, **spec: object) -> Subject:
    metadata = {"name": name, "namespace": "n"}
    return Subject(type=f"kubernetes:v1:{kind}", key=name, properties={"metadata": metadata, "spec": spec})


def test_a_value_is_read_by_its_path() -> None:
    """Keys and positions lead to it, and where nothing is there is `None`."""
    assert at(VALUE, "a", "b", 0) == 1
    assert at(VALUE, "a", "x", "y") is None
    assert at(VALUE, "a", "b", 7) is None


def test_an_unknown_on_the_way_or_at_the_end_is_raised_with_its_path() -> None:
    """No accessor hands an unknown out, so no comparison with one can come out as `different`."""
    for path, said in ((("a", "u"), "a.u"), (("a", "u", "x"), "a.u"), (("a", "b", 1, "c"), "a.b[1].c")):
        with pytest.raises(UnknownValueError) as error:
            at(VALUE, *path)
        assert error.value.path == said
    with pytest.raises(UnknownValueError):
        mapping(VALUE, "a")
    with pytest.raises(UnknownValueError):
        children({"list": [UNKNOWN]}, "list")


def test_whether_something_is_given_needs_no_value() -> None:
    """A rule about presence judges what is not known yet."""
    assert present(VALUE, "a", "u")
    assert not present(VALUE, "a", "x")


def test_texts_are_found_with_their_paths_and_unknowns_are_no_texts() -> None:
    """What is not known yet is no literal of the program."""
    assert list(texts({"a": ["x", UNKNOWN], "b": {"c": "y"}})) == [("a[0]", "x"), ("b.c", "y")]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"a": "1"}, True),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Like"}]}, False),
    ],
)
def test_selectors_select_as_kubernetes_does(selector: object, *, expected: bool) -> None:
    """Labels, expressions, and the plain map of a Service; an operator that is none selects nothing."""
    assert selects(selector, {"a": "1"}) is expected


def test_the_index_finds_what_a_walk_would_find() -> None:
    """Selectors with labels, with expressions alone and with nothing; none of another namespace."""
    labelled = _object("PodDisruptionBudget", "one", selector={"matchLabels": {"a": "1", "b": "2"}})
    expressed = _object(
        "PodDisruptionBudget", "two", selector={"matchExpressions": [{"key": "a", "operator": "Exists"}]}
    )
    other = _object("PodDisruptionBudget", "three", selector={"matchLabels": {"a": "9"}})
    world = World([labelled, expressed, other])

    found = world.selecting("PodDisruptionBudget", "n", {"a": "1", "b": "2", "c": "3"})
    assert [subject.key for subject in found] == ["two", "one"]
    assert world.selecting("PodDisruptionBudget", "m", {"a": "1", "b": "2"}) == []


def test_a_rule_that_meets_an_unknown_is_counted_as_not_judged() -> None:
    """It is a gap, not a verdict: neither a pass nor a violation."""
    template = Subject(
        type="aws:ec2/launchTemplate:LaunchTemplate", key="t", properties={"metadataOptions": {"httpTokens": UNKNOWN}}
    )

    violations, report = judge_all([template], defaults())

    assert [(item.rule.id, item.judged) for item in violations] == [("launch-template", False)]
    tally = report.tallies["launch-template"]
    assert (tally.judged, tally.unjudged, tally.violations) == (0, 1, 0)
    assert violations[0].message.startswith("t cannot be judged yet: metadataOptions.httpTokens is known only once")


def test_what_is_found_before_an_unknown_counts() -> None:
    """A violation that is certain is not lost because the rest is not known."""
    rule = next(rule for rule in RULES if rule.id == "launch-template")
    properties = {"metadataOptions": {"httpTokens": "optional"}, "blockDeviceMappings": UNKNOWN}
    template = Subject(type="aws:ec2/launchTemplate:LaunchTemplate", key="t", properties=properties)

    found = judge(rule, template, defaults()[rule.id])

    assert found is not None
    assert [item.judged for item in found] == [True, False]


def test_a_rule_that_is_not_asked_judges_nothing() -> None:
    """A rule whose settings ask for nothing counts no subject: a pass would be for nothing."""
    key = Subject(type="aws:kms/key:Key", key="k", properties={})

    assert judge_all([key], defaults())[1].tallies["protected-state"].judged == 0
