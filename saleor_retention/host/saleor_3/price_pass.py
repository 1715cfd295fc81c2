"""The price pass: what runs in every recalculation of a checkout's discounts, after Saleor's own.

One SELECT says where checkout and customer stand, the engine prices the basket, and one more
statement writes, if anything changed. In a transaction of Saleor's it runs in a savepoint, so that
a fault of ours leaves theirs usable.
"""

from __future__ import annotations

import itertools
import logging
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

from django.db import connections, transaction
from django.db.utils import DEFAULT_DB_ALIAS, OperationalError
from django.utils import timezone

from saleor_retention import conf
from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.pricing import POINTS_RULE
from saleor_retention.engine.quote_payload import dump_quote, load_quote
from saleor_retention.selectors.standing import Standing, standing_of
from saleor_retention.services.checkout import pricing
from saleor_retention.services.offering import offer_cases

from . import basket, line_rows, rows, settled

logger = logging.getLogger(__name__)

OWN_ID_VERSION = 5  # own rows have name-based UUIDs, Saleor's are random
ATTEMPTS_MAX = 3  # another request may store its quote between our read and our write
_CHANGED = "_retention_rows_changed"
_CONTENT = attrgetter("value_type", "value", "amount_value", "currency", "name", "reason")

STANDING = """
SELECT * FROM saleor_retention_standing(
    %(token)s::uuid, %(plugin_id)s, %(category_ids)s::integer[])
"""


def price_lines(lines_info: Sequence[Any]) -> None:
    """Bring our rows on these lines up to date, in memory and in the database; never raises."""
    if not lines_info:
        return
    settled.forget()
    try:
        _price_shielded(lines_info)
    except Exception:
        logger.exception("The price pass failed on checkout %s.", _checkout_ref(lines_info))
        _drop_doubtful_rows(lines_info)


def look(lines_info: Sequence[Any]) -> tuple[Standing, pricing.Decision] | None:
    """Decide the price of these lines now without changing anything: one statement.

    None when the checkout is gone.
    """
    found = survey(lines_info[0].line.checkout_id, lines_info[0].line.currency, lines_info)
    if found is None:
        return None
    standing, facts = found
    return standing, decide(facts, standing)


def survey(
    checkout_ref: Any, currency: str, lines_info: Sequence[Any]
) -> tuple[Standing, BasketFacts] | None:
    """Return where the checkout stands and its basket before our rows; None when it is gone."""
    standing = standing_of(
        STANDING,
        {
            "token": str(checkout_ref),
            "plugin_id": conf.PLUGIN_ID,
            "category_ids": basket.category_ids(lines_info),
        },
    )
    if standing is None:
        return None
    own = own_ids(lines_info, standing)
    return standing, basket.basket_of(standing, currency, lines_info, own)


def decide(facts: BasketFacts, standing: Standing) -> pricing.Decision:
    """Return the price of a basket; nothing where prices cannot be trusted to pass through us."""
    from . import seam

    if not seam.status().is_sound:
        return pricing.Decision(quote=None, must_store=standing.stored is not None)
    return pricing.decide(facts, standing)


def is_up_to_date(
    lines_info: Sequence[Any], standing: Standing, decision: pricing.Decision
) -> bool:
    """Tell whether our rows on the lines take off exactly what the decision does."""
    own = own_ids(lines_info, standing)
    refs = {info.line.pk: str(info.line.pk) for info in lines_info}
    there = [row for info in lines_info for row in info.discounts if row.id in own]
    wanted = line_rows.rows_of(lines_info, decision.quote)
    return line_rows.takings(there, refs) == line_rows.takings(wanted, refs)


def _carries(
    lines_info: Sequence[Any], rows_wanted: Sequence[rows.OwnRow], known: set[uuid.UUID]
) -> bool:
    wanted = {row.id: row.amount_value for row in rows_wanted}
    own = known | wanted.keys()
    there = {
        row.id: row.amount_value for info in lines_info for row in info.discounts if row.id in own
    }
    return there == wanted


def own_ids(lines_info: Sequence[Any], standing: Standing) -> set[uuid.UUID]:
    """Return the ids of our rows among those loaded with the lines.

    Rows that a request at the same moment wrote or removed are in our table no more, or not yet;
    their ids follow from line and rule, so that they are known anyway.
    """
    own = set(standing.stored.own_row_ids) if standing.stored else set()
    loaded = [
        (str(info.line.pk), discount.id)
        for info in lines_info
        for discount in info.discounts
        if discount.id not in own and discount.id.version == OWN_ID_VERSION
    ]
    if loaded:
        keys = _rule_keys(standing, lines_info[0].line.currency)
        own |= {
            row_id
            for line_ref, row_id in loaded
            if any(row_id == basket.own_row_id(line_ref, key) for key in keys)
        }
    return own


def take_changed(lines_info: Sequence[Any]) -> bool:
    """Tell, once, whether the last pass changed our rows on these lines."""
    return bool(vars(lines_info[0]).pop(_CHANGED, False))


def is_shipping_free(lines_info: Iterable[Any] | None) -> bool:
    """Tell whether the lines carry the mark of free shipping."""
    return any(
        discount.id == basket.own_row_id(str(info.line.pk), line_rows.SHIPPING_RULE)
        for info in lines_info or ()
        for discount in info.discounts
    )


