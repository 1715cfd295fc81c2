"""Charts as SVG to stand within a page, drawn by pygal (the extra ``report``).

Without its scripts and random names: the same numbers give the same drawing. Colors are those of
Okabe and Ito, which people who do not see red or green can tell apart. What is drawn stands in a
table below with its exact value, so that here values may be floats.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any
from unicodedata import east_asian_width

from saleor_retention.errors import Code, Refusal

COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
FONT = "inherit"
SVG = "http://www.w3.org/2000/svg"
USELESS = {f"{{{SVG}}}script", f"{{{SVG}}}desc"}
WIDTH = 900
MARGIN = 12
LABEL_SIZE = 13
NARROW = 0.6
"""What pygal takes a letter for, in parts of its height; a wide one is as wide as it is high."""

LABELS_MAX = 13
"""More labels than this under a chart are thinned out."""

Value = int | Fraction | Decimal | None
Series = Mapping[str, Sequence[Value]]


def bars(
    title: str, labels: Sequence[str], series: Series, *, unit: str = "", is_stacked: bool = False
) -> str:
    """Return upright bars, side by side or on top of each other."""
    return _drawn("StackedBar" if is_stacked else "Bar", title, labels, series, unit)


def lines(title: str, labels: Sequence[str], series: Series, *, unit: str = "") -> str:
    """Return lines through values; where there is none the line is broken."""
    return _drawn("Line", title, labels, series, unit)


def rows(title: str, labels: Sequence[str], series: Series, *, unit: str = "") -> str:
    """Return bars that lie, one for each name, the first on top."""
    turned = {name: list(reversed(values)) for name, values in series.items()}
    height = 110 + 42 * max(1, len(labels))
    return _drawn("HorizontalBar", title, list(reversed(labels)), turned, unit, height=height)


def _drawn(
    kind: str,
    title: str,
    labels: Sequence[str],
    series: Series,
    unit: str,
    *,
    height: int = 320,
) -> str:
    pygal = _library()
    step = -(-len(labels) // LABELS_MAX)
    chart = getattr(pygal, kind)(
        style=_style(pygal),
        width=WIDTH,
        height=height,
        js=[],
        margin=MARGIN,
        margin_left=_left_of(labels) if kind == "HorizontalBar" else MARGIN,
        legend_at_bottom=True,
        legend_at_bottom_columns=len(series),
        show_legend=len(series) > 1,
        show_minor_x_labels=False,
        spacing=18,
        stroke_style={"width": 2.5},
        dots_size=3.5,
        include_x_axis=True,
        truncate_label=-1,
        truncate_legend=-1,
        max_scale=16 if kind == "HorizontalBar" else 8,
        value_formatter=lambda value: f"{value:,.10g}{unit}",
    )
    chart.uuid = "-".join(["chart", *(str(ord(letter)) for letter in title[:12])])
    chart.x_labels = list(labels)
    chart.x_labels_major = list(labels) if kind == "HorizontalBar" else list(labels)[::step]
    for name, values in series.items():
        chart.add(name, [None if value is None else float(value) for value in values])
    return _inline(chart.render_tree(), title)


def _left_of(labels: Sequence[str]) -> int:
    """Return the margin that names beside bars need: pygal holds every letter for a narrow one."""

    def width(label: str) -> float:
        return sum(1 if east_asian_width(letter) in "WF" else NARROW for letter in label)

    missing = max(map(width, labels), default=0) - NARROW * max(map(len, labels), default=0)
    return MARGIN + ceil(LABEL_SIZE * max(0, missing))


def _inline(root: Any, title: str) -> str:
    """Take out what a printed page does not need, and say what the picture is."""
    text = _serialized(root)
    tree = ET.fromstring(text)  # noqa: S314 - pygal's own drawing
    for parent in list(tree.iter()):
        for child in list(parent):
            if child.tag in USELESS:
                parent.remove(child)
    for node in tree.findall(f"{{{SVG}}}title"):
        node.text = title
    tree.set("role", "img")
    tree.set("aria-label", title)
    for size in ("width", "height"):
        tree.attrib.pop(size, None)
    ET.register_namespace("", SVG)
    return ET.tostring(tree, encoding="unicode")


def _serialized(root: Any) -> str:
    from pygal.etree import etree

    text = etree.tostring(root)
    return text.decode() if isinstance(text, bytes) else str(text)


def _style(pygal: Any) -> Any:
    return pygal.style.Style(
        background="transparent",
        plot_background="transparent",
        foreground="#1d2733",
        foreground_strong="#1d2733",
        foreground_subtle="#5a6675",
        opacity=".9",
        opacity_hover="1",
        transition="0s",
        colors=COLORS,
        font_family=FONT,
        label_font_size=LABEL_SIZE,
        major_label_font_size=LABEL_SIZE,
        legend_font_size=14,
        value_font_size=12,
        guide_stroke_color="#d5dbe3",
        major_guide_stroke_color="#d5dbe3",
    )


def _library() -> Any:
    try:
        import pygal
        import pygal.style
    except ImportError:
        message = 'The report draws its charts with pygal: pip install "saleor-retention[report]".'
        raise Refusal(Code.INVALID, message, "report") from None
    return pygal
