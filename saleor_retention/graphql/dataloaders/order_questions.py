"""What to ask on orders' confirmations, and of whom, for all orders of a query at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from saleor_retention import host
from saleor_retention.graphql.dataloaders.base import Loader
from saleor_retention.models import Account, Program, ProgramChannel


@dataclass(frozen=True, slots=True)
class OrderAsker:
    """An order in a running program: its customer and the customer's account, as far as known."""

    user_ref: str | None
    program: Program
    account: Account | None


class AskerOfOrder(Loader[str, OrderAsker]):
    """By order reference; None where no program runs in the order's channel."""

    def find(self, keys: Sequence[str]) -> Mapping[str, OrderAsker]:
        """Read orders, programs and accounts in a constant number of statements."""
        orders = host.current().orders_facts(keys)
        places = ProgramChannel.objects.select_related("program__current_version").filter(
            channel_ref__in={order.channel_ref for order in orders.values()},
            is_active=True,
            program__is_active=True,
        )
        programs = {place.channel_ref: place.program for place in places}
        accounts = Account.objects.filter(
            program__in=[program.pk for program in programs.values()],
            user_id__in={order.user_ref for order in orders.values() if order.user_ref},
        )
        by_user = {(account.program_id, str(account.user_id)): account for account in accounts}
        return {
            ref: OrderAsker(
                user_ref=order.user_ref,
                program=programs[order.channel_ref],
                account=by_user.get((programs[order.channel_ref].pk, order.user_ref or "")),
            )
            for ref, order in orders.items()
            if order.channel_ref in programs
        }
