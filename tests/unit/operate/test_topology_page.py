"""The page that a stack is drawn on: where boxes, texts and links stand, and the SVG.

What these tests cannot prove: that the picture is handsome, and that a reader's font is no wider than the one that the
layout counts with; somebody has to look at it.
"""

from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from operate.topology.draw import stack_name
from operate.topology.graph import Topology
from operate.topology.layout import Box, Layout, engine_number, lay_out
from operate.topology.svg import svg
from tests.support.topologies import (
    DEV,
    EXAMPLES,
    ODD_NAMES,
    graph_of_file,
    served_as,
    twenty_models,
)

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(params=[DEV, *EXAMPLES, None], ids=lambda path: stack_name(path) if path else "twenty")
def graph(request: pytest.FixtureRequest) -> Topology:
    """The stack of the checkout, each example, and twenty models."""
    path: Path | None = request.param
    return graph_of_file(path) if path else twenty_models()


def _overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def _texts(document: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(document).iter(f"{SVG}text")]  # noqa: S314 - own text


def _titles(document: str) -> list[str]:
    return [title.text or "" for title in ET.fromstring(document).iter(f"{SVG}title")]  # noqa: S314 - own text


def test_boxes_stand_on_the_page_and_never_overlap(graph: Topology) -> None:
    """One gateway, a picker and a server box for each model and one box for each node pool, all apart."""
    page = lay_out(graph)

    assert sorted(box.id for box in page.boxes) == sorted(
        [
            "gateway",
            *(f"{kind}-{model.name}" for model in graph.models for kind in ("picker", "model")),
            *(f"nodes-{pool.name}" for pool in graph.node_pools),
        ]
    )
    assert [(one.id, other.id) for one, other in combinations(page.boxes, 2) if _overlap(one, other)] == []
    assert [box.id for box in page.boxes if not _is_on(page, box)] == []
    assert page.width == 1120


def _is_on(page: Layout, box: Box) -> bool:
    heading = max(y for _, y, _ in page.headings)
    return box.x >= 24 and box.x + box.width <= page.width - 24 and heading < box.y < box.y + box.height < page.height


def test_texts_stand_in_their_boxes(graph: Topology) -> None:
    """Nothing is wider than its box or below it, and no two lines of a box are closer than a font is high."""
    for box in lay_out(graph).boxes:
        baselines = [line.y for line in box.lines]
        assert [line.text for line in box.lines if line.x + line.font.width(line.text) > box.x + box.width - 8] == []
        assert min(baselines) - 13 > box.y
        assert max(baselines) < (box.bar.y if box.bar else box.y + box.height) - 4
        assert min((below - above for above, below in pairwise(baselines)), default=99) >= 18


def test_links_cross_no_box_and_no_other_columns_links(graph: Topology) -> None:
    """A link turns in the gap between two columns; each pool's models stand beside it, apart from other pools'."""
    page = lay_out(graph)
    boxes = {box.id: box for box in page.boxes}

    assert len(page.links) == 3 * len(graph.models)
    for link in page.links:
        assert [box.id for box in page.boxes if link.start[0] < box.x + box.width and box.x < link.end[0]] == []
    spans = [
        sorted([boxes[f"nodes-{pool.name}"].middle, *(boxes[f"model-{m.name}"].middle for m in graph.models_on(pool))])
        for pool in graph.node_pools
    ]
    assert all(above[-1] < below[0] for above, below in pairwise(spans))


def test_the_links_of_one_model_are_straight() -> None:
    """Middles of boxes meet to the pixel: a link with a step of one looks broken."""
    assert {link.start[1] for link in lay_out(graph_of_file(DEV)).links} == {
        lay_out(graph_of_file(DEV)).links[0].end[1]
    }


def test_bars_show_what_is_used(graph: Topology) -> None:
    """Each engine's part is its share of the pool's units to a pixel, and is seen if it has any."""
    bars = {box.id: box.bar for box in lay_out(graph).boxes if box.bar}

    for pool in graph.node_pools:
        bar = bars[f"nodes-{pool.name}"]
        assert bar is not None
        assert [engine for engine, _ in bar.parts] == sorted({engine_number(m.engine) for m in graph.models_on(pool)})
        for engine, pixels in bar.parts:
            gpus = sum(m.gpus for m in graph.models_on(pool) if engine_number(m.engine) == engine)
            assert abs(pixels - gpus * bar.width / pool.total) <= 1
        assert -(-pool.used * bar.width // pool.total) == sum(pixels for _, pixels in bar.parts) <= bar.width


def test_the_svg_names_every_model_once(graph: Topology) -> None:
    """It is well-formed, the same at each run, and has a text for each model's name and each node pool's."""
    document = svg(graph)
    texts = _texts(document)

    assert document == svg(graph)
    assert {model.name: texts.count(model.name) for model in graph.models} == {m.name: 1 for m in graph.models}
    assert {pool.name for pool in graph.node_pools} <= set(texts)


def test_a_model_that_is_served_by_its_own_name_is_still_named_once() -> None:
    """With a claim as its source a model is served as what it is called; the second line says so."""
    texts = _texts(svg(served_as("qwen")))

    assert texts[texts.index("qwen") + 1] == "served by this name"
    assert texts.count("qwen") == 1


def test_what_is_shortened_is_whole_in_the_hint() -> None:
    """A long served name keeps its start and its end on the page, and the tooltip has all of it."""
    name = "organisation/" + "very-long-" * 9 + "instruct-fp8"
    document = svg(served_as(name))

    assert "organisation/very-l…-long-instruct-fp8" in _texts(document)
    assert any(name in title for title in _titles(document))


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_stay_text(name: str) -> None:
    """Markup is shown, never obeyed; what XML forbids or what has no glyph is shown as a replacement character."""
    shown = name if name.isprintable() else "\N{REPLACEMENT CHARACTER}" * len(name)
    document = svg(served_as(name))

    assert shown in _texts(document)
    assert {element.tag.removeprefix(SVG) for element in ET.fromstring(document).iter()} == {  # noqa: S314
        "svg", "title", "defs", "marker", "path", "rect", "text", "g",
    }  # fmt: skip
