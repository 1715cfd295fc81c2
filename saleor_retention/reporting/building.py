"""The report as one page: its sections in their order, in the language that is active."""

from __future__ import annotations

from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _

from saleor_retention.engine.liability import worth
from saleor_retention.reporting import customers, money, trials, words
from saleor_retention.reporting.page import Page, Section
from saleor_retention.reporting.words import Amounts
from saleor_retention.selectors.report import Facts


def page_of(facts: Facts) -> Page:
    """Return the page that tells the facts.

    Refuses (INVALID, ``report``) where the library that draws the charts is not installed.
    """
    sections = [
        summary(facts),
        customers.repurchase(facts),
        customers.novelty(facts),
        customers.cohorts(facts),
        customers.seconds(facts),
        customers.segments(facts),
        customers.tiers(facts),
        money.owed(facts),
        money.costs(facts),
        money.before_after(facts),
        trials.experiments(facts),
    ]
    return Page(
        language=to_locale(get_language() or "en").replace("_", "-"),
        title=_("Do customers come back? %(program)s") % {"program": facts.program},
        subtitle=_("%(first)s to %(last)s") % {"first": facts.first_day, "last": facts.last_day},
        contents=_("Contents"),
        footer=_("Made at %(moment)s UTC. Days are those of %(zone)s.")
        % {"moment": f"{facts.made_at:%Y-%m-%d %H:%M}", "zone": facts.time_zone},
        sections=[section for section in sections if section is not None],
    )


def summary(facts: Facts) -> Section:
    """Return what matters most, in sentences."""
    return Section("summary", _("Summary"), sentences=[*_orders(facts), *_money(facts)])


def _orders(facts: Facts) -> list[str]:
    total, second = facts.periods.total, facts.second
    amounts = Amounts(facts.money)
    if not total.orders:
        return [_("Nobody ordered in this time.")]
    counted = {
        "customers": words.customers(total.customers),
        "orders": words.orders(total.orders),
        "revenue": amounts.text(total.revenue_minor),
        "value": amounts.text(total.order_value_minor),
    }
    if amounts.is_known:
        text = _("%(customers)s placed %(orders)s worth %(revenue)s, %(value)s each on average.")
    else:
        text = _("%(customers)s placed %(orders)s.")
    said = [
        text % counted,
        _("%(rate)s of customers came back in this time; a customer ordered %(number)s times.")
        % {
            "rate": words.percent(total.repurchase_rate),
            "number": words.decimals(total.orders_per_customer),
        },
        _(
            "%(orders)s of orders and %(revenue)s of revenue are from customers who had ordered "
            "before. Shops hold 20 to 30 %% for healthy."
        )
        % {
            "orders": words.percent(total.returning_order_share),
            "revenue": words.percent(total.returning_revenue_share),
        },
    ]
    if second.customers:
        text = _("%(share)s of customers who first ordered in this time have ordered again.")
        said.append(text % {"share": words.percent(second.share)})
    return said


def _money(facts: Facts) -> list[str]:
    owed = facts.liability.standing.net
    value = facts.liability.point_values.get(facts.money.currency)
    said = []
    if value is None:
        said.append(_("Members hold %(points)s.") % {"points": words.points(owed)})
    else:
        text = _("Members hold %(points)s, worth %(value)s.")
        amount = Amounts(facts.money).text(worth(owed, value))
        said.append(text % {"points": words.points(owed), "value": amount})
    if facts.costs is not None:
        said += money.cost_sentences(facts.costs, facts.money)
    return said
