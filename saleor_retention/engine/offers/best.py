"""The one question of this package: what is the lowest price, and why.

Lane after lane: goods (bundles, quantity prices, add-ons, gifts, punch cards), member prices,
order (spend thresholds, free shipping). Lanes add up; inside a lane a unit of goods serves one
offer, and of an exclusion group at most one offer applies. The method is told in
docs/algorithms/offers.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.offers import applications as ways
from saleor_retention.engine.offers import solving
from saleor_retention.engine.offers.allocation import by_line
from saleor_retention.engine.offers.groups import Best, best_of_groups
from saleor_retention.engine.offers.kinds import FreeShipping, Offer
from saleor_retention.engine.offers.live import Field, Live, lay_out
from saleor_retention.engine.offers.result import Certificate, OfferQuote
from saleor_retention.engine.offers.situation import Situation
from saleor_retention.engine.offers.verdicts import Judge

NODES_MAX = 150_000


def best_offers(
    basket: BasketFacts,
    offers: Sequence[Offer],
    situation: Situation,
    *,
    nodes_max: int = NODES_MAX,
    explain: bool = False,
) -> OfferQuote:
    """Return the lowest price that the offers allow, with the verdict of each and the proof.

    The answer depends neither on the order of the lines nor on that of the offers. Between equal
    prices fewer limited uses are preferred, then higher priority, then the lower id. When the
    search has looked at ``nodes_max`` nodes it stops: the best price found is returned with the gap
    that is left. ``explain`` also says how much dearer the basket would be with each beaten offer,
    at the cost of another search for each: not meant for the price pass. Two lines of one
    reference, and two offers of one id, raise ``ValueError``.
    """
    found = lay_out(basket, offers, situation)
    best = best_of_groups(found, situation.shipping_minor, nodes_max)
    outcome = best.outcome
    shipping = outcome.plan.shipping or _shipping_for_nothing(found, best)
    by_id = {offer.id: offer for offer in offers}
    applications, allocations = by_line(outcome, found.shelf, by_id, basket.exponent)
    judge = Judge(found, best, allocations, shipping, situation.shipping_minor)
    verdicts = judge.verdicts(explain_nodes=nodes_max if explain else 0)
    certificate = Certificate(
        applications=tuple(applications),
        order_steps=outcome.plan.key,
        saving_minor=outcome.saving_minor,
        bound_minor=best.bound_minor,
        proofs=tuple(best.proofs),
        declined=best.lanes.declined,
    )
    return OfferQuote(
        allocations=tuple(allocations),
        verdicts=tuple(verdicts),
        near_misses=tuple(
            sorted(judge.near, key=lambda miss: (miss.code, miss.missing, miss.offer_id))
        ),
        gifts=tuple(found.gifts),
        saving_minor=outcome.saving_minor,
        bound_minor=best.bound_minor,
        has_free_shipping=shipping is not None,
        certificate=certificate,
        nodes=best.nodes,
    )


def forget() -> None:
    """Forget the parts of prices found last: the next one is searched as if it were the first."""
    ways.forget()
    solving.forget()


def _shipping_for_nothing(found: Field, best: Best) -> Live | None:
    """Return the free shipping that holds although no delivery is chosen, or it costs nothing.

    Without limits first, then by rank.
    """
    groups = {live.offer.group for live in best.outcome.applied()}
    for live in sorted(found.live, key=attrgetter("is_limited")):
        benefit = live.offer.benefit
        if not isinstance(benefit, FreeShipping) or (
            live.offer.group and live.offer.group in groups
        ):
            continue
        if sum(best.outcome.left[row].total_minor for row in live.rows[0]) >= benefit.from_minor:
            return live
    return None
