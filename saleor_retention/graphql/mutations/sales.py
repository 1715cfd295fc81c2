"""What both mutations for points of sale answer with."""

from __future__ import annotations

from typing import Any

from saleor_retention.graphql.dataloaders.orders import OrderPoints, PointsOfOrder
from saleor_retention.graphql.types_member import Member
from saleor_retention.models import Account
from saleor_retention.services.ordering.pos import Recorded


def points_of(info: Any, recorded: Recorded) -> OrderPoints | None:
    """Return the receipt's points; None while its sale has not arrived."""
    if recorded.record is None:
        return None
    ref = recorded.record.order_ref
    return PointsOfOrder(info).find([ref]).get(ref)


def member_of(recorded: Recorded) -> Member | None:
    """Return whose sale it is, with the balance as it is now."""
    account_id = recorded.sale.account_id
    return None if account_id is None else Member(Account.objects.get(pk=account_id))
