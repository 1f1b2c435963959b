"""The picture as SVG; pure.

It has its own background, so it reads alike on a light and on a dark page, and names fonts that every system has.
"""

from xml.etree import ElementTree as ET

from operate.topology import words
from operate.topology.graph import Topology
from operate.topology.layout import MARGIN, Bar, Box, Font, Layout, Link, lay_out

__all__ = ["svg"]

_SANS = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
_MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

_PAGE = "#f8fafc"
_FRAME = "#cbd5e1"
_BOX = "#ffffff"
_INK = "#0f172a"
_FAINT = "#475569"
_LINK = "#64748b"
_RUNS_ON = "#b6c2d1"
_FREE = "#e2e8f0"
_ENGINES = ("#2563eb", "#d97706", "#7c3aed", "#059669", "#dc2626", "#0891b2")

_TITLE_COLUMNS = 30
_TITLE_WIDTH = 400
_CORNER = 8
_STRIPE = 5


def svg(graph: Topology) -> str:
    """The text of the file: the same graph is always the same text."""
    page = lay_out(graph)
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {page.width} {page.height}",
            "width": str(page.width),
            "height": str(page.height),
            "role": "img",
            "font-family": _SANS,
        },
    )
    ET.SubElement(root, "title").text = f"{words.title(graph)}: {words.subtitle(graph)}"
    _arrow(root)
    _rect(root, 0.5, 0.5, page.width - 1, page.height - 1, fill=_PAGE, stroke=_FRAME, rx="12")
    _heading(root, graph, page)
    _footing(root, page)
    links = ET.SubElement(root, "g", {"fill": "none", "stroke": _LINK, "stroke-width": "1.5"})
    for link in page.links:
        _link(links, link)
    for box in page.boxes:
        _box(root, box)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _arrow(root: ET.Element) -> None:
    marker = ET.SubElement(
        ET.SubElement(root, "defs"),
        "marker",
        {"id": "arrow", "viewBox": "0 0 8 8", "refX": "8", "refY": "4", "markerWidth": "8", "markerHeight": "8",
         "markerUnits": "userSpaceOnUse", "orient": "auto"},
    )  # fmt: skip
    ET.SubElement(marker, "path", {"d": "M0 0L8 4L0 8z", "fill": _LINK})


def _heading(root: ET.Element, graph: Topology, page: Layout) -> None:
    head = ET.SubElement(root, "text", {"x": str(MARGIN), "y": "34", "fill": _INK, "font-size": "18"})
    head.set("font-weight", "700")
    head.text = words.fitted(words.title(graph), _TITLE_COLUMNS)
    about = ET.SubElement(root, "text", {"x": str(page.width - MARGIN), "y": "34", "fill": _FAINT, "font-size": "12"})
    about.set("text-anchor", "end")
    about.text = words.fitted(words.subtitle(graph), Font.TEXT.columns(page.width - 2 * MARGIN - _TITLE_WIDTH))
    for x, y, text in page.headings:
        heading = ET.SubElement(root, "text", {"x": str(x), "y": str(y), "fill": _FAINT, "font-size": "12"})
        heading.set("font-weight", "600")
        heading.text = text


def _footing(root: ET.Element, page: Layout) -> None:
    style = {"y": str(page.height - 15), "fill": _FAINT, "font-size": "12"}
    ET.SubElement(root, "text", {"x": str(MARGIN), **style}).text = f"{words.PLANNED} Arrows are requests."
    x = page.width - MARGIN
    for engine, name in reversed(page.engines):
        x -= Font.CODE.width(name)
        ET.SubElement(root, "text", {"x": str(x), **style, "font-family": _MONO}).text = name
        _rect(root, x - 16, page.height - 25, 11, 11, fill=_colour(engine), rx="2")
        x -= 34


def _link(links: ET.Element, link: Link) -> None:
    attributes = {"d": _path(link)}
    attributes |= {"marker-end": "url(#arrow)"} if link.is_request else {"stroke": _RUNS_ON}
    ET.SubElement(links, "path", attributes)


def _path(link: Link) -> str:
    (x0, y0), (x1, y1), turn = link.start, link.end, link.turn
    if y0 == y1:
        return f"M{x0} {y0}H{x1}"
    corner = min(_CORNER, abs(y1 - y0) // 2)
    step = corner if y1 > y0 else -corner
    return (
        f"M{x0} {y0}H{turn - corner}Q{turn} {y0} {turn} {y0 + step}V{y1 - step}Q{turn} {y1} {turn + corner} {y1}H{x1}"
    )


def _box(root: ET.Element, box: Box) -> None:
    group = ET.SubElement(root, "g", {"id": box.id})
    ET.SubElement(group, "title").text = box.hint
    _rect(group, box.x, box.y, box.width, box.height, fill=_BOX, stroke=_FRAME, rx="6")
    if box.engine is not None:
        _rect(group, box.x, box.y, _STRIPE, box.height, fill=_colour(box.engine), rx="2")
    for line in box.lines:
        text = ET.SubElement(group, "text", {"x": str(line.x), "y": str(line.y), "font-size": str(line.font.size)})
        text.set("fill", _INK if line.font.is_mono else _FAINT)
        if line.font.is_mono:
            text.set("font-family", _MONO)
        if line.font.is_bold:
            text.set("font-weight", "700")
        text.text = line.text
    if box.bar is not None:
        _bar(group, box.bar)


def _bar(group: ET.Element, bar: Bar) -> None:
    _rect(group, bar.x, bar.y, bar.width, bar.height, fill=_FREE)
    x = bar.x
    for engine, width in bar.parts:
        _rect(group, x, bar.y, width, bar.height, fill=_colour(engine))
        x += width


def _colour(engine: int) -> str:
    return _ENGINES[engine % len(_ENGINES)]


def _rect(parent: ET.Element, x: float, y: float, width: int, height: int, **rest: str) -> None:
    ET.SubElement(parent, "rect", {"x": str(x), "y": str(y), "width": str(width), "height": str(height), **rest})
