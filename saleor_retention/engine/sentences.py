"""Says each rule of a program in one plain sentence, so that nobody has to read settings.

``engine.phrases`` says how a sentence is put together and translated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from saleor_retention.engine.engagement import ABOUT_THE_SHOP, SURVEY, EventRule
from saleor_retention.engine.fields import decimal_text
from saleor_retention.engine.money import money_text
from saleor_retention.engine.phrases import (
    Phrase,
    Sentence,
    Value,
    _,
    counted,
    ngettext,
    phrase,
)
from saleor_retention.engine.rules import (
    DeficitPolicy,
    Downgrade,
    Enrolment,
    ExpiryPolicy,
    MaturingRule,
    Metric,
    Multiplier,
    PriceBenefit,
    ProgramRules,
    Selection,
    Tier,
    Window,
)
from saleor_retention.engine.selections import is_everything


def sentences(rules: ProgramRules, exponents: Mapping[str, int]) -> list[Sentence]:
    """Return what the program does, one sentence a rule, in the order of the document.

    >>> from saleor_retention.engine.phrases import render
    >>> [render(sentence) for sentence in sentences(rules(), {"USD": 2})[:3]]
    ... # doctest: +NORMALIZE_WHITESPACE
    ['Every 1.00 USD spent earns 1 point.',
     'Points are earned on prices with tax, without shipping.',
     '1 point is worth 0.01 USD.']
    """
    return [
        *_earning(rules, exponents),
        *_bonuses(rules),
        *_events(rules),
        *_referral(rules),
        *_lifetime(rules),
        *_redeeming(rules),
        *_climbing(rules),
        *(_tier(tier, rules, exponents) for tier in rules.ladder.tiers),
    ]


def benefits_of(tier: Tier, exponents: Mapping[str, int]) -> list[Phrase]:
    """Return what a tier gives, one phrase a benefit."""
    return list(_benefits(tier, exponents))


def _say(rule_key: str, msgid: str, **params: Value) -> Sentence:
    return Sentence(rule_key, phrase(msgid, **params))


def _form(number: int | Fraction) -> int:
    """Return the count that picks the plural form; parts of one count as several."""
    return int(number) if number == int(number) else 2


def _points(number: int | Fraction) -> Phrase:
    return counted(number, ngettext("%(number)s point", "%(number)s points", _form(number)))


def _days(number: int) -> Phrase:
    return counted(number, ngettext("%(number)s day", "%(number)s days", number))


def _earning(rules: ProgramRules, exponents: Mapping[str, int]) -> Iterator[Sentence]:
    for currency, rate in rules.earn_rates.items():
        yield _say(
            f"earn.rates.{currency}",
            _("Every %(money)s spent earns %(points)s."),
            money=money_text(rate.per_minor, currency, exponents[currency]),
            points=_points(rate.points),
        )
    if rules.earn_rates:
        basis = {
            (True, False): _("Points are earned on prices with tax, without shipping."),
            (True, True): _("Points are earned on prices with tax, and on shipping."),
            (False, False): _("Points are earned on prices without tax, without shipping."),
            (False, True): _("Points are earned on prices without tax, and on shipping."),
        }
        yield _say("earn.include_tax", basis[rules.earns_on_tax, rules.earns_on_shipping])
    for currency, value in rules.point_values.items():
        points = value.denominator  # the fewest that are worth whole minor units
        worth = ngettext(
            "%(points)s is worth %(money)s.", "%(points)s are worth %(money)s.", points
        )
        money = money_text(value.numerator, currency, exponents[currency])
        params: tuple[tuple[str, Value], ...] = (("money", money), ("points", _points(points)))
        yield Sentence(f"point_value.{currency}", Phrase(worth[0], params, worth[1], worth[2]))
    for index, multiplier in enumerate(rules.multipliers):
        yield _multiplier(index, multiplier)
    caps = rules.earn_caps
    for period, limit, message in (
        ("order", caps.per_order, _("One order earns %(points)s at most.")),
        ("day", caps.per_day, _("The orders of a day earn %(points)s at most.")),
        ("month", caps.per_month, _("The orders of a month earn %(points)s at most.")),
        ("member", caps.per_member, _("All orders of a member earn %(points)s at most.")),
    ):
        if limit is not None:
            yield _say(f"earn.points_per_{period}_max", message, points=_points(limit))


def _multiplier(index: int, multiplier: Multiplier) -> Sentence:
    names = (
        _("Monday"),
        _("Tuesday"),
        _("Wednesday"),
        _("Thursday"),
        _("Friday"),
        _("Saturday"),
        _("Sunday"),
    )
    when: Value = phrase(_("every day"))
    if multiplier.weekdays:
        days = tuple(phrase(names[day]) for day in sorted(multiplier.weekdays))
        when = phrase(_("on %(days)s"), days=days)
    dates: Value = ""
    starts_on, ends_on = multiplier.starts_on, multiplier.ends_on
    if starts_on is not None and ends_on is not None:
        dates = phrase(_(" from %(first)s to %(last)s"), first=f"{starts_on}", last=f"{ends_on}")
    elif starts_on is not None:
        dates = phrase(_(" from %(first)s on"), first=f"{starts_on}")
    elif ends_on is not None:
        dates = phrase(_(" until %(last)s"), last=f"{ends_on}")
    return _say(
        f"multipliers.{index}",
        _("%(name)s: %(goods)s earn %(factor)s times the points %(when)s%(dates)s."),
        name=multiplier.name,
        goods=_goods(multiplier.selection),
        factor=decimal_text(multiplier.factor),
        when=when,
        dates=dates,
    )


def _goods(selection: Selection) -> Phrase:
    return phrase(_("all goods") if is_everything(selection) else _("chosen goods"))


def _bonuses(rules: ProgramRules) -> Iterator[Sentence]:
    if rules.enrolment is Enrolment.EVERY_CUSTOMER:
        yield _say("enrolment", _("Every customer with a confirmed account is a member."))
    else:
        yield _say("enrolment", _("Customers who enroll are members."))
    if rules.welcome_points:
        points = _points(rules.welcome_points)
        yield _say("welcome_points", _("New members get %(points)s."), points=points)
    if rules.first_order_points:
        points = _points(rules.first_order_points)
        yield _say("first_order_points", _("The first order earns %(points)s more."), points=points)


def _events(rules: ProgramRules) -> Iterator[Sentence]:
    known = {
        "review": _("A review"),
        "favorite": _("A favorite"),
        "follow": _("Following the shop"),
        "survey": _("Answering the survey about an order"),
    }
    for rule in rules.events:
        if not rule.points:
            continue
        limits = tuple(_event_limits(rule))
        yield _say(
            f"events.{rule.kind}",
            _("%(event)s earns %(points)s%(limits)s."),
            event=rule.name or phrase(known[rule.kind]),
            points=_points(rule.points),
            limits=phrase(_(", at most %(limits)s"), limits=limits) if limits else "",
        )


def _event_limits(rule: EventRule) -> Iterator[Phrase]:
    has_objects = rule.kind not in (ABOUT_THE_SHOP, SURVEY)
    per_object = rule.per_object_max if has_objects else None
    for limit, message in (
        (per_object, _("%(number)s for each item")),
        (rule.per_day_max, _("%(number)s a day")),
        (rule.per_month_max, _("%(number)s a month")),
        (rule.per_member_max, _("%(number)s in all")),
    ):
        if limit is not None:
            yield phrase(message, number=str(limit))


def _referral(rules: ProgramRules) -> Iterator[Sentence]:
    referral, days = rules.referral, _days(rules.referral.window_days)
    for key, points, message in (
        (
            "advocate_points",
            referral.advocate_points,
            _(
                "Referring a friend earns %(points)s, %(days)s after the friend's first order is "
                "paid, unless it is returned."
            ),
        ),
        (
            "friend_points",
            referral.friend_points,
            _(
                "A referred friend gets %(points)s, %(days)s after the first order is paid, unless "
                "it is returned."
            ),
        ),
    ):
        if points:
            yield _say(f"referral.{key}", message, points=_points(points), days=days)
    limit = referral.per_month_max
    if referral.advocate_points and limit is not None:
        forms = ngettext(
            "At most %(number)s friend a month is rewarded.",
            "At most %(number)s friends a month are rewarded.",
            limit,
        )
        yield Sentence("referral.per_month_max", counted(limit, forms))


def _lifetime(rules: ProgramRules) -> Iterator[Sentence]:
    maturing = {
        MaturingRule.AT_ONCE: _("Points can be spent once the order is paid."),
        MaturingRule.ON_FULFILMENT: _("Points can be spent once the order is paid and shipped."),
        MaturingRule.DAYS_AFTER_PAYMENT: _("Points can be spent %(days)s after payment."),
        MaturingRule.DAYS_AFTER_FULFILMENT: _("Points can be spent %(days)s after shipping."),
    }
    days = _days(rules.maturing.days)
    yield _say("maturing", maturing[rules.maturing.rule], days=days)
    count = rules.expiry.count
    match rules.expiry.policy:
        case ExpiryPolicy.NEVER:
            yield _say("expiry", _("Points never expire."))
        case ExpiryPolicy.DAYS:
            yield _say("expiry", _("Points expire after %(days)s."), days=_days(count))
        case ExpiryPolicy.INACTIVITY:
            message = _("Points expire after %(days)s without activity.")
            yield _say("expiry", message, days=_days(count))
        case ExpiryPolicy.END_OF_MONTH if not count:
            yield _say("expiry", _("Points expire at the end of the month they are earned in."))
        case ExpiryPolicy.END_OF_YEAR if not count:
            yield _say("expiry", _("Points expire at the end of the year they are earned in."))
        case ExpiryPolicy.END_OF_MONTH:
            months = ngettext("%(number)s month later", "%(number)s months later", count)
            message = _("Points expire %(months)s, at the end of the month.")
            yield _say("expiry", message, months=counted(count, months))
        case ExpiryPolicy.END_OF_YEAR:
            years = ngettext("%(number)s year later", "%(number)s years later", count)
            message = _("Points expire %(years)s, at the end of the year.")
            yield _say("expiry", message, years=counted(count, years))


def _redeeming(rules: ProgramRules) -> Iterator[Sentence]:
    limits = rules.redemption
    if not limits.is_enabled:
        yield _say("redemption", _("Points cannot be spent at checkout."))
        return
    blocks: Value = ""
    if limits.block_points > 1:
        blocks = phrase(_(", in steps of %(points)s"), points=_points(limits.block_points))
    share: Value = ""
    if limits.order_share_max < 1:
        percent = decimal_text(limits.order_share_max * 100)
        share = phrase(_(", for up to %(percent)s %% of the goods"), percent=percent)
    yield _say(
        "redemption",
        _("Points can be spent at checkout from %(points)s on%(blocks)s%(share)s."),
        points=_points(limits.minimum_points),
        blocks=blocks,
        share=share,
    )
    for period, limit, said in (
        ("day", limits.points_per_day_max, _("At most %(points)s can be spent in a day.")),
        ("month", limits.points_per_month_max, _("At most %(points)s can be spent in a month.")),
    ):
        if limit is not None:
            yield _say(f"redemption.points_per_{period}_max", said, points=_points(limit))
    if rules.deficit is DeficitPolicy.DEFICIT:
        message = _("Points of returned goods that were spent already are repaid by later points.")
    else:
        message = _("Points of returned goods that were spent already are written off.")
    yield _say("deficit", message)


def _climbing(rules: ProgramRules) -> Iterator[Sentence]:
    ladder = rules.ladder
    if not ladder.tiers:
        return
    metrics = {
        Metric.SPEND: _("the money spent"),
        Metric.ORDERS: _("the orders"),
        Metric.POINTS: _("the points earned"),
    }
    months = ngettext(
        "in the last %(number)s month", "in the last %(number)s months", ladder.window_months
    )
    windows = {
        Window.LIFETIME: phrase(_("since joining")),
        Window.CALENDAR_YEAR: phrase(_("in a calendar year")),
        Window.ROLLING_MONTHS: counted(ladder.window_months, months),
        Window.MEMBERSHIP_YEAR: phrase(_("in a year of membership")),
    }
    yield _say(
        "tiers.metric",
        _("Tiers count %(metric)s %(window)s, less what was returned."),
        metric=phrase(metrics[ladder.metric]),
        window=windows[ladder.window],
    )
    if ladder.window is Window.LIFETIME:
        return
    falls = {
        Downgrade.ONE_STEP: _(
            "A tier is valid to the end of the next period; a member who does not reach it any "
            "more then falls by one tier%(grace)s."
        ),
        Downgrade.RECOMPUTE: _(
            "A tier is valid to the end of the next period; a member who does not reach it any "
            "more then falls to the tier that is reached%(grace)s."
        ),
    }
    grace: Value = ""
    if ladder.grace_days:
        grace = phrase(_(", after %(days)s of grace"), days=_days(ladder.grace_days))
    yield _say("tiers.downgrade", falls[ladder.downgrade], grace=grace)


def _tier(tier: Tier, rules: ProgramRules, exponents: Mapping[str, int]) -> Sentence:
    metric = rules.ladder.metric
    threshold: Value
    if metric is Metric.SPEND:
        currency = rules.reference_currency
        threshold = money_text(tier.threshold, currency, exponents[currency])
    elif metric is Metric.POINTS:
        threshold = _points(tier.threshold)
    else:
        orders = ngettext("%(number)s order", "%(number)s orders", tier.threshold)
        threshold = counted(tier.threshold, orders)
    return _say(
        f"tiers.{tier.slug}",
        _("%(name)s, from %(threshold)s on: %(benefits)s.")
        if tier.threshold
        else _("%(name)s, every member from the start: %(benefits)s."),
        name=tier.name,
        threshold=threshold,
        benefits=tuple(_benefits(tier, exponents)) or phrase(_("no benefits yet")),
    )


def _benefits(tier: Tier, exponents: Mapping[str, int]) -> Iterator[Phrase]:
    for benefit in tier.prices:
        yield _price(benefit, exponents)
    if tier.has_free_shipping:
        yield phrase(_("free shipping"))
    if tier.earn_multiplier != 1:
        factor = decimal_text(tier.earn_multiplier)
        yield phrase(_("%(factor)s times the points"), factor=factor)
    if tier.return_window_days is not None:
        yield phrase(_("returns within %(days)s"), days=_days(tier.return_window_days))
    if tier.maturing_days == 0:
        yield phrase(_("points without waiting"))
    elif tier.maturing_days is not None:
        yield phrase(_("points wait %(days)s at most"), days=_days(tier.maturing_days))
    for name, value in tier.perks:
        yield phrase(_("%(name)s: %(value)s"), name=name.replace("_", " "), value=value)


def _price(benefit: PriceBenefit, exponents: Mapping[str, int]) -> Phrase:
    goods = _goods(benefit.selection)
    if benefit.percent is not None:
        percent = f"{benefit.percent:f}"
        return phrase(_("%(percent)s %% off %(goods)s"), percent=percent, goods=goods)
    amounts = " / ".join(
        money_text(minor, currency, exponents[currency]) for currency, minor in benefit.amount_minor
    )
    return phrase(_("%(amounts)s off each of %(goods)s"), amounts=amounts, goods=goods)
