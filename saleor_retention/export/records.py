"""The records of an export: one row in words and values, and all of a person's as a document."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from saleor_retention.export import audiences, benefits, members, orders, points, staff
from saleor_retention.export.values import Table
from saleor_retention.selectors import holdings
from saleor_retention.selectors.holdings import Holding, Section

ABOUT = (
    "Everything that the loyalty program holds about this person. Name, addresses, phone numbers "
    "and orders are held by the shop itself."
)
DESCRIBED: Table = {
    section: told
    for subject in (members, points, orders, benefits, audiences, staff)
    for section, told in subject.DESCRIBED.items()
}
OF_STAFF = frozenset({"note", "actor", "task", "assignee", "closed_by"})


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that is held: a sentence for people and the values for programs."""

    section: Section
    program: str
    text: str
    data: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "section": self.section.value,
            "program": self.program,
            "text": self.text,
            "data": self.data,
        }


def record_of(holding: Holding, *, is_for_staff: bool) -> Record:
    """Put a row into words; the words and names of staff only where staff asks."""
    text, data = DESCRIBED[holding.section](holding)
    if not is_for_staff:
        data = {name: value for name, value in data.items() if name not in OF_STAFF}
    return Record(holding.section, holding.account.program.slug, text, data)


def write(account_ids: Sequence[int], now: dt.datetime) -> Iterator[str]:
    """Yield the export of these accounts as pieces of one JSON document, a record to a line."""
    head = {"exported_at": now.isoformat(), "about": ABOUT}
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "records": ['
    between = "\n"
    for holding in holdings.walk(account_ids):
        record = record_of(holding, is_for_staff=True).as_dict()
        yield between + json.dumps(record, ensure_ascii=False)
        between = ",\n"
    yield "\n]}\n"
