"""Selected goods by the names that people read, for sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields

from saleor_retention.engine.phrases import Phrase, Value, _, phrase
from saleor_retention.engine.rules import Selection
from saleor_retention.engine.selections import is_everything

NAMES_MAX = 4
"""A selection of more goods than these is said as "chosen goods"."""

GoodsNames = Mapping[tuple[str, str], str]
"""Names by field of a selection and reference: ``("products", "7")``."""


def names_of(selection: Selection, names: GoodsNames, *, is_first: bool = False) -> Value:
    """Return the names of what is selected, as a list; "chosen goods" where that is long.

    ``is_first`` where a sentence begins with it.
    """
    if is_everything(selection):
        return phrase(_("All goods") if is_first else _("all goods"))
    found = tuple(_named(selection, names))
    if not found:
        return phrase(_("Chosen goods") if is_first else _("chosen goods"))
    return found


def spoken(selection: Selection) -> list[tuple[str, str]]:
    """Return the goods that are named one by one: those of short lists, in order."""
    kinds = [each.name for each in fields(selection)]
    refs = [(kind, ref) for kind in kinds for ref in sorted(getattr(selection, kind))]
    return refs if len(refs) <= NAMES_MAX else []


def _named(selection: Selection, names: GoodsNames) -> Iterator[Phrase]:
    """Yield all names, or none where one is missing."""
    refs = spoken(selection)
    if all(ref in names for ref in refs):
        yield from (phrase("%(name)s", name=names[ref]) for ref in refs)