def has_price_left(info: Any) -> bool:
    """Tell a line that costs something from one that our rows make free."""
    if not any(_may_be_own(row) for row in info.discounts):
        return True
    off = sum(row.amount_value for row in info.discounts)
    return bool(off < info.undiscounted_unit_price.amount * info.line.quantity)


def _price_shielded(lines_info: Sequence[Any]) -> None:
    """Run the pass; once more after a deadlock, unless Saleor's transaction is part of it."""
    for attempt in itertools.count(1):
        try:
            with shield():
                _price(lines_info)
        except OperationalError:
            if attempt == ATTEMPTS_MAX or connections[DEFAULT_DB_ALIAS].in_atomic_block:
                raise
        else:
            return


def _price(lines_info: Sequence[Any]) -> None:
    for _attempt in range(ATTEMPTS_MAX):
        found = look(lines_info)
        if found is None:
            return
        standing, decision = found
        own = own_ids(lines_info, standing)
        wanted = line_rows.rows_of(lines_info, decision.quote)
        is_current = _carries(lines_info, wanted, own)
        if is_current and not decision.must_store:
            settled.keep(standing, lines_info)
            return
        _put(lines_info, wanted, own)
        if not is_current:
            vars(lines_info[0])[_CHANGED] = True
        written = _write(lines_info, standing, decision, wanted, own)
        if written is rows.Written.DONE:
            settled.keep(standing, lines_info)
        if written is not rows.Written.QUOTE_CHANGED:
            return


def _write(
    lines_info: Sequence[Any],
    standing: Standing,
    decision: pricing.Decision,
    wanted: list[rows.OwnRow],
    own: set[uuid.UUID],
) -> rows.Written:
    stale = own - {row.id for row in wanted}
    read = standing.stored.fingerprint if standing.stored else ""
    quote = decision.quote
    if quote is None:
        return rows.strip(
            checkout_ref=standing.checkout_ref, stale_ids=stale, read_fingerprint=read
        )
    return rows.write(
        checkout_ref=standing.checkout_ref,
        quantities={info.line.pk: info.line.quantity for info in lines_info},
        columns=rows.StoredColumns(
            account_id=decision.account_id,
            version_id=decision.version_id,
            user_ref=standing.user_ref or "",
            tier=decision.tier or "",
            basket_fingerprint=quote.basket_fingerprint,
            fingerprint=quote.fingerprint,
            payload=dump_quote(quote),
            points_applied=quote.points_applied,
            has_free_shipping=quote.has_free_shipping,
        ),
        rows=wanted,
        stale_ids=stale,
        read_fingerprint=read,
        now=timezone.now(),
    )


def _put(lines_info: Sequence[Any], wanted: list[rows.OwnRow], own: set[uuid.UUID]) -> None:
    """Make the rows in memory those that are wanted; those that are there already are kept."""
    from saleor.discount.models import CheckoutLineDiscount

    now = timezone.now()
    by_line: dict[uuid.UUID, list[rows.OwnRow]] = {}
    for each in wanted:
        by_line.setdefault(each.line_id, []).append(each)
    for info in lines_info:
        there = {discount.id: discount for discount in info.discounts}
        kept = [discount for discount in info.discounts if discount.id not in own]
        for row in by_line.get(info.line.pk, ()):
            found = there.get(row.id)
            if found is None or _CONTENT(found) != _CONTENT(row):
                found = CheckoutLineDiscount(
                    id=row.id,
                    created_at=now,
                    line_id=row.line_id,
                    type="order_promotion",
                    value_type=row.value_type,
                    value=row.value,
                    amount_value=row.amount_value,
                    currency=row.currency,
                    name=row.name,
                    translated_name="",
                    reason=row.reason,
                )
            kept.append(found)
        info.discounts = kept


def _rule_keys(standing: Standing, currency: str) -> set[str]:
    """Return every rule key that a row of this checkout can have been made for."""
    keys = {line_rows.SHIPPING_RULE, line_rows.PRICES_RULE, POINTS_RULE}
    if standing.stored:
        quote = load_quote(standing.stored.payload)
        keys |= {item.rule_key for item in quote.allocations}
    if standing.version_id is not None:
        rules = pricing.rules_of_version(standing.version_id)
        keys |= {f"member:{tier.slug}" for tier in rules.ladder.tiers}
    shelf = offer_cases.shelf_of(standing, currency)
    if shelf is not None:
        keys |= {offer.rule_key for offer in shelf.offers}
    return keys


def _drop_doubtful_rows(lines_info: Sequence[Any]) -> None:
    """After a fault: forget rows that may be ours, so that no line is sold at a stale amount."""
    for info in lines_info:
        info.discounts = [row for row in info.discounts if not _may_be_own(row)]


def _may_be_own(row: Any) -> bool:
    return (
        row.type == "order_promotion"
        and row.unique_type is None
        and row.promotion_rule_id is None
        and row.id.version == OWN_ID_VERSION
    )


@contextmanager
def shield() -> Iterator[None]:
    """Allow writes, in a savepoint where Saleor has a transaction open."""
    from saleor.core.db.connection import allow_writer

    with allow_writer():
        if not connections[DEFAULT_DB_ALIAS].in_atomic_block:
            yield
            return
        with transaction.atomic():
            yield


def _checkout_ref(lines_info: Sequence[Any]) -> str:
    return str(lines_info[0].line.checkout_id)
