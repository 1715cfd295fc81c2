"""What members have towards a tier: sums over their order records, many members in one statement.

A record keeps its spend and points net of refunds, so a sum is always that of now, also over a
window that is long over.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from django.db import connection

from saleor_retention import host, sql
from saleor_retention.engine import tiers
from saleor_retention.engine.periods import local_date
from saleor_retention.engine.rules import Ladder, Metric, ProgramRules, Window
from saleor_retention.engine.tiers import CountingWindow, HeldTier, Progress, Standing
from saleor_retention.models import Account, TierChange, TierChangeKind
from saleor_retention.selectors.programs import rules_of

REACHED = (TierChangeKind.UPGRADE, TierChangeKind.RENEW)


@dataclass(frozen=True, slots=True)
class Span:
    """One account over one time; ends are exclusive, None is open."""

    account_id: int
    start_at: dt.datetime | None
    end_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """All that a decision on one member's tier needs."""

    account: Account
    held: HeldTier
    standings: tuple[Standing, ...]
    outlook_value: int | None

    def decide(self, ladder: Ladder, now: dt.datetime) -> tiers.Decision:
        """Return what becomes of the member's tier."""
        return tiers.decide(ladder, self.held, self.standings, now, self.outlook_value)


def metric_values(rules: ProgramRules, program_id: int, spans: Sequence[Span]) -> list[int]:
    """Return the ladder's metric of each span: spend in reference minor units, orders, or points.

    Of members of one program; the rules say what spend counts for whose currency had no rate then.
    """
    if not spans:
        return []
    rates = _rates(rules) if rules.ladder.metric is Metric.SPEND else {}
    parameters = {
        "metric": rules.ladder.metric.value,
        "program_id": program_id,
        "reference": rules.reference_currency,
        "currencies": list(rates),
        "rates_over": [rate.numerator for rate in rates.values()],
        "rates_under": [rate.denominator for rate in rates.values()],
        "account_ids": [span.account_id for span in spans],
        "starts": [span.start_at for span in spans],
        "ends": [span.end_at for span in spans],
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.load("qualifying"), parameters)
        return [row[0] for row in cursor.fetchall()]


def _rates(rules: ProgramRules) -> dict[str, Fraction]:
    """Return reference minor units for a minor unit of each other currency."""
    shop = host.current()
    digits = shop.currency_exponent(rules.reference_currency) if rules.reference_rates else 0
    return {
        currency: rate * Fraction(10**digits, 10 ** shop.currency_exponent(currency))
        for currency, rate in rules.reference_rates.items()
    }


def cases(
    accounts: Sequence[Account],
    rules: ProgramRules,
    now: dt.datetime,
    *,
    warns: bool = False,
    added: Mapping[int, Sequence[tuple[dt.datetime, int]]] | None = None,
) -> list[Case]:
    """Return the decision cases of members of one program, in two statements.

    A third one where members hold a rolling tier whose validity is older than its last change.
    ``warns`` adds what a member has towards keeping the tier, for those whose tier lapses within
    the ladder's warning days. ``added`` says what would come to the metric, and when, by account.
    """
    ladder = rules.ladder
    last = _last_changes([account.pk for account in accounts if account.tier])
    windows_of = _Windows(rules, now)
    reached_at = _reached_at(last, rules)
    spans: list[Span] = []
    plans: list[tuple[Account, tuple[CountingWindow, ...], bool]] = []
    for account in accounts:
        windows = windows_of(account, reached_at.get(account.pk))
        spans += [Span(account.pk, window.start_at, window.end_at) for window in windows]
        has_outlook = warns and _lapses_soon(account, ladder, now)
        if has_outlook:
            spans.append(Span(account.pk, windows_of.outlook(account)))
        plans.append((account, windows, has_outlook))
    found = metric_values(rules, accounts[0].program_id, spans) if accounts else []
    if added:
        found = [value + _within(span, added) for span, value in zip(spans, found, strict=True)]
    values = iter(found)
    return [
        Case(
            account=account,
            held=_held(account, last.get(account.pk), rules),
            standings=tuple(Standing(next(values), window.valid_until) for window in windows),
            outlook_value=next(values) if has_outlook else None,
        )
        for account, windows, has_outlook in plans
    ]


def present_values(
    accounts: Sequence[Account], rules: ProgramRules, now: dt.datetime
) -> dict[int, int]:
    """Return each member's metric over the present window: what counts towards climbing now."""
    windows_of = _Windows(rules, now)
    spans = []
    for account in accounts:
        present = windows_of(account, None)[0]
        spans.append(Span(account.pk, present.start_at, present.end_at))
    values = metric_values(rules, accounts[0].program_id, spans) if accounts else []
    return {span.account_id: value for span, value in zip(spans, values, strict=True)}


def progress_of(
    accounts: Sequence[Account], rules: ProgramRules, now: dt.datetime
) -> dict[int, Progress]:
    """Return each member's next tier and what is missing to it, in one statement."""
    values = present_values(accounts, rules, now)
    return {
        account.pk: tiers.progress(rules.ladder, account.tier or None, values[account.pk])
        for account in accounts
    }


