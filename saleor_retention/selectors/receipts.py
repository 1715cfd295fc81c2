"""Point-of-sale receipts as the engine settles them: orders whose facts we keep ourselves."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q

from saleor_retention import host
from saleor_retention.engine.facts import OrderFacts, OrderLine, OrderState, Origin
from saleor_retention.engine.goods import load_goods
from saleor_retention.models import PosSale

PREFIX = "pos:"


def order_ref_of(source: str, receipt: str) -> str:
    """Return the reference of a receipt's order record; a source has no colon."""
    return f"{PREFIX}{source}:{receipt}"


def facts_of(sale: PosSale) -> OrderFacts:
    """Return a recorded sale as an order, with what was taken back by now.

    Goods went over the counter, so it is fulfilled as it is paid. ``sale.document`` must be there.
    """
    document = sale.document
    sold_at = dt.datetime.fromisoformat(document["sold_at"])
    returned = returned_of(sale)
    lines = tuple(_line(line, returned[line["ref"]]) for line in document["lines"])
    account = sale.account
    user_id = account.user_id if account is not None else None
    return OrderFacts(
        ref=order_ref_of(sale.source, sale.receipt),
        number=sale.receipt,
        checkout_ref=None,
        channel_ref=document["channel"],
        currency=document["currency"],
        exponent=host.current().currency_exponent(document["currency"]),
        origin=Origin.POS,
        state=OrderState.OPEN,
        user_ref=None if user_id is None else str(user_id),
        email="",
        is_user_confirmed=user_id is not None,
        created_at=sold_at,
        paid_at=sold_at,
        fulfilled_at=sold_at,
        is_paid=True,
        total_minor=sum(line.gross_minor for line in lines),
        shipping_net_minor=0,
        shipping_gross_minor=0,
        refunded_minor=0,
        refunded_shipping_minor=0,
        lines=lines,
    )


def facts_of_refs(order_refs: Iterable[str]) -> dict[str, OrderFacts]:
    """Return the receipts among these order references as orders, in one statement."""
    wanted = Q(pk__in=[])
    for ref in order_refs:
        if ref.startswith(PREFIX):
            source, _, receipt = ref.removeprefix(PREFIX).partition(":")
            wanted |= Q(source=source, receipt=receipt)
    sales = PosSale.objects.filter(wanted, document__isnull=False).select_related("account")
    found = map(facts_of, sales)
    return {facts.ref: facts for facts in found}


def returned_of(sale: PosSale) -> Counter[str]:
    """Return how many units of each line were taken back by the reversals that hold."""
    sold = {line["ref"]: line["quantity"] for line in sale.document["lines"]}
    returned: Counter[str] = Counter()
    for reversal in in_order(sale.reversals):
        if reversal["is_refused"]:
            continue
        if reversal["lines"] is None:
            return Counter(sold)
        returned.update(reversal["lines"])
    return returned


def in_order(reversals: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return reversals as they arrived; the database keeps no order of keys."""
    return sorted(reversals.values(), key=lambda reversal: int(reversal["position"]))


def _line(line: Mapping[str, Any], returned: int) -> OrderLine:
    return OrderLine(
        ref=line["ref"],
        goods=load_goods(line["goods"]),
        quantity=line["quantity"],
        quantity_returned=returned,
        net_minor=line["net_minor"],
        gross_minor=line["gross_minor"],
        undiscounted_minor=line["gross_minor"],
        is_gift_card=line["is_gift_card"],
    )
