"""Where everything stands on the page, in pixels; pure.

Four columns, in the direction of a request: gateway, pickers, models, node pools. A model has a row of its own, and a
node pool has a band of rows: its models stand beside it, so no two links cross, however many models there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from engines import CUSTOM, ENGINES
from operate.topology import words
from operate.topology.graph import Gateway, Model, NodePool, Topology

__all__ = ["MARGIN", "Bar", "Box", "Font", "Layout", "Line", "Link", "engine_number", "lay_out"]

MARGIN = 24

_GATEWAY_WIDTH = 184
_PICKER_WIDTH = 246
_MODEL_WIDTH = 306
_POOL_WIDTH = 228
_FAN_GAP = 40
_PAIR_GAP = 28
_ROW_GAP = 16
_BAND_GAP = 36

_HEADER = 80
_FOOTER = 40
_PADDING = 14
_LINE = 19
_BAR = 8
_BAR_EXTRA = 16

_GATEWAY_X = MARGIN
_PICKER_X = _GATEWAY_X + _GATEWAY_WIDTH + _FAN_GAP
_MODEL_X = _PICKER_X + _PICKER_WIDTH + _PAIR_GAP
_POOL_X = _MODEL_X + _MODEL_WIDTH + _FAN_GAP
_WIDTH = _POOL_X + _POOL_WIDTH + MARGIN

_HEADINGS = (
    (_GATEWAY_X, "Gateway"),
    (_PICKER_X, "Routes and pickers"),
    (_MODEL_X, "InferencePools and their models"),
    (_POOL_X, "Node pools"),
)


class Font(Enum):
    """Size in pixels, width of a column in thousandths of it, whether it is monospaced, whether it is bold.

    The widths are those of DejaVu, the widest of the fonts that readers are likely to have.
    """

    NAME = (13, 603, True, True)
    PATH = (12, 603, True, True)
    CODE = (12, 603, True, False)
    TEXT = (12, 600, False, False)

    @property
    def size(self) -> int:
        """Pixels."""
        return self.value[0]

    @property
    def is_mono(self) -> bool:
        """Identifiers are monospaced: their width is known."""
        return self.value[2]

    @property
    def is_bold(self) -> bool:
        """What the eye should find first."""
        return self.value[3]

    def columns(self, width: int) -> int:
        """How many characters fit."""
        size, thousandths, *_ = self.value
        return width * 1000 // (size * thousandths)

    def width(self, text: str) -> int:
        """Pixels that a text takes."""
        size, thousandths, *_ = self.value
        return -(-words.cells(text) * size * thousandths // 1000)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of text in a box."""

    text: str
    """As it fits."""
    font: Font
    x: int
    y: int
    """Of the baseline."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """How much of a node pool is used."""

    x: int
    y: int
    width: int
    height: int
    parts: tuple[tuple[int, int], ...]
    """Number of the engine and pixels, from the left."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A box with its text."""

    id: str
    """`gateway`, `picker-<model>`, `model-<model>`, `nodes-<pool>`."""
    x: int
    y: int
    width: int
    height: int
    lines: tuple[Line, ...]
    hint: str
    """Every line in full, and what there was no room for."""
    engine: int | None = None
    """Number of the engine whose colour marks the box."""
    bar: Bar | None = None

    @property
    def middle(self) -> int:
        """Where links go in and out."""
        return self.y + self.height // 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """From the right of one box to the left of another, with a corner at `turn` where they differ in height."""

    start: tuple[int, int]
    end: tuple[int, int]
    turn: int
    is_request: bool
    """Whether requests go along; else it says what runs where."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """A page."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    links: tuple[Link, ...]
    headings: tuple[tuple[int, int, str], ...]
    """Position and text of each column's."""
    engines: tuple[tuple[int, str], ...]
    """Number and name of each engine that the stack has."""


def engine_number(engine: str) -> int:
    """The place of an engine among those that this program knows: its colour is the same in every picture."""
    return [*ENGINES, CUSTOM].index(engine)


def lay_out(graph: Topology) -> Layout:
    """The page of a graph."""
    top = _HEADER
    bands = []
    for pool in graph.node_pools:
        band = _band(graph.models_on(pool), pool, top)
        bands.append(band)
        top = max(box.y + box.height for box in band) + _BAND_GAP
    height = max(top - _BAND_GAP, _HEADER + _height(4))
    gateway = _gateway(graph.gateway, height)
    links = []
    for *rows, nodes in bands:
        for picker, model in zip(rows[::2], rows[1::2], strict=True):
            links += [
                _link(gateway, picker, is_request=True),
                _link(picker, model, is_request=True),
                _link(model, nodes, is_request=False),
            ]
    return Layout(
        width=_WIDTH,
        height=height + _FOOTER,
        boxes=(gateway, *(box for band in bands for box in band)),
        links=tuple(links),
        headings=tuple((x, _HEADER - 12, text) for x, text in _HEADINGS),
        engines=tuple(sorted({(engine_number(model.engine), model.engine) for model in graph.models})),
    )