def gap_to_keep(
    accounts: Sequence[Account], rules: ProgramRules, now: dt.datetime
) -> dict[int, int]:
    """Return what each member lacks to keep the tier beyond its validity, in one statement.

    Only members whose tier lapses and would not last are in the answer.
    """
    windows_of = _Windows(rules, now)
    lapsing = [
        account
        for account in accounts
        if account.tier_valid_until is not None and not account.is_tier_manual
    ]
    spans = [Span(account.pk, windows_of.outlook(account)) for account in lapsing]
    values = metric_values(rules, lapsing[0].program_id, spans) if lapsing else []
    gaps = {}
    for account, value in zip(lapsing, values, strict=True):
        tier = rules.tier(account.tier)
        if tier is not None and value < tier.threshold:
            gaps[account.pk] = tier.threshold - value
    return gaps


class _Windows:
    """The counting windows of members; most ladders have the same for all, so they are kept."""

    def __init__(self, rules: ProgramRules, now: dt.datetime) -> None:
        self._ladder = rules.ladder
        self._tz = rules.time_zone
        self._now = now
        self._of = lru_cache(maxsize=4096)(self._windows)

    def __call__(
        self, account: Account, reached_at: dt.datetime | None
    ) -> tuple[CountingWindow, ...]:
        """Return the windows that speak for the member now, the present one first."""
        return self._of(self._joined_on(account), reached_at)

    def outlook(self, account: Account) -> dt.datetime | None:
        """Return from when on orders still count on the day that the member's tier lapses."""
        return tiers.outlook_start(
            self._ladder, account.tier_valid_until, self._tz, self._joined_on(account)
        )

    def _joined_on(self, account: Account) -> dt.date | None:
        if self._ladder.window is not Window.MEMBERSHIP_YEAR:
            return None
        return local_date(account.joined_at, self._tz)

    def _windows(
        self, joined_on: dt.date | None, reached_at: dt.datetime | None
    ) -> tuple[CountingWindow, ...]:
        return tiers.counting_windows(self._ladder, self._now, self._tz, joined_on, reached_at)


def _within(span: Span, added: Mapping[int, Sequence[tuple[dt.datetime, int]]]) -> int:
    return sum(
        value
        for at, value in added.get(span.account_id, ())
        if (span.start_at is None or at >= span.start_at)
        and (span.end_at is None or at < span.end_at)
    )


def _reached_at(last: Mapping[int, TierChange], rules: ProgramRules) -> dict[int, dt.datetime]:
    """Return when the orders were counted that gave a rolling tier, by account.

    The newest change that gave the present validity; ``engine.tiers.gave_validity`` has the reason.
    A validity that another window gave says nothing: then it is a climb's own instant.
    """
    ladder, tz = rules.ladder, rules.time_zone
    if ladder.window is not Window.ROLLING_MONTHS:
        return {}
    given = {key: change for key, change in last.items() if change.kind != TierChangeKind.OVERRIDE}
    reached_at, older = {}, {}
    for account_id, change in given.items():
        if tiers.gave_validity(ladder, change.at, change.valid_until, tz):
            reached_at[account_id] = change.at
        elif change.valid_until is not None:
            older[account_id] = change.valid_until
            if change.kind in REACHED:
                reached_at[account_id] = change.at
    changes = TierChange.objects.filter(account_id__in=older).exclude(kind=TierChangeKind.OVERRIDE)
    for change in changes.order_by("id") if older else ():
        valid_until = older[change.account_id]
        is_same = change.valid_until == valid_until
        if is_same and tiers.gave_validity(ladder, change.at, valid_until, tz):
            reached_at[change.account_id] = change.at
    return reached_at


def _last_changes(account_ids: Sequence[int]) -> Mapping[int, TierChange]:
    if not account_ids:
        return {}
    changes = TierChange.objects.filter(account_id__in=account_ids)
    newest = changes.order_by("account_id", "-id").distinct("account_id")
    return {change.account_id: change for change in newest}


def _lapses_soon(account: Account, ladder: Ladder, now: dt.datetime) -> bool:
    if account.tier_valid_until is None or account.tier_warned_at is not None:
        return False
    return bool(account.tier_valid_until - dt.timedelta(days=ladder.warning_days) <= now)


def _held(account: Account, change: TierChange | None, rules: ProgramRules) -> HeldTier:
    """Return the held tier with the sum and the threshold that gave it.

    Where the ladder counted something else then, the two sums cannot be compared; a threshold of
    zero says that nothing was reversed.
    """
    value, threshold = None, None
    if change is not None:
        value = change.metric_value
        rules_then = rules_of(change.version_id)
        tier_then = rules_then.tier(change.to_tier)
        threshold = tier_then.threshold if tier_then is not None else None
        if _counts(rules_then) != _counts(rules):
            value, threshold = None, 0
    return HeldTier(
        slug=account.tier or None,
        valid_until=account.tier_valid_until,
        is_manual=account.is_tier_manual,
        is_warned=account.tier_warned_at is not None,
        metric_value=value,
        threshold_then=threshold,
    )


def _counts(rules: ProgramRules) -> tuple[object, ...]:
    ladder = rules.ladder
    months = ladder.window_months if ladder.window is Window.ROLLING_MONTHS else None
    return ladder.metric, ladder.window, months, rules.reference_currency
