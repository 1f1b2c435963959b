"""What is generated of the policy pack is what is committed."""

from operate.policy_documents import instance_data, policies_document
from operate.workspace import ROOT
from policy.checks import RULES


def test_the_policies_document_is_the_rules() -> None:
    """`make docs` would change nothing, and every rule has its section."""
    committed = (ROOT / "docs" / "policies.md").read_text()

    assert committed == policies_document()
    assert [line[3:] for line in committed.splitlines() if line.startswith("## ")] == [rule.id for rule in RULES]


def test_the_packs_data_are_the_catalogues() -> None:
    """The pack stands alone, so it has a copy; `make docs` would change nothing of it."""
    assert (ROOT / "policy" / "instance_types.json").read_text() == instance_data()