def _height(lines: int) -> int:
    """A multiple of four: middles of boxes and of bands are whole and even, so a straight link is straight."""
    return -(-(lines * _LINE + _PADDING) // 4) * 4


def _link(start: Box, end: Box, *, is_request: bool) -> Link:
    return Link(
        start=(start.x + start.width, start.middle),
        end=(end.x, end.middle),
        turn=start.x + start.width + (end.x - start.x - start.width) // 2,
        is_request=is_request,
    )


def _band(models: Sequence[Model], pool: NodePool, top: int) -> list[Box]:
    """Picker and model of each row, and at last the node pool, in the middle of them."""
    row = _height(3)
    rows = max(len(models) * (row + _ROW_GAP) - _ROW_GAP, 0)
    tall = _height(5) + _BAR_EXTRA
    first = top + max(tall - rows, 0) // 2
    boxes = [
        box for index, model in enumerate(models) for box in _pair(model, pool, first + index * (row + _ROW_GAP), row)
    ]
    return [*boxes, _nodes(pool, models, top + max(rows - tall, 0) // 2, tall)]


def _gateway(gateway: Gateway, bottom: int) -> Box:
    height = _height(4)
    y = _HEADER + (bottom - _HEADER - height) // 2
    texts = [
        (gateway.name, Font.NAME),
        (words.provider(gateway), Font.TEXT),
        (words.listener(gateway), Font.TEXT),
        (words.exposure(gateway), Font.TEXT),
    ]
    return Box(
        id="gateway",
        x=_GATEWAY_X,
        y=y,
        width=_GATEWAY_WIDTH,
        height=height,
        lines=tuple(_lines(texts, _GATEWAY_X, y, _GATEWAY_WIDTH)),
        hint=_hint(texts),
    )


def _pair(model: Model, pool: NodePool, y: int, height: int) -> Iterator[Box]:
    picker = [
        (model.path, Font.PATH),
        (model.picker.name, Font.CODE),
        (words.picker_pods(model.picker), Font.TEXT),
    ]
    yield Box(
        id=f"picker-{model.name}",
        x=_PICKER_X,
        y=y,
        width=_PICKER_WIDTH,
        height=height,
        lines=tuple(_lines(picker, _PICKER_X, y, _PICKER_WIDTH)),
        hint=_hint(picker),
    )
    engine = engine_number(model.engine)
    servers = [
        (model.name, Font.NAME),
        (model.served_name, Font.CODE) if model.served_name != model.name else (words.SAME_NAME, Font.TEXT),
        (f"{model.engine}, {words.demand(model, pool)}", Font.TEXT),
    ]
    yield Box(
        id=f"model-{model.name}",
        x=_MODEL_X,
        y=y,
        width=_MODEL_WIDTH,
        height=height,
        lines=tuple(_lines(servers, _MODEL_X, y, _MODEL_WIDTH)),
        hint=_hint([*servers, (f"InferencePool {model.inference_pool}", Font.CODE), (model.image, Font.CODE)]),
        engine=engine,
    )


def _nodes(pool: NodePool, models: Sequence[Model], y: int, height: int) -> Box:
    texts = [
        (pool.name, Font.NAME),
        (pool.instance_type, Font.CODE),
        (words.hardware(pool), Font.TEXT),
        (words.nodes(pool), Font.TEXT),
        (words.usage(pool), Font.TEXT),
    ]
    inner = _POOL_WIDTH - 2 * _PADDING
    return Box(
        id=f"nodes-{pool.name}",
        x=_POOL_X,
        y=y,
        width=_POOL_WIDTH,
        height=height,
        lines=tuple(_lines(texts, _POOL_X, y, _POOL_WIDTH)),
        hint=f"{_hint(texts)}\nNodes: the fewest that hold every replica.",
        bar=Bar(
            x=_POOL_X + _PADDING,
            y=y + height - _PADDING - _BAR + 2,
            width=inner,
            height=_BAR,
            parts=tuple(_parts(pool, models, inner)),
        ),
    )


def _parts(pool: NodePool, models: Sequence[Model], width: int) -> Iterator[tuple[int, int]]:
    """Rounded up at every border: who uses anything is seen, and all together never leave the bar."""
    used = 0
    for engine in sorted({engine_number(model.engine) for model in models}):
        before = -(-used * width // pool.total)
        used += sum(model.gpus for model in models if engine_number(model.engine) == engine)
        yield engine, -(-used * width // pool.total) - before


def _lines(texts: Sequence[tuple[str, Font]], x: int, y: int, width: int) -> Iterator[Line]:
    for number, (text, font) in enumerate(texts, start=1):
        yield Line(
            text=words.fitted(words.visible(text), font.columns(width - 2 * _PADDING)),
            font=font,
            x=x + _PADDING,
            y=y + number * _LINE + 3,
        )


def _hint(texts: Sequence[tuple[str, Font]]) -> str:
    return "\n".join(words.visible(text) for text, _ in texts)
