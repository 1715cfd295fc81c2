"""Let open checkouts notice offers that the clock opened or closed, or took from a member.

Nobody changes an offer when its window opens, so nothing else tells the checkouts whose prices are
still valid; so it is with the end of an offer that was given to somebody. An order is safe without
this: the last look before it decides again.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.offers.windows import has_turned
from saleor_retention.models import Offer, OfferGrant, ProgramChannel, Watermark
from saleor_retention.selectors.offers import terms_of
from saleor_retention.selectors.programs import rules_of

logger = logging.getLogger(__name__)

NAME = "offers"  # of the watermark
MEMBERS = 1000  # that one task prices afresh


def reprice_turned(now: dt.datetime | None = None) -> list[str]:
    """Have the channels priced afresh whose offers turned since the last run; return them.

    The first run only notes where to begin. Runs at the same time wait for each other, and what a
    run found is dispatched when it has committed its place: a run that is killed is done again.
    """
    at = now or timezone.now()
    with transaction.atomic():
        mark, is_new = Watermark.objects.select_for_update().get_or_create(
            pk=NAME, defaults={"position_at": at}
        )
        if is_new or mark.position_at >= at:
            return []
        since = mark.position_at
        programs = _turned(since, at)
        found = ProgramChannel.objects.filter(program_id__in=programs, is_active=True)
        refs = sorted(found.values_list("channel_ref", flat=True))
        mark.position_at = at
        mark.save(update_fields=["position_at"])
        if refs:
            host.current().dispatch("reprice", refs)
        for account_ids in _without_grant(since, at):
            host.current().dispatch("reprice_members", account_ids)
    return refs


def _without_grant(since: dt.datetime, until: dt.datetime) -> Iterator[list[int]]:
    """Yield the members whose grants ended, so many at a time."""
    ended = OfferGrant.objects.filter(valid_until__gt=since, valid_until__lte=until)
    found = sorted(set(ended.values_list("account_id", flat=True)))
    for start in range(0, len(found), MEMBERS):
        yield found[start : start + MEMBERS]


def _turned(since: dt.datetime, until: dt.datetime) -> set[int]:
    """Return the programs that have an offer which turned."""
    offers = Offer.objects.filter(
        is_active=True,
        program__is_active=True,
        current_version__document__has_any_keys=["starts_at", "ends_at", "weekdays"],
    )
    rows = offers.values_list("program_id", "current_version_id", "program__current_version_id")
    found = set()
    for program_id, version_id, rules_id in rows:
        zone = ZoneInfo(rules_of(rules_id).time_zone)
        try:
            terms = terms_of(version_id)
        except ValueError:
            logger.exception("Offer version %s cannot be read.", version_id)
            continue
        if has_turned(terms, zone, since, until):
            found.add(program_id)
    return found
