"""Running the rules: what was judged, what was found, what could not be judged; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from policy.checks import RULES, Rule, Severity, Subject, UnknownValueError, World
from policy.checks.world import EMPTY
from policy.config import RuleConfig

__all__ = ["Report", "Tally", "Violation", "judge", "judge_all"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """What a rule holds against a subject."""

    rule: Rule
    severity: Severity
    subject: Subject
    problem: str
    judged: bool = True
    """`False`: the rule needs a value that is not known yet, so this is a gap and no finding."""

    @property
    def message(self) -> str:
        """What, why it matters, what to do, and which key changes it."""
        if not self.judged:
            return f"{self.subject.name} cannot be judged yet: {self.problem}. It is judged again by the update itself."
        rule = self.rule
        return f"{self.subject.name}: {self.problem}.\n{rule.reason}\nTo do: {rule.remediation} Config: {rule.key}"


@dataclass(slots=True)
class Tally:
    """What one rule did."""

    judged: int = 0
    """Subjects that it came to a verdict about."""
    unjudged: int = 0
    """Subjects that it could not judge, because a value is not known yet."""
    violations: int = 0


@dataclass(slots=True)
class Report:
    """What all rules did, by rule."""

    tallies: dict[str, Tally] = field(default_factory=lambda: {rule.id: Tally() for rule in RULES})

    def count(self, rule: Rule, found: list[Violation]) -> None:
        """Count one subject of a rule."""
        tally = self.tallies[rule.id]
        if any(not violation.judged for violation in found):
            tally.unjudged += 1
        else:
            tally.judged += 1
        tally.violations += sum(violation.judged for violation in found)

    def as_data(self) -> dict[str, dict[str, int]]:
        """For a file."""
        return {
            name: {"judged": tally.judged, "unjudged": tally.unjudged, "violations": tally.violations}
            for name, tally in self.tallies.items()
        }


def judge(rule: Rule, subject: Subject, config: RuleConfig, world: World = EMPTY) -> list[Violation] | None:
    """What a rule holds against a subject; `None` where it has nothing to say about such a subject."""
    found: list[Violation] = []

    def _violation(problem: str, *, judged: bool = True) -> Violation:
        return Violation(rule=rule, severity=config.severity, subject=subject, problem=problem, judged=judged)

    try:
        if not rule.is_asked(config.settings) or not rule.applies(subject):
            return None
        # One by one: what is found before an unknown value is met counts.
        for problem in rule.check(subject, config.settings, world):
            found.append(_violation(problem))  # noqa: PERF401 - see above
    except UnknownValueError as error:
        found.append(_violation(str(error), judged=False))
    return found


def judge_all(subjects: Iterable[Subject], config: Mapping[str, RuleConfig]) -> tuple[list[Violation], Report]:
    """Every rule that is not disabled on every subject."""
    everything = list(subjects)
    world = World(everything)
    report = Report()
    violations: list[Violation] = []
    for rule in RULES:
        if config[rule.id].severity is Severity.DISABLED:
            continue
        for subject in everything:
            found = judge(rule, subject, config[rule.id], world)
            if found is not None:
                report.count(rule, found)
                violations += found
    return violations, report
