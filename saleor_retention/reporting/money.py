"""The sections about money: what is owed in points, what the program costs, before and after."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from saleor_retention.engine.liability import Expiring, Movement, Period, worth
from saleor_retention.engine.measures.costs import Costs
from saleor_retention.reporting import charts, words
from saleor_retention.reporting.page import Section, Table
from saleor_retention.reporting.words import Amounts
from saleor_retention.selectors.report import Facts
from saleor_retention.selectors.segments import Money

IN = (Movement.EARNED, Movement.BONUS, Movement.GRANTED, Movement.IMPORTED)
BACK = (Movement.REVERSED, Movement.REINSTATED)
USED = (Movement.REDEEMED, Movement.RESTORED)
EXPIRED = (Movement.EXPIRED, Movement.ERASED)
SCHEDULE_MONTHS = 12


def owed(facts: Facts) -> Section:
    """Return what members hold in points: month by month, and what expires when."""
    title = _("Points that the shop owes")
    report = facts.liability
    periods = _since_points(report.ledger.periods)
    labels = [words.month(period.span.first_day) for period in periods]
    soon = [row for row in report.schedule if row.points][:SCHEDULE_MONTHS]
    return Section(
        "owed",
        title,
        chart=charts.lines(title, labels, {_("Points"): [period.closing for period in periods]}),
        tables=[
            Table(
                _("Points by month"),
                [
                    _("Month"),
                    _("Issued"),
                    _("Taken back"),
                    _("Used"),
                    _("Expired"),
                    _("Other"),
                    _("At the end"),
                    _("Worth"),
                ],
                [_points_row(period, facts) for period in periods],
            ),
            Table(
                _("What expires when"),
                [_("Month"), _("Points"), _("Worth")],
                [
                    (_expiry(row), words.number(row.points), _worth(row.points, facts))
                    for row in soon
                ],
            ),
        ],
        notes=[
            _(
                "Worth: at point value, as if every point were used. Other: corrections by staff, "
                "points written off or brought over."
            )
        ],
    )


def _since_points(periods: Sequence[Period]) -> Sequence[Period]:
    """Leave out the months before there was any point; the last one stays."""
    for place, period in enumerate(periods):
        if period.opening or period.movements:
            return periods[place:]
    return periods[-1:]


def _points_row(period: Period, facts: Facts) -> tuple[str, ...]:
    def total(kinds: tuple[Movement, ...]) -> int:
        return sum(period.movements.get(kind, 0) for kind in kinds)

    named = [total(kinds) for kinds in (IN, BACK, USED, EXPIRED)]
    other = sum(period.movements.values()) - sum(named)
    return (
        words.month(period.span.first_day),
        *(words.number(points) for points in (*named, other, period.closing)),
        _worth(period.closing, facts),
    )


def _worth(points: int, facts: Facts) -> str:
    value = facts.liability.point_values.get(facts.money.currency)
    if value is None:
        return words.NONE
    return Amounts(facts.money).text(worth(points, value))


def _expiry(row: Expiring) -> str:
    if row.month is not None:
        return words.month(row.month)
    return _("later") if row.is_later else _("never")


def costs(facts: Facts) -> Section:
    """Return what points and offers took off prices, beside what customers brought."""
    title = _("What the program costs and brings in")
    tables, sentences = [], []
    chart = ""
    if facts.costs is not None:
        tables.append(_sums(facts.costs, facts))
        sentences = cost_sentences(facts.costs, facts.money)
        chart = charts.rows(
            title,
            [
                *(_("Points used"), _("Offers"), _("Tier prices"), _("Coupons")),
                _("Revenue of returning orders"),
            ],
            {
                facts.money.currency: [
                    facts.costs.redeemed_minor / 10**facts.money.exponent,
                    facts.costs.discount_minor / 10**facts.money.exponent,
                    facts.costs.tier_minor / 10**facts.money.exponent,
                    facts.costs.coupon_minor / 10**facts.money.exponent,
                    facts.costs.figures.returning_minor / 10**facts.money.exponent,
                ]
            },
        )
    if facts.offers:
        tables.append(_offers(facts))
    if facts.campaigns:
        tables.append(_campaigns(facts))
    return Section(
        "costs",
        title,
        sentences=sentences,
        chart=chart,
        tables=tables,
        notes=[
            words.description(),
            _("An order that used two offers stands in the revenue of both."),
            *_on_coupons(facts),
            *_on_campaigns(facts),
        ],
    )


def _on_coupons(facts: Facts) -> list[str]:
    """Say how many uses of coupons are counted otherwise than by what they took off."""
    if facts.costs is None:
        return []
    said = []
    if facts.costs.coupons_estimated:
        text = _(
            "What coupons took off was not kept of %(number)s uses, which count at the coupon's "
            "amount."
        )
        said.append(text % {"number": words.number(facts.costs.coupons_estimated)})
    if facts.costs.coupons_unknown:
        text = _("It is not known of %(number)s uses of coupons, which are left out of the sum.")
        said.append(text % {"number": words.number(facts.costs.coupons_unknown)})
    return said


def cost_sentences(costs: Costs, money: Money) -> list[str]:
    """Say what a returning customer cost, and a new one by the merchant's own figure."""
    amounts = Amounts(money)
    each = costs.per_returning_customer
    if each is None:
        return []
    said = [
        _("The program took %(cost)s off prices: %(each)s for each returning customer.")
        % {"cost": amounts.text(costs.program_minor), "each": amounts.text(each)}
    ]
    if costs.times is not None:
        text = _(
            "Winning a new customer costs %(amount)s by your own figure: %(times)s times that."
        )
        amount = amounts.text(costs.acquisition_minor)
        said.append(text % {"amount": amount, "times": words.decimals(costs.times, 1)})
    return said


