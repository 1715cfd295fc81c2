"""The section about experiments: both arms, their difference, and what could not have been seen."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from django.utils import translation
from django.utils.translation import gettext as _

from saleor_retention.engine.experiments.intervals import Difference
from saleor_retention.engine.experiments.samples import Sample
from saleor_retention.engine.experiments.verdict import Verdict, verdict_on, words
from saleor_retention.engine.phrases import render
from saleor_retention.reporting import charts
from saleor_retention.reporting import words as text
from saleor_retention.reporting.page import Section, Table
from saleor_retention.reporting.words import Amounts
from saleor_retention.selectors.report import Facts, Tried


def experiments(facts: Facts) -> Section | None:
    """Return what experiments have shown; None for a program that has made none."""
    if not facts.experiments:
        return None
    title = _("Experiments with a holdout")
    judged = [
        (each, verdict_on(each.outcome.treated, each.outcome.held_out))
        for each in facts.experiments
    ]
    series = {
        _("with it"): [_percents(verdict.treated.share) for _each, verdict in judged],
        _("without it"): [_percents(verdict.held_out.share) for _each, verdict in judged],
    }
    sentences = []
    for each, verdict in judged:
        said = words(verdict, facts.money.currency, facts.money.exponent)
        told = [render(part, translation.gettext, translation.ngettext) for part in said]
        sentences.append(" ".join([f"{each.name}:", *told, *_waiting(each)]))
    return Section(
        "experiments",
        title,
        sentences=sentences,
        chart=charts.rows(title, [each.name for each, _verdict in judged], series, unit=" %"),
        tables=[_table(judged, Amounts(facts.money))],
        notes=[
            _(
                "Chance decided who was held out, and everybody counts where chance put them, "
                "whether or not anything reached them: this is a comparison of cause and effect."
            )
        ],
    )


def _waiting(tried: Tried) -> list[str]:
    if not tried.outcome.waiting:
        return []
    waiting = text.customers(tried.outcome.waiting)
    told = _("Not counted yet: %(customers)s whose %(days)s are not over.")
    return [told % {"customers": waiting, "days": text.days(tried.window_days)}]


def _table(judged: list[tuple[Tried, Verdict]], amounts: Amounts) -> Table:
    rows = []
    for each, verdict in judged:
        for name, arm in ((_("with it"), verdict.treated), (_("without it"), verdict.held_out)):
            rows.append(_row(f"{each.name}, {name}", arm, amounts))
        rows.append(
            (
                f"{each.name}, {_('difference')}",
                *("", ""),
                _interval(verdict.shares, text.percent),
                _interval(verdict.means, amounts.text),
            )
        )
    return Table(
        _("Customers of both sides, and the difference with its interval"),
        [_("Experiment"), _("Customers"), _("Buyers"), _("Share"), _("Spent by each customer")],
        rows,
    )


def _row(name: str, arm: Sample, amounts: Amounts) -> tuple[str, ...]:
    return (
        name,
        text.number(arm.customers),
        text.number(arm.buyers),
        text.percent(arm.share if arm.customers else None),
        amounts.text(arm.mean if arm.customers else None),
    )


def _interval(difference: Difference | None, said: Callable[[Fraction], str]) -> str:
    if difference is None:
        return text.NONE
    limits = {"low": said(difference.low), "high": said(difference.high)}
    told = _("%(value)s (%(low)s to %(high)s)")
    return told % {"value": said(difference.estimate), **limits}


def _percents(share: Fraction) -> Fraction:
    return Fraction(text.percents(share))
