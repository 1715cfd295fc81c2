"""What goods cost and earn the asking customer, for all goods of a query at once.

The price is the one that the engine gives a basket of a single unit, so that what a product page
says is what the cart says.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from saleor_retention import host
from saleor_retention.engine.accrual import EarnTerms, quoted
from saleor_retention.engine.facts import BasketFacts, BasketLine, CustomerFacts
from saleor_retention.engine.pricing import price
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.graphql.context import moment, requestor
from saleor_retention.graphql.dataloaders.base import Loader
from saleor_retention.host.contract import ShelfPrice
from saleor_retention.models import Account, AccountState, ProgramChannel
from saleor_retention.selectors.programs import is_switched_on, rules_of
from saleor_retention.services.pricing import newcomer

GoodsKey = tuple[str, str]
"""(channel reference, variant or product reference)"""


@dataclass(frozen=True, slots=True)
class GoodsPoints:
    """One unit of a variant: what it costs everybody, what it costs the asker, what it earns."""

    variant_ref: str
    currency: str
    price_minor: int
    member_minor: int
    rule_names: tuple[str, ...]  # of what lowers the price
    earns: int


class PointsOfVariant(Loader[GoodsKey, GoodsPoints]):
    """Price and points by channel and variant, for whoever asks."""

    def find(self, keys: Sequence[GoodsKey]) -> Mapping[GoodsKey, GoodsPoints]:
        """Read prices, program and member in a few statements for each channel."""
        found = {}
        now = moment(self.info)
        for channel_ref, variant_refs in _by_channel(keys).items():
            asker = _asker(channel_ref, requestor(self.info).user_ref)
            if asker is None:
                continue
            prices = host.current().shelf_prices(variant_refs, channel_ref)
            for ref, shelf in prices.items():
                found[channel_ref, ref] = _of_one_unit(shelf, channel_ref, asker, now)
        return found


class VariantsOfProduct(Loader[GoodsKey, list[str]]):
    """The variants that a product sells, by channel and product."""

    def find(self, keys: Sequence[GoodsKey]) -> Mapping[GoodsKey, list[str]]:
        """Read them in one statement for each channel."""
        found = {}
        for channel_ref, product_refs in _by_channel(keys).items():
            variants = host.current().variants_of_products(product_refs, channel_ref)
            found.update({(channel_ref, ref): refs for ref, refs in variants.items()})
        return found


@dataclass(frozen=True, slots=True)
class _Asker:
    """Under which rules, and as whom, the goods are priced."""

    rules: ProgramRules
    customer: CustomerFacts | None


def _asker(channel_ref: str, user_ref: str | None) -> _Asker | None:
    """Return the rules of the channel and the asking member; None where no program runs."""
    place = (
        ProgramChannel.objects.filter(channel_ref=channel_ref, is_active=True)
        .values_list("program_id", "program__current_version_id")
        .first()
    )
    if place is None or not is_switched_on():
        return None
    program_id, version_id = place
    rules = rules_of(version_id)
    if user_ref is None:
        return _Asker(rules, None)
    account = Account.objects.filter(program_id=program_id, user_id=user_ref).first()
    if account is not None:
        is_member = account.state == AccountState.MEMBER
        tier = (account.tier or None) if is_member else None
        return _Asker(rules, CustomerFacts(account_id=account.pk, tier=tier))
    user = host.current().users([user_ref]).get(user_ref)
    is_confirmed = user is not None and user.is_confirmed
    return _Asker(rules, newcomer(rules) if is_confirmed else None)


def _of_one_unit(
    shelf: ShelfPrice, channel_ref: str, asker: _Asker, now: dt.datetime
) -> GoodsPoints:
    ref = shelf.goods.variant_ref
    line = BasketLine(
        ref=ref,
        goods=shelf.goods,
        quantity=1,
        unit_minor=shelf.list_minor,
        total_minor=shelf.unit_minor,
        is_gift_card=shelf.is_gift_card,
    )
    basket = BasketFacts(
        ref="",
        channel_ref=channel_ref,
        currency=shelf.currency,
        exponent=shelf.exponent,
        user_ref=None,
        lines=(line,),
    )
    quote = price(basket, asker.customer, asker.rules, 0)
    member_minor = shelf.unit_minor - quote.discount_minor
    terms = EarnTerms(asker.rules, asker.customer.tier if asker.customer else None)
    return GoodsPoints(
        variant_ref=ref,
        currency=shelf.currency,
        price_minor=shelf.unit_minor,
        member_minor=member_minor,
        rule_names=tuple(allocation.name for allocation in quote.allocations),
        earns=quoted([(line, member_minor)], shelf.currency, now, terms),
    )


def _by_channel(keys: Sequence[GoodsKey]) -> Mapping[str, list[str]]:
    grouped = defaultdict(list)
    for channel_ref, ref in keys:
        grouped[channel_ref].append(ref)
    return grouped