def _sums(costs: Costs, facts: Facts) -> Table:
    amounts = Amounts(facts.money)
    figures = costs.figures
    rows = [
        (_("Points used, at their value"), amounts.text(costs.redeemed_minor)),
        (_("Discounts of offers"), amounts.text(costs.discount_minor)),
        (_("Tier prices"), amounts.text(costs.tier_minor)),
        (_("Coupons"), amounts.text(costs.coupon_minor)),
        (_("All together"), amounts.text(costs.program_minor)),
        (_("Revenue of returning orders"), amounts.text(figures.returning_minor)),
        (_("Cost / revenue of returning orders"), words.percent(costs.per_returning_revenue)),
        (_("Cost for each returning customer"), amounts.text(costs.per_returning_customer)),
        (_("Revenue of new orders"), amounts.text(figures.new_minor)),
    ]
    if costs.acquisition_minor is not None:
        rows += [
            (_("Winning one new customer"), amounts.text(costs.acquisition_minor)),
            (_("Winning all new customers"), amounts.text(costs.acquired_minor)),
        ]
    return Table(_("Cost and revenue in this time"), [_("What"), _("Amount")], rows)


def _offers(facts: Facts) -> Table:
    amounts = Amounts(facts.money)
    return Table(
        _("Offers"),
        [_("Offer"), _("Uses"), _("Orders"), _("Customers"), _("Discount"), _("Revenue")],
        [
            (
                offer.name,
                words.number(offer.uses),
                words.number(offer.orders),
                words.number(offer.customers),
                words.money(offer.discount_minor, offer.currency, offer.exponent),
                amounts.text(offer.revenue_minor),
            )
            for offer in facts.offers
        ],
    )


def _campaigns(facts: Facts) -> Table:
    amounts = Amounts(facts.money)
    return Table(
        _("Campaigns"),
        [
            *(_("Campaign"), _("Sent"), _("Points given"), _("Coupons given"), _("Coupons used")),
            *(_("Offers given"), _("Offers used")),
            *(_("Cost"), _("Customers"), _("Orders"), _("Revenue")),
        ],
        [
            (
                each.name,
                words.number(each.sent),
                words.number(each.points),
                words.number(each.coupons.given),
                words.number(each.coupons.uses),
                words.number(each.offers.given),
                words.number(each.offers.uses),
                amounts.text(each.cost_minor),
                words.number(each.buyers),
                words.number(each.orders),
                amounts.text(each.revenue_minor),
            )
            for each in facts.campaigns
        ],
    )


def _on_campaigns(facts: Facts) -> list[str]:
    if not facts.campaigns:
        return []
    text = _(
        "An order is put down to the campaign that reached its customer last, at most %(days)s "
        "before it: a convention. Who gets messages would have bought too; only an experiment "
        "tells what they have caused. Cost: points at their value, as if every one were used, "
        "coupons and offers at what they took off."
    )
    return [text % {"days": words.days(facts.window_days)}]


def before_after(facts: Facts) -> Section | None:
    """Return the measures before the program against after; None on its first day."""
    if facts.comparison is None:
        return None
    title = _("Before the program and after")
    amounts = Amounts(facts.money)
    before, after = facts.comparison.before, facts.comparison.after
    shown = [
        (_("Customers"), *(words.number(row.figures.customers) for row in (before, after))),
        (_("Orders"), *(words.number(row.figures.orders) for row in (before, after))),
        (_("Revenue"), *(amounts.text(row.figures.revenue_minor) for row in (before, after))),
        (
            _("Repurchase rate"),
            *(words.percent(row.figures.repurchase_rate) for row in (before, after)),
        ),
        (
            _("Average order value"),
            *(amounts.text(row.figures.order_value_minor) for row in (before, after)),
        ),
        (
            _("Orders per customer"),
            *(words.decimals(row.figures.orders_per_customer) for row in (before, after)),
        ),
    ]
    names = [
        _("%(first)s to %(last)s") % {"first": row.span.first_day, "last": row.span.last_day}
        for row in (before, after)
    ]
    series = {
        _("New orders"): [row.figures.new_orders for row in (before, after)],
        _("Returning orders"): [row.figures.returning_orders for row in (before, after)],
    }
    return Section(
        "before-after",
        title,
        chart=charts.bars(title, names, series, is_stacked=True),
        tables=[Table(_("As many days before as after"), [_("Measure"), *names], shown)],
        notes=[
            words.description(),
            _(
                "Seasons, prices and advertising changed too, and orders from before the program "
                "are known only as far as they were brought in."
            ),
        ],
    )
