"""What a program has cost over some time, beside what it costs to win a customer (C59).

Cost is what customers' prices fell by: points used at their value less what was given back, and
what offers, tier prices and coupons took off. Points that are still owed are no cost of the period
here; the liability report has them. A description: nobody knows who would have come back without
the program.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from saleor_retention.engine.measures.figures import Figures


@dataclass(frozen=True, slots=True)
class Costs:
    """The sums of one span of days, in minor units of one currency."""

    figures: Figures  # of the same days
    redeemed_minor: int  # points used, at point value; negative where more came back
    discount_minor: int  # what offers took off orders that have kept something
    acquisition_minor: int | None = None  # what the merchant pays to win one customer, as stated
    tier_minor: int = 0  # what tier prices took off such orders
    coupon_minor: int = 0  # what coupons took off them, as far as it is known
    coupons_estimated: int = 0  # uses in that which count at their coupon's amount, at most
    coupons_unknown: int = 0  # uses that are not in it: per cent of what was not kept

    @property
    def program_minor(self) -> int:
        """Return what the program took off prices in all."""
        return self.redeemed_minor + self.discount_minor + self.tier_minor + self.coupon_minor

    @property
    def per_returning_customer(self) -> Fraction | None:
        """Return the program's cost for each customer who came back; None where nobody did."""
        back = self.figures.returning_customers
        return Fraction(self.program_minor, back) if back else None

    @property
    def per_returning_revenue(self) -> Fraction | None:
        """Return the program's cost / what returning orders brought."""
        revenue = self.figures.returning_minor
        return Fraction(self.program_minor, revenue) if revenue else None

    @property
    def acquired_minor(self) -> int | None:
        """Return what winning the period's new customers has cost by the merchant's own figure.

        Each first order is a customer won, also where he has come back within the period.
        """
        if self.acquisition_minor is None:
            return None
        return self.acquisition_minor * self.figures.new_orders

    @property
    def times(self) -> Fraction | None:
        """Return how many times as much a new customer costs as one who came back.

        None where the merchant has stated nothing, or where coming back has cost nothing.

        >>> Costs(Figures(30, 10, 50, 20, 0, 0), 3000, 2000, 2500).times
        Fraction(5, 1)
        """
        each = self.per_returning_customer
        if self.acquisition_minor is None or each is None or each <= 0:
            return None
        return self.acquisition_minor / each
