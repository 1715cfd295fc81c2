"""One page of HTML that needs nothing else: no network, no script, no font of its own.

Every chart has its numbers in a table right below it, for those who do not see the chart and for
those who want the exact figure. Texts are escaped by the template; charts come from
``reporting.charts``, which escapes what they name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from django.template import Context, Engine, Template
from django.utils.safestring import mark_safe

SHORT_ROWS = 12
TEMPLATE = Path(__file__).with_name("page.html")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under their heads; the first cell of a row names it."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    shades: Sequence[Sequence[int]] = ()  # per cent of ink behind each cell, where numbers compare

    @property
    def is_short(self) -> bool:
        """Tell whether it is worth another page to print the table in one piece."""
        return len(self.rows) <= SHORT_ROWS

    @property
    def lines(self) -> list[tuple[str, list[tuple[str, int]]]]:
        """Return each row's name, and its other cells with their shades."""
        found = []
        for place, (name, *cells) in enumerate(self.rows):
            shades = self.shades[place] if self.shades else [0] * len(cells)
            found.append((name, list(zip(cells, shades, strict=True))))
        return found


@dataclass(frozen=True, slots=True)
class Section:
    """One subject: sentences, a chart, the tables with its numbers, notes on how to read them."""

    key: str  # anchors it
    title: str
    sentences: Sequence[str] = ()
    chart: str = ""  # SVG
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()

    @property
    def picture(self) -> str:
        """Return the chart as markup."""
        return mark_safe(self.chart)  # noqa: S308 - made by reporting.charts, which escapes texts


@dataclass(frozen=True, slots=True)
class Page:
    """The whole report."""

    language: str  # as in <html lang>
    title: str
    subtitle: str
    contents: str  # what the list of sections is called
    footer: str
    sections: Sequence[Section] = field(default_factory=tuple)


def rendered(page: Page) -> str:
    """Return the page as HTML."""
    return str(_template().render(Context({"page": page})))


@lru_cache(maxsize=1)
def _template() -> Template:
    return Engine().from_string(TEMPLATE.read_text(encoding="utf-8"))
