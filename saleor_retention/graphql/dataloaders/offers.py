"""What is shown of offers, for all offers of a query at once."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from saleor_retention import host
from saleor_retention.graphql.dataloaders.base import Loader
from saleor_retention.models import OfferVersion
from saleor_retention.selectors.offer_facts import Shopper, facts_of
from saleor_retention.selectors.offer_statistics import OfferStatistics, statistics_of

UsageKey = tuple[int, dt.datetime | None, dt.datetime | None]
"""(offer id, since, until)"""

GoodsName = tuple[str, str]
"""(kind of goods in a selection, reference)"""


class OfferUsage(Loader[UsageKey, OfferStatistics]):
    """What orders have used of an offer, by offer and window."""

    def find(self, keys: Sequence[UsageKey]) -> Mapping[UsageKey, OfferStatistics]:
        """Read them in one statement for each window, of which a query has as many as aliases."""
        by_window = defaultdict(list)
        for offer_id, since, until in keys:
            by_window[since, until].append(offer_id)
        found = {}
        for (since, until), offer_ids in by_window.items():
            for offer_id, usage in statistics_of(offer_ids, since=since, until=until).items():
                found[offer_id, since, until] = usage
        return found


class VersionById(Loader[int, OfferVersion]):
    """Version of an offer by primary key, with its offer."""

    def find(self, keys: Sequence[int]) -> Mapping[int, OfferVersion]:
        """Read them in one statement."""
        return OfferVersion.objects.select_related("offer").in_bulk(list(keys))


class FactsOfShopper(Loader[Shopper, dict[str, Any]]):
    """What decides about offers besides the goods, by program and account (None: a guest)."""

    def find(self, keys: Sequence[Shopper]) -> Mapping[Shopper, dict[str, Any]]:
        """Read them in one statement."""
        return facts_of(keys)


class NameOfGoods(Loader[GoodsName, str]):
    """What shoppers read, by kind and reference."""

    def find(self, keys: Sequence[GoodsName]) -> Mapping[GoodsName, str]:
        """Read them in one statement for each kind."""
        by_kind = defaultdict(list)
        for kind, ref in keys:
            by_kind[kind].append(ref)
        return {
            (kind, ref): name
            for kind, refs in by_kind.items()
            for ref, name in host.current().goods_names(kind, refs).items()
        }
