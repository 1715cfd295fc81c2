"""What the last price pass of a request left on a checkout's lines, so that none is priced twice.

A cart mutation prices the cart when it changes the lines, and Saleor does so once more when the
answer reads the price. What could decide otherwise then is told apart here: other lines or rows,
another buyer, another delivery, or something of ours that lets prices expire. Only a pass that
reads leans on the one before; one of a mutation always decides anew.

Kept for the thread, from a request's beginning to its end, so that another request's changes are
seen by the next one. Where there is no request, as in a task, nothing is kept.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.signals import request_finished, request_started

from saleor_retention.selectors.standing import Standing


@dataclass(frozen=True, slots=True)
class _Settled:
    user_ref: str | None
    delivery: Decimal | None
    lines: dict[uuid.UUID, tuple[Any, ...]]


class _Request(threading.local):
    is_open = False
    settled: _Settled | None = None
    checkout: Any = None  # whose prices are being read


_request = _Request()


def install() -> None:
    """Begin to hear of requests; doing it twice changes nothing."""
    request_started.connect(_begin, dispatch_uid="retention_settled_begin")
    request_finished.connect(_end, dispatch_uid="retention_settled_end")


def keep(standing: Standing, lines_info: Sequence[Any]) -> None:
    """Remember that a pass is done: the lines carry the rows that they should."""
    if _request.is_open:
        _request.settled = _Settled(standing.user_ref, standing.delivery, _seen(lines_info))


def forget() -> None:
    """Let the next pass decide anew: something of ours changed."""
    _request.settled = None


@contextmanager
def reading(checkout: Any) -> Iterator[None]:
    """Say that prices of this checkout are read within, not changed."""
    _request.checkout = checkout
    try:
        yield
    finally:
        _request.checkout = None


def are_settled(lines_info: Sequence[Any]) -> bool:
    """Tell whether the last pass of this request left these lines as they should be."""
    settled, checkout = _request.settled, _request.checkout
    if settled is None or checkout is None:
        return False
    user_ref = None if checkout.user_id is None else str(checkout.user_id)
    if (user_ref, _delivery_of(checkout)) != (settled.user_ref, settled.delivery):
        return False
    return _seen(lines_info) == settled.lines


def _delivery_of(checkout: Any) -> Decimal | None:
    amount: Decimal | None = checkout.undiscounted_base_shipping_price_amount
    return amount


def _seen(lines_info: Sequence[Any]) -> dict[uuid.UUID, tuple[Any, ...]]:
    """Return by line what a pass reads of it, but for what no mutation of a cart changes."""
    return {
        info.line.pk: (
            info.line.quantity,
            info.line.is_gift,
            info.undiscounted_unit_price.amount,
            {row.id: row.amount_value for row in info.discounts},
        )
        for info in lines_info
    }


def _begin(**_kwargs: Any) -> None:
    _request.is_open, _request.settled = True, None


def _end(**_kwargs: Any) -> None:
    _request.is_open, _request.settled = False, None
