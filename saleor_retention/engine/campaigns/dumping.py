"""Writes a campaign's document in its one form, so that equal campaigns are stored equally."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any


def stored(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a valid document as JSON data: days as text, keys as they are.

    >>> stored({"trigger": {"kind": "once", "on": dt.date(2026, 12, 1)}})
    {'trigger': {'kind': 'once', 'on': '2026-12-01'}}
    """
    text = json.dumps(document, default=_plain)
    return dict(json.loads(text))


def _plain(value: Any) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value)
