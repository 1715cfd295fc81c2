"""A quote as JSON: what is stored of a price, and joined by its order later.

An object of the quote's fields, whose parts are arrays of theirs, in order: those of a large cart
are many, and are written in every change of it. Earlier versions wrote the parts as objects.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any, TypeVar

from saleor_retention.engine.phrases import Phrase
from saleor_retention.engine.quote import Allocation, AppliedOffer, Quote, Verdict

Part = Mapping[str, Any] | Sequence[Any]
T = TypeVar("T")


def dump_quote(quote: Quote) -> str:
    """Return the quote as JSON text."""
    return json.dumps(quote, default=_fields_of, separators=(",", ":"))


def load_quote(payload: str | Mapping[str, Any]) -> Quote:
    """Return the quote that ``dump_quote`` wrote, from its text or what JSON makes of that."""
    data = json.loads(payload) if isinstance(payload, str) else dict(payload)
    data["allocations"] = allocations_of(data)
    data["verdicts"] = tuple(_verdict(item) for item in data["verdicts"])
    data["applied"] = tuple(_applied(item) for item in data.get("applied", ()))
    return Quote(**data)


def allocations_of(payload: Mapping[str, Any]) -> tuple[Allocation, ...]:
    """Return what rules took off lines; nothing where a price was forgotten."""
    return tuple(_part(Allocation, item) for item in payload.get("allocations", ()))


def _fields_of(part: Any) -> dict[str, Any] | tuple[Any, ...]:
    names = part.__slots__
    values: tuple[Any, ...] = attrgetter(*names)(part)
    return dict(zip(names, values, strict=True)) if isinstance(part, Quote) else values


def _part(part: Callable[..., T], item: Part) -> T:
    return part(**item) if isinstance(item, Mapping) else part(*item)


def _applied(item: Part) -> AppliedOffer:
    offer = _part(AppliedOffer, item)
    return replace(offer, gift_refs=tuple(offer.gift_refs))


def _verdict(item: Part) -> Verdict:
    """Return a stored verdict; those of the first versions hold their sentence as English text.

    >>> _verdict(["points", "APPLIED", ["%(n)s off.", [["n", "5"]], "", 0], 5, None]).message
    '5 off.'
    >>> _verdict({"rule_key": "points", "code": "APPLIED", "message": "5 % off."}).message
    '5 % off.'
    """
    if isinstance(item, Mapping) and "message" in item:
        rest = {name: value for name, value in item.items() if name != "message"}
        return Verdict(**rest, phrase=Phrase("%(text)s", (("text", item["message"]),)))
    verdict = _part(Verdict, item)
    phrase = _part(Phrase, verdict.phrase)  # type: ignore[arg-type]  # as JSON has it
    params = tuple((name, value) for name, value in phrase.params)
    return replace(verdict, phrase=replace(phrase, params=params))
