"""Turns the reminder that goods run out into a checkout with them, in one step.

The shop itself opens the checkout, so whatever it asks of one holds. It is marked with the
purchases that it follows: who asks twice gets the same one back, and who has bought meanwhile is
told that nothing runs out.

Capability: C38.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.campaigns.rhythm import Supply
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.host.contract import Counter, Lack
from saleor_retention.models import Account, AccountState
from saleor_retention.services.campaigning.run_outs import RunningOut, run_outs_of
from saleor_retention.services.ledger.locking import lock_name, run_serialized

REMINDED = frozenset({Supply.RUNNING_OUT, Supply.USED_UP})


@dataclass(frozen=True, slots=True)
class Missing:
    """Goods that are not in the checkout, and why."""

    goods: RunningOut
    lack: Lack


@dataclass(frozen=True, slots=True)
class Reorder:
    """A checkout with what runs out; ``is_new`` is False for one that was there already."""

    checkout_ref: str
    is_new: bool
    missing: tuple[Missing, ...]


def reorder(
    account: Account,
    counter: Callable[[], Counter],
    *,
    variant_refs: Collection[str] | None = None,
    channel_ref: str | None = None,
    now: dt.datetime | None = None,
) -> Reorder:
    """Open a checkout with what runs out for a member, each in the usual quantity.

    Without ``variant_refs`` all that a reminder is due for and that may still be there is put in;
    with them exactly those, also when they are used up by now. The channel is where the first of
    them was bought last. A checkout that was opened for the same purchases and still has everything
    that can be had comes back as it is. Takes turns with another call for the same member. The
    counter is called for when something is due.

    Refusals: NOT_A_MEMBER, NOT_FOUND (nothing runs out, or not these), INVALID (nothing of it can
    be bought now; one for each of the goods), NOT_SUPPORTED (with the host's reason).
    """
    at = now or timezone.now()

    def work() -> Reorder:
        lock_name(f"reorder:{account.pk}")
        goods = _goods(account, variant_refs, at)
        place = channel_ref or goods[0].channel_ref
        return _reordered(account, counter(), goods, place)

    return run_serialized(work)


def _goods(
    account: Account, variant_refs: Collection[str] | None, at: dt.datetime
) -> list[RunningOut]:
    """Return what to put in, what runs out first at the top."""
    if account.state != AccountState.MEMBER:
        message = _('You are not a member of "%(program)s".')
        raise Refusal(Code.NOT_A_MEMBER, phrase(message, program=account.program.name))
    found = run_outs_of(account.program, [account], at).get(account.pk, [])
    if variant_refs is None:
        due = [each for each in found if each.supply is Supply.RUNNING_OUT]
        if not due:
            message = _("Nothing that you buy again and again is about to run out.")
            raise Refusal(Code.NOT_FOUND, phrase(message))
        return due
    due = [each for each in found if each.supply in REMINDED and each.variant_ref in variant_refs]
    if not variant_refs or set(variant_refs) - {each.variant_ref for each in due}:
        message = _("Not all of these goods are about to run out.")
        raise Refusal(Code.NOT_FOUND, phrase(message), "variantIds")
    return due


def _reordered(
    account: Account, counter: Counter, goods: Sequence[RunningOut], channel_ref: str
) -> Reorder:
    mark = _mark(goods)
    wanted = {each.variant_ref: each.usual_quantity for each in goods}
    there = host.current().checkouts_marked(str(account.user_id), channel_ref, mark)
    for checkout_ref, variants in list(there.items())[:1]:
        # Its goods may be reserved for it, so only what is not in it is asked for.
        rest = {ref: count for ref, count in wanted.items() if ref not in variants}
        lacks = counter.lacks(channel_ref, rest)
        if len(rest) < len(wanted) and len(lacks) == len(rest):
            return Reorder(checkout_ref, is_new=False, missing=_missing(goods, lacks))
    lacks = counter.lacks(channel_ref, wanted)
    missing = _missing(goods, lacks)
    if len(missing) == len(goods):
        raise Refusals([_refusal(each) for each in missing])
    buyable = {ref: count for ref, count in wanted.items() if ref not in lacks}
    checkout_ref = counter.open(channel_ref, buyable, mark)
    return Reorder(checkout_ref, is_new=True, missing=missing)


def _missing(goods: Sequence[RunningOut], lacks: Mapping[str, Lack]) -> tuple[Missing, ...]:
    return tuple(
        Missing(each, lacks[each.variant_ref]) for each in goods if each.variant_ref in lacks
    )


def _mark(goods: Sequence[RunningOut]) -> str:
    """Return what tells one reminder from others: the goods, and when each was bought last."""
    text = ",".join(sorted(f"{each.variant_ref}:{each.last_on}" for each in goods))
    return hashlib.sha256(text.encode()).hexdigest()


SENTENCES = {
    Lack.UNAVAILABLE: _('"%(name)s" is not sold here any more.'),
    Lack.OUT_OF_STOCK: _('"%(name)s" is out of stock, or there is less than you usually buy.'),
    Lack.OVER_LIMIT: _('You usually buy more of "%(name)s" than the shop sells at once now.'),
}


def _refusal(missing: Missing) -> Refusal:
    return Refusal(Code.INVALID, phrase(SENTENCES[missing.lack], name=missing.goods.name))
