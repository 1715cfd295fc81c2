"""What an experiment shows, in words that say no more than its numbers do.

Everybody who was assigned counts in the arm of the assignment, whether or not a message ever
reached them (intent to treat): who was reached differs from who was not, who was assigned does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from saleor_retention.engine.experiments.intervals import (
    Difference,
    difference_of_means,
    difference_of_shares,
)
from saleor_retention.engine.experiments.power import smallest_mean, smallest_share
from saleor_retention.engine.experiments.samples import Sample
from saleor_retention.engine.money import from_minor, money_text, round_half_up
from saleor_retention.engine.phrases import Phrase, _, phrase

ARM_MIN = 30
"""With fewer customers in an arm the interval of a mean of purchases is not to be trusted."""


class Seen(StrEnum):
    """What the share of buyers shows."""

    TOO_FEW = "too_few"
    UNCLEAR = "unclear"
    MORE = "more"
    LESS = "less"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Both arms against each other; None where an arm is too small to say anything."""

    treated: Sample
    held_out: Sample
    seen: Seen
    shares: Difference | None = None
    means: Difference | None = None
    smallest_share: Fraction | None = None
    smallest_mean: Fraction | None = None


def verdict_on(treated: Sample, held_out: Sample) -> Verdict:
    """Compare those who were treated with those who were held out."""
    if min(treated.customers, held_out.customers) < ARM_MIN:
        return Verdict(treated, held_out, Seen.TOO_FEW)
    shares = difference_of_shares(treated, held_out)
    seen = Seen.UNCLEAR
    if shares.is_clear:
        seen = Seen.MORE if shares.low > 0 else Seen.LESS
    return Verdict(
        treated,
        held_out,
        seen,
        shares=shares,
        means=difference_of_means(treated, held_out),
        smallest_share=smallest_share(treated, held_out),
        smallest_mean=smallest_mean(treated, held_out),
    )


def words(verdict: Verdict, currency: str, exponent: int) -> list[Phrase]:
    """Say what was counted, what it shows and what it could not show; money where it has a name."""
    said = [_counted(verdict.treated, verdict.held_out)]
    if verdict.shares is None or verdict.means is None:
        text = _("Too few to compare: it takes at least %(least)s customers on each side.")
        return [*said, phrase(text, least=str(ARM_MIN))]
    said.append(phrase(_OF_SHARES[verdict.seen], **_points(verdict.shares)))
    if verdict.seen is Seen.UNCLEAR:
        text = _(
            "There may be a difference all the same: so many customers would probably have shown "
            "only one of %(points)s percentage points or more."
        )
        said.append(phrase(text, points=_percent(verdict.smallest_share or Fraction(0))))
    if currency:
        said.append(_of_means(verdict.means, currency, exponent))
    return said


_OF_SHARES = {
    Seen.MORE: _(
        "More customers bought where it was done: %(points)s percentage points more "
        "(95 %% interval: %(low)s to %(high)s)."
    ),
    Seen.LESS: _(
        "Fewer customers bought where it was done: %(points)s percentage points "
        "(95 %% interval: %(low)s to %(high)s)."
    ),
    Seen.UNCLEAR: _(
        "No difference is shown: %(points)s percentage points, which chance may explain "
        "(95 %% interval: %(low)s to %(high)s)."
    ),
}


def _counted(treated: Sample, held_out: Sample) -> Phrase:
    return phrase(
        _(
            "%(buyers)s of %(customers)s customers bought with it (%(share)s %%), "
            "%(other_buyers)s of %(others)s without it (%(other_share)s %%)."
        ),
        buyers=str(treated.buyers),
        customers=str(treated.customers),
        share=_percent(treated.share),
        other_buyers=str(held_out.buyers),
        others=str(held_out.customers),
        other_share=_percent(held_out.share),
    )


def _of_means(means: Difference, currency: str, exponent: int) -> Phrase:
    amounts = {
        name: money_text(round_half_up(value), currency, exponent)
        for name, value in (
            ("amount", means.estimate),
            ("low", means.low),
            ("high", means.high),
        )
    }
    if means.is_clear:
        text = _(
            "Difference in what each customer spent: %(amount)s "
            "(95 %% interval: %(low)s to %(high)s)."
        )
    else:
        text = _(
            "Difference in what each customer spent: %(amount)s, which chance may explain "
            "(95 %% interval: %(low)s to %(high)s)."
        )
    return phrase(text, **amounts)


def _points(difference: Difference) -> dict[str, str]:
    return {
        "points": _percent(difference.estimate),
        "low": _percent(difference.low),
        "high": _percent(difference.high),
    }


def _percent(share: Fraction) -> str:
    """Return a share in per cent with one decimal, a half upwards."""
    return str(from_minor(round_half_up(share * 1000), 1))
