"""What to ask on orders' confirmations, and of whom, for all orders of a query at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from saleor_retention import host
from saleor_retention.engine.facts import OrderFacts
from saleor_retention.graphql.dataloaders.base import Loader
from saleor_retention.models import Account, Program, ProgramChannel


@dataclass(frozen=True, slots=True)
class OrderAsker:
    """An order in a running program: its customer and the customer's account, as far as known."""

    user_ref: str | None
    program: Program
    account: Account | None
    orders: int = (
        1  # that the customer placed; of a guest this one, since no address tells who he is
    )


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
        placed = _placed(list(places), orders.values(), by_user)
        return {
            ref: OrderAsker(
                user_ref=order.user_ref,
                program=programs[order.channel_ref],
                account=by_user.get((programs[order.channel_ref].pk, order.user_ref or "")),
                orders=placed.get((programs[order.channel_ref].pk, order.user_ref or ""), 1),
            )
            for ref, order in orders.items()
            if order.channel_ref in programs
        }


def _placed(
    places: list[ProgramChannel],
    orders: Iterable[OrderFacts],
    members: Collection[tuple[int, str]],
) -> dict[tuple[int, str], int]:
    """Return how many orders customers placed who are no members, in all channels of a program."""
    by_channel = {place.channel_ref: place.program_id for place in places}
    wanted: dict[int, set[str]] = defaultdict(set)
    for order in orders:
        program_id = by_channel.get(order.channel_ref)
        if program_id is None or order.user_ref is None:
            continue
        if (program_id, order.user_ref) not in members:
            wanted[program_id].add(order.user_ref)
    found = {}
    for program_id, user_refs in wanted.items():
        rows = ProgramChannel.objects.filter(program=program_id)
        channels = set(rows.values_list("channel_ref", flat=True))
        for user_ref, count in host.current().order_counts(channels, user_refs).items():
            found[program_id, user_ref] = count
    return found
