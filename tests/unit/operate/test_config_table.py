"""The config table of README.md says what the settings say.

That a meaning is true nobody can test. That every key has one, and that README.md has the current table, is tested.
"""

import pytest

from operate.config_table import BEGIN, END, MarkersMissingError, Row, config_rows, config_table, with_table
from operate.workspace import ROOT
from settings.stack import StackSettings

_ROWS = {row.path: row for row in config_rows()}


def test_readme_has_the_current_table() -> None:
    """README.md holds the table of the settings as they are; `make docs` writes it."""
    readme = (ROOT / "README.md").read_text()

    assert with_table(readme) == readme, "README.md and settings/ disagree: run `make docs`"


def test_every_top_level_key_is_in_the_table() -> None:
    """The table starts from the root of the settings and leaves no key out."""
    expected = {field.alias for field in StackSettings.model_fields.values()}

    assert {path for path in _ROWS if "." not in path} == expected


def test_every_key_has_a_meaning() -> None:
    """A field without a docstring, its own or its type's, would be a key that nobody can use."""
    assert [row.path for row in _ROWS.values() if not row.meaning] == []


def test_no_key_is_told_twice() -> None:
    """One row per key: a path is where `pulumi config set --path` writes."""
    assert len(config_rows()) == len(_ROWS)


@pytest.mark.parametrize(
    ("path", "type_", "default"),
    [
        ("release", "string", "required"),
        ("crds", "`install` | `existing`", "`install`"),
        ("images.pullSecrets", "list of names", ""),
        ("images.mirrors", "mapping of strings", ""),
        ("images.devicePlugin", "image", ""),
        ("gpuPools.<name>.maxSize", "integer 1-5000", "`1`"),
        ("gpuPools.<name>.taint.effect", "`NoSchedule` | `NoExecute` | `PreferNoSchedule`", "`NoSchedule`"),
        ("models.<name>.picker.replicas", "integer >= 1", "`1`"),
        ("models.<name>.picker.memory", "quantity", "`2Gi`"),
        ("models.<name>.weights", "quantity", ""),
        ("models.<name>.custom.command", "list of strings", "required"),
        ("huggingFace.token", "secret", ""),
    ],
)
def test_a_row_tells_type_and_default_in_the_words_of_yaml(path: str, type_: str, default: str) -> None:
    """Types are said as a user of YAML says them, bounds included, whatever Python and pydantic call them."""
    assert (_ROWS[path].type, _ROWS[path].default) == (type_, default)


def test_a_meaning_is_the_docstring_under_the_field() -> None:
    """Line breaks of the source are gone, and a closed set tells what each of its words means."""
    assert _ROWS["cluster.manifests"].meaning == (
        "No cluster: write one YAML file per object into this directory, for a GitOps controller. Secrets become"
        " placeholders."
    )
    assert _ROWS["devicePlugin.migStrategy"].meaning == (
        "How MIG slices are advertised. `single`: As `nvidia.com/gpu`: all GPUs of a node are cut alike. `mixed`: As"
        " `nvidia.com/mig-<profile>`."
    )


def test_every_line_of_the_table_has_four_cells() -> None:
    """A `|` inside a cell is escaped, or Markdown would cut the row there."""
    cells = {line.replace("\\|", "").count("|") for line in config_table().splitlines()}

    assert cells == {5}


def test_only_the_block_between_the_markers_is_written() -> None:
    """What stands around the block stays; the old block goes."""
    document = f"before\n{BEGIN}\nold\n{END}\nafter\n"

    assert with_table(document) == f"before\n{BEGIN}\n{config_table()}{END}\nafter\n"
    assert with_table(with_table(document)) == with_table(document)


@pytest.mark.parametrize(
    "document", ["", BEGIN, END, f"{END}\n{BEGIN}", f"{BEGIN}\n{END}\n{BEGIN}\n{END}", f"{BEGIN}\n{END}\n{END}"]
)
def test_a_document_without_one_place_for_the_table_is_refused(document: str) -> None:
    """Markers that are missing, doubled or in the wrong order end in an error, never in a lost paragraph."""
    with pytest.raises(MarkersMissingError, match="needs these two lines"):
        with_table(document)


def test_a_row_is_known_by_its_path() -> None:
    """`<name>` stands for the user's own key, so a row is one key of the config however many models there are."""
    assert _ROWS["models.<name>.replicas"] == Row(
        path="models.<name>.replicas", type="integer 1-1000", default="`1`", meaning="Pods that serve the model."
    )
