"""What a campaign announces: one product, variant or offer, and the day on which it is there."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from saleor_retention import host
from saleor_retention.engine.campaigns.terms import Trigger
from saleor_retention.engine.periods import local_date
from saleor_retention.models import Offer, Program
from saleor_retention.selectors.offers import terms_of

TYPES = {"products": "Product", "variants": "ProductVariant"}


@dataclass(frozen=True, slots=True)
class Announced:
    """The day of an announcement, and what templates may name of it."""

    on: dt.date
    name: str
    global_id: str
    since: dt.datetime | None = None  # nothing is said of it before

    @property
    def facts(self) -> dict[str, str]:
        """Return them as a candidate has them."""
        return {
            "announced": self.name,
            "announced_id": self.global_id,
            "occasion_on": self.on.isoformat(),
        }


def announced(trigger: Trigger, program: Program, zone: str) -> Announced | None:
    """Return what is announced, on its day or once it can be had; None as long as it cannot.

    An offer begins with its window, goods with their publication in a channel of the program.
    """
    if trigger.offer:
        return _offer(trigger, program, zone)
    kind = "products" if trigger.product else "variants"
    ref = trigger.product or trigger.variant
    shop = host.current()
    channels = set(program.channels.values_list("channel_ref", flat=True))
    since = shop.published_since(kind, ref, channels)
    name = shop.goods_names(kind, [ref]).get(ref)
    if trigger.on is None or since is None or name is None:
        return None
    day = max(trigger.on, local_date(since, zone))
    return Announced(day, name, shop.to_global_id(TYPES[kind], ref), since)


def _offer(trigger: Trigger, program: Program, zone: str) -> Announced | None:
    offer = Offer.objects.filter(program=program, slug=trigger.offer, retired_at=None).first()
    if offer is None or offer.current_version_id is None or not offer.is_active:
        return None
    starts_at = terms_of(offer.current_version_id).starts_at
    days = [] if trigger.on is None else [trigger.on]
    days += [] if starts_at is None else [local_date(starts_at, zone)]
    if not days:
        return None
    global_id = host.current().to_global_id("RetentionOffer", str(offer.pk))
    return Announced(max(days), offer.name, global_id, starts_at)
