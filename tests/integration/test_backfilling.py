"""Past orders: what is simulated, what is planned, what is booked, and what is taken back."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from saleor_retention import models
from saleor_retention.engine.facts import OrderState
from saleor_retention.engine.history import Reason, Setting, replay
from saleor_retention.engine.parsing import parse_program
from saleor_retention.engine.tally import Share, Tally
from saleor_retention.errors import Code, Refusal
from saleor_retention.host.contract import ChannelFacts
from saleor_retention.models import (
    Account,
    AccountState,
    AuditEntry,
    Backfill,
    CustomerRollup,
    Lot,
    OrderRecord,
    Transaction,
)
from saleor_retention.selectors import digests
from saleor_retention.selectors.past import Scope
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.ledger import digesting, expiring, maturing, summing
from saleor_retention.services.ledger.replaying import replay as rebuilt
from saleor_retention.services.membership import members, tiering
from saleor_retention.services.moving import backfilling, unfilling
from saleor_retention.services.moving.backfilling import Part
from saleor_retention.services.ordering import settling
from saleor_retention.services.ordering.reconciling import reconcile
from saleor_retention.services.setting_up import programs, simulating
from saleor_retention.services.setting_up.simulating import Simulation, Trial
from tests import ledger, past
from tests.customers import wrong_rollups
from tests.fakes import CHANNEL, at, line, order
from tests.ledger import Shop
from tests.past import CAPPED, LAUNCH, NOW, PROGRAMS

pytestmark = pytest.mark.django_db

OLD = at("2025-06-01 10:00")
LADDER = {
    "metric": "spend",
    "ladder": [
        {"slug": "regular", "name": "Regular", "threshold": "0"},
        {"slug": "vip", "name": "VIP", "threshold": "100.00", "earn_multiplier": "2"},
    ],
}
MONEY = {"reference": {"currency": "USD"}}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """One point per dollar, twice as many from 100.00 on; the program began in 2026."""
    return ledger.open_shop(monkeypatch, LAUNCH, tiers=LADDER, **MONEY)


def work_of(shop: Shop, now: dt.datetime | None = NOW, **options: Any) -> backfilling.Work:
    """Return the work on all that was before the program."""
    shop.program.refresh_from_db()
    return backfilling.prepare(shop.program, now=now, **options)


def planned(shop: Shop, **options: Any) -> dict[str, Part]:
    """Return the plan by customer."""
    chunks = backfilling.plan(work_of(shop, **options))
    return {part.share.user_ref: part for chunk in chunks for part in chunk}


def applied(shop: Shop, name: str = "start", **options: Any) -> tuple[int, int]:
    """Book everything; return orders and points."""
    done = list(backfilling.apply(work_of(shop, **options), name))
    return sum(booked.orders for booked in done), sum(booked.points for booked in done)


def undone(shop: Shop, name: str = "start", now: dt.datetime = NOW) -> tuple[int, int]:
    """Take a batch back; return orders and points."""
    done = list(unfilling.undo(shop.program, name, now=now))
    return sum(item.orders for item in done), sum(item.points for item in done)


def simulated(shop: Shop) -> Simulation:
    """Run the shop's program over what was before it; return the finished simulation."""
    scope = Scope((CHANNEL,), None, LAUNCH)
    return Simulation(simulating.trial_of_program(shop.program.slug), scope, NOW)


def contents() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table of ours."""
    found = {}
    for model in vars(models).values():
        if isinstance(model, type) and hasattr(model, "objects"):
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT * FROM {model._meta.db_table} ORDER BY 1")
                found[model.__name__] = cursor.fetchall()
    return found


def buys(shop: Shop, user_ref: str, ref: str, amount: str, **facts: Any) -> None:
    """Let a customer have bought something before the program began."""
    created_at = facts.pop("created_at", OLD)
    goods = line("a", ledger.minor(amount))
    facts = {"user_ref": user_ref, "created_at": created_at, **facts}
    shop.host.put_order(order(ref, goods, **facts), changed_at=created_at)


# --- a channel that joins later -------------------------------------------------------------------


def test_a_channel_that_joins_a_running_program_brings_its_past(shop: Shop) -> None:
    """By a backfill and by nothing else; what comes after it joined earns by itself."""
    ann = shop.member("ann")
    user = str(ann.user_id)
    joins, later = at("2026-03-01"), at("2026-04-01")
    shop.host.shop_channels.append(ChannelFacts("2", "second", "Second", "USD"))
    for ref, channel, created_at in (
        ("first", "1", at("2026-02-01")),
        ("before", "2", at("2026-02-01")),
        ("after", "2", at("2026-03-02")),
    ):
        buys(shop, user, ref, "10.00", channel_ref=channel, created_at=created_at)
    programs.update_program(program=shop.program, channels=["1", "2"], now=joins)
    for ref in ("first", "before", "after"):
        settling.settle(order_ref=ref, now=later)
    assert set(OrderRecord.objects.values_list("order_ref", flat=True)) == {"first", "after"}
    assert ledger.balances(ann) == (20, 0, 0, 0)

    work = work_of(shop, later, channel_ref="2")
    assert (work.scope.channel_refs, work.scope.end_at) == (("2",), joins)
    assert [booked.orders for booked in backfilling.apply(work, "second")] == [1]

    assert ledger.balances(ann) == (30, 0, 0, 0)
    assert OrderRecord.objects.get(order_ref="before").backfill is not None
    with pytest.raises(Refusal, match="The channel joined at 2026-03-01 00:00 UTC; later orders"):
        work_of(shop, later, channel_ref="2", end_at=at("2026-03-02"))
    with pytest.raises(Refusal, match="does not run in this channel"):
        work_of(shop, later, channel_ref="3")
    with pytest.raises(Refusal, match="The program began at"):
        work_of(shop, later, channel_ref="1", end_at=at("2026-03-02"))


# --- agreement ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", [*PROGRAMS, CAPPED])
def test_simulation_plan_and_ledger_agree_to_the_point(
    name: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Per customer and in total: points, pending and expired ones, tiers."""
    # given
    shop = ledger.open_shop(monkeypatch, LAUNCH, **past.rules_of(name))
    refs = past.fill(shop, seed)

    # when
    simulation = simulated(shop)
    results = {
        result.share.user_ref: result.share for chunk in simulation.run() for result in chunk
    }
    plan = planned(shop)
    orders, points = applied(shop)

    # then
    assert set(results) == set(plan) == set(refs)
    for ref in refs:
        share, part = results[ref], plan[ref]
        assert replace(part.share, tier_before="") == share
        account = past.account_of(shop, ref)
        if account is None:
            assert not share.counted
            continue
        assert ledger.balances(account) == (share.available, share.pending, 0, 0)
        assert ledger.replayed(account) == ledger.balances(account)
        assert account.tier == share.tier
        for record in OrderRecord.objects.filter(account=account):
            (outcome,) = [o for o in share.counted if o.order.ref == record.order_ref]
            assert record.tier == (outcome.tier or "")
    tally = simulation.tally
    assert orders == tally.counted == OrderRecord.objects.count()
    assert points + tally.welcome == tally.points
    assert tally.points == sum(a.available + a.pending for a in Account.objects.all())
    assert tally.counted > 0
    assert breaches() == []


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_walk_is_what_living_through_it_gives(
    name: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each order settled on the day it came and the day it was paid earns in the same tier."""
    # given
    shop = ledger.open_shop(monkeypatch, past.FIRST - dt.timedelta(days=1), **past.rules_of(name))
    refs = [shop.customer(f"live{seed}-{number}") for number in range(4)]
    orders = past.random_orders(seed, refs)
    for ref in refs:
        first = min(facts.created_at for facts in orders if facts.user_ref == ref)
        shop.host.put_user(ref, joined_at=first)

    # when
    for moment, facts in _events(orders):
        _evaluate_until(moment, shop)
        shop.host.put_order(facts)
        settling.settle(order_ref=facts.ref, now=moment)

    # then
    rules = ledger.rules(shop.program)
    for ref in refs:
        own = [facts for facts in orders if facts.user_ref == ref]
        history = replay(own, Setting(rules, LAUNCH))
        for outcome in history.outcomes:
            record = OrderRecord.objects.get(order_ref=outcome.order.ref)
            assert record.tier == (outcome.tier or "")
            assert record.is_counted == outcome.is_counted
            assert record.earned - record.clawed == outcome.points
            assert record.spend_minor == outcome.spend_minor
        first = [outcome for outcome in history.outcomes if outcome.bonus]
        assert len(first) == min(1, rules.first_order_points * len([o for o in own if _counts(o)]))


def _counts(facts: Any) -> bool:
    return OrderRecord.objects.get(order_ref=facts.ref).is_counted


def _events(orders: list[Any]) -> list[tuple[dt.datetime, Any]]:
    """Return each order unpaid at its creation and as it is in the end at its payment."""
    events = []
    for facts in orders:
        unpaid = replace(facts, is_paid=False, paid_at=None, state=OrderState.OPEN)
        events.append((facts.created_at, 0, facts.ref, unpaid))
        paid_at = facts.paid_at if facts.is_paid else facts.created_at
        events.append((max(paid_at, facts.created_at), 1, facts.ref, facts))
    return [(event[0], event[3]) for event in sorted(events, key=lambda event: event[:3])]


def _evaluate_until(moment: dt.datetime, shop: Shop) -> None:
    """Let the hourly evaluation come by at every instant at which a tier was due."""
    grace = dt.timedelta(days=ledger.rules(shop.program).ladder.grace_days)
    while True:
        due = Account.objects.filter(tier_valid_until__lte=moment - grace)
        first = due.order_by("tier_valid_until").first()
        if first is None or not tiering.evaluate_due(first.tier_valid_until + grace).changed:
            return


def test_the_random_orders_reach_every_case() -> None:
    """Every tier, expired and pending points, every reason that lies in the orders themselves."""
    reached: set[str] = set()
    tally = Tally()
    for name in PROGRAMS:
        rules, _ = parse_program(past.rules_of(name), {"USD": 2, "EUR": 2})
        assert rules is not None
        for seed in range(4):
            orders = past.random_orders(seed, list("12345"))
            for user_ref in "12345":
                own = [facts for facts in orders if facts.user_ref == user_ref]
                outcomes = replay(own, Setting(rules, NOW)).outcomes
                tally.add(Share("1", outcomes, NOW))
                reached |= {outcome.tier or "" for outcome in outcomes}

    assert reached == {"regular", "silver", "gold"}
    assert min(tally.expired, tally.pending, tally.available, tally.first_order) > 0
    assert set(tally.reasons) == {
        Reason.NOT_PAID,
        Reason.CANCELED,
        Reason.RETURNED,
        Reason.ORIGIN,
        Reason.NO_RATE,
        Reason.TOO_SMALL,
        Reason.EXPIRED,
    }


def test_a_simulation_leaves_every_row_as_it_was(shop: Shop) -> None:
    """No table of ours has another row or another value afterwards."""
    past.fill(shop, 7)
    ann = shop.member("ann")
    shop.buys(ann, "now", "50.00", now=at("2026-01-05"))
    before = contents()

    for _ in simulated(shop).run():
        pass
    planned(shop)

    assert contents() == before
    assert any(rows for rows in before.values())


def test_tiers_that_are_climbed_in_the_past_multiply_what_comes_after(shop: Shop) -> None:
    """The third order earns twice; an order placed before the second was paid does not."""
    ann = shop.customer("ann")
    buys(shop, ann, "o1", "60.00", created_at=at("2025-01-01"))
    buys(shop, ann, "o2", "40.00", created_at=at("2025-02-01"), paid_at=at("2025-02-03"))
    buys(shop, ann, "o3", "10.00", created_at=at("2025-02-02"))
    buys(shop, ann, "o4", "10.00", created_at=at("2025-02-04"))

    (part,) = planned(shop).values()
    applied(shop)

    assert [(o.tier, o.points) for o in part.share.outcomes] == [
        ("regular", 60),
        ("regular", 40),
        ("regular", 10),
        ("vip", 20),
    ]
    account = past.account_of(shop, ann)
    assert account is not None
    assert (account.available, account.tier) == (130, "vip")
    assert Transaction.objects.filter(kind="earn").count() == 4


# --- what members have already --------------------------------------------------------------------


@pytest.fixture
def capped(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A hundred points for each member, ten to begin with, fifty for the first order."""
    earn = {**ledger.ONE_PER_DOLLAR["earn"], "points_per_member_max": 100}
    return ledger.open_shop(
        monkeypatch, LAUNCH, earn=earn, welcome_points=10, first_order_points=50
    )


def half_used(shop: Shop) -> tuple[Account, str]:
    """Let a member use half of the cap since launch, and another customer be as new as can be."""
    ann, bob = shop.member("ann", LAUNCH), shop.customer("bob")
    shop.buys(ann, "since", "50.00", now=at("2026-01-10"))
    for name, user_ref in (("a", str(ann.user_id)), ("b", bob)):
        buys(shop, user_ref, f"{name}1", "30.00", created_at=at("2025-03-01"))
        buys(shop, user_ref, f"{name}2", "40.00", created_at=at("2025-04-01"))
    assert ledger.balances(ann) == (10 + 50 + 50, 0, 0, 0)
    return ann, bob


def shares(simulation: Simulation) -> dict[str, Share]:
    """Run a simulation and return its shares by customer."""
    return {result.share.user_ref: result.share for chunk in simulation.run() for result in chunk}


def test_members_begin_from_what_they_have_used(capped: Shop) -> None:
    """Half of a cap, the welcome and the first order: simulated, planned and booked alike."""
    ann, bob = half_used(capped)

    found = shares(simulated(capped))
    plan = planned(capped)
    orders, points = applied(capped)

    own = found[str(ann.user_id)]
    assert [(o.order.ref, o.points) for o in own.outcomes] == [("a1", 30), ("a2", 20)]
    assert (own.welcome, own.first_order, own.points) == (0, 0, 50)
    assert (found[bob].welcome, found[bob].first_order, found[bob].points) == (10, 50, 130)
    assert {ref: part.share for ref, part in plan.items()} == found
    assert (orders, points + 10) == (4, sum(share.points for share in found.values()))
    assert ledger.balances(ann) == (110 + own.points, 0, 0, 0)
    assert breaches() == []


def test_another_program_begins_from_nothing(capped: Shop) -> None:
    """Nobody has used anything of a program that is not there; its next rules continue it."""
    ann, _ = half_used(capped)
    rules = ledger.rules(capped.program)
    scope = Scope((CHANNEL,), None, LAUNCH)
    more = replace(rules, earn_caps=replace(rules.earn_caps, per_member=110))

    new = shares(Simulation(Trial("other", rules, (CHANNEL,)), scope, NOW))
    continued = shares(Simulation(Trial("club", more, (CHANNEL,), capped.program), scope, NOW))

    user = str(ann.user_id)
    assert [outcome.points for outcome in new[user].outcomes] == [30, 40]
    assert (new[user].welcome, new[user].first_order, new[user].points) == (10, 50, 130)
    assert [outcome.points for outcome in continued[user].outcomes] == [30, 30]
    assert continued[user].points == 60


def test_orders_that_are_looked_at_are_computed_anew(capped: Shop) -> None:
    """Also those that are booked: they use nothing up before they come."""
    ann, _ = half_used(capped)
    trial = simulating.trial_of_program("club")

    since = shares(Simulation(trial, Scope((CHANNEL,), LAUNCH, NOW), NOW))[str(ann.user_id)]
    ever = shares(Simulation(trial, Scope((CHANNEL,), None, NOW), NOW))[str(ann.user_id)]

    assert [(o.points, o.bonus) for o in since.outcomes] == [(50, 50)]
    assert [(o.points, o.bonus) for o in ever.outcomes] == [(30, 50), (40, 0), (30, 0)]


def test_a_guests_order_counts_within_its_room(capped: Shop) -> None:
    """What it had beyond that is taken back and leaves others their room, in plan and ledger."""
    ann, _ = half_used(capped)
    OrderRecord.objects.filter(order_ref="since").update(earn_room=20)
    user = str(ann.user_id)

    assert shares(simulated(capped))[user].points == planned(capped)[user].share.points == 70
    applied(capped)
    assert OrderRecord.objects.get(order_ref="a2").earned == 40


def test_an_earlier_batch_counts_with_what_it_booked(capped: Shop) -> None:
    """Not with what its orders would bring under the rules of now."""
    ann = capped.member("ann", LAUNCH)
    for number in (1, 2):
        created_at = at(f"2025-0{number}-01")
        buys(capped, str(ann.user_id), f"o{number}", "40.00", created_at=created_at)
    applied(capped, "first", end_at=at("2025-01-02"))
    rates = {"USD": {"points": 2, "per": "1.00"}}
    capped.change_rules({"earn": {"rates": rates, "points_per_member_max": 100}}, NOW)

    (part,) = planned(capped).values()
    booked = applied(capped, "second")

    assert [(o.reason, o.points) for o in part.share.outcomes] == [(Reason.SETTLED, 0), (None, 60)]
    assert booked == (1, 60)


def test_who_has_left_gets_nothing_of_a_simulation_either(capped: Shop) -> None:
    """As the plan says."""
    ann, _ = half_used(capped)
    members.leave(capped.program, str(ann.user_id), now=NOW)

    share = shares(simulated(capped))[str(ann.user_id)]

    assert {outcome.reason for outcome in share.outcomes} == {Reason.NOT_A_MEMBER}
    assert planned(capped)[str(ann.user_id)].share == share


def test_a_simulation_as_a_backfill_looks_at_what_the_backfill_does(capped: Shop) -> None:
    """Orders from before the program, as of now; a program that is not there has no such time."""
    half_used(capped)
    plan = planned(capped, now=None)
    out = StringIO()

    call_command("retention_simulate", program="club", as_backfill=True, format="csv", stdout=out)

    rows = {row["user_id"]: row for row in csv.DictReader(StringIO(out.getvalue()))}
    assert {ref: int(row["points"]) for ref, row in rows.items()} == {
        ref: part.share.points for ref, part in plan.items()
    }
    assert sum(int(row["orders"]) for row in rows.values()) == 4


# --- what is left out -----------------------------------------------------------------------------


def test_orders_that_bring_nothing_are_counted_by_reason(shop: Shop) -> None:
    """Unpaid, canceled, returned, without a rate, tiny, of guests, of who has left."""
    ann, bob, eve = shop.customer("ann"), shop.customer("bob"), shop.customer("eve")
    shop.host.put_user(eve, is_confirmed=False)
    gone = members.member_of(shop.program, bob, now=LAUNCH)
    assert gone is not None
    members.leave(shop.program, bob, now=LAUNCH)
    buys(shop, ann, "o1", "10.00", is_paid=False)
    buys(shop, ann, "o2", "10.00", state=OrderState.CANCELED)
    buys(shop, ann, "o3", "10.00", refunded_minor=1000)
    buys(shop, ann, "o4", "10.00", currency="CHF")
    buys(shop, ann, "o5", "0.90")
    buys(shop, ann, "o6", "10.00")
    buys(shop, bob, "o7", "10.00")
    buys(shop, eve, "o8", "10.00")
    shop.host.put_order(order("o9", line("a", 1000), created_at=OLD))

    tally = Tally()
    for part in planned(shop).values():
        tally.add(part.share)
    simulation = simulated(shop)
    for _ in simulation.run():
        pass

    assert tally.reasons == {
        Reason.NOT_PAID: 1,
        Reason.CANCELED: 1,
        Reason.RETURNED: 1,
        Reason.NO_RATE: 1,
        Reason.TOO_SMALL: 1,
        Reason.NOT_A_MEMBER: 1,
        Reason.GUEST: 1,
    }
    assert simulation.tally.reasons[Reason.GUEST] == 2
    assert (simulation.guests, tally.orders, tally.counted, tally.points) == (1, 8, 3, 10)


def test_points_that_would_be_dead_are_not_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are told as expired; the order counts towards tiers, and no posting is made for it."""
    shop = ledger.open_shop(
        monkeypatch,
        LAUNCH,
        expiry={"policy": "days", "count": 100},
        tiers=LADDER,
        first_order_points=50,
        **MONEY,
    )
    ann = shop.customer("ann")
    buys(shop, ann, "old", "80.00", created_at=at("2025-01-01"))
    buys(shop, ann, "new", "30.00", created_at=at("2025-12-20"))

    (part,) = planned(shop).values()
    applied(shop)

    account = past.account_of(shop, ann)
    assert account is not None
    assert (part.share.points, part.share.expired, part.share.tier) == (30, 130, "vip")
    assert (account.available, account.tier) == (30, "vip")
    assert [(t.kind, t.order_ref) for t in Transaction.objects.all()] == [("earn", "new")]
    assert breaches() == []
    settling.settle(order_ref="old", now=NOW)
    assert ledger.balances(account) == (30, 0, 0, 0)


def test_only_who_has_enrolled_gets_points_where_that_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Though he enrolled long after the order; others get no account."""
    shop = ledger.open_shop(monkeypatch, LAUNCH, enrolment="opt_in")
    ann, bob = shop.customer("ann"), shop.customer("bob")
    buys(shop, ann, "o1", "10.00")
    buys(shop, bob, "o2", "10.00")
    members.enrol(shop.program, ann, now=at("2026-01-20"))

    assert applied(shop) == (1, 10)
    assert Account.objects.count() == 1


def test_reconcile_leaves_orders_from_before_the_program_alone(shop: Shop) -> None:
    """Also one that changes today: only a backfill books it."""
    ann = shop.customer("ann")
    buys(shop, ann, "o1", "10.00")
    shop.host.orders_changed_at["o1"] = at("2026-02-01")

    reconcile(NOW)

    assert OrderRecord.objects.count() == 0


@pytest.mark.parametrize(
    ("options", "code", "field"),
    [
        ({"end_at": at("2026-01-02")}, Code.INVALID, "to"),
        ({"start_at": at("2026-01-01")}, Code.INVALID, "from"),
        ({"version_number": 9}, Code.NOT_FOUND, "version"),
    ],
)
def test_work_that_makes_no_sense_is_refused(
    shop: Shop, options: dict[str, Any], code: Code, field: str
) -> None:
    """A time that reaches into the program's own, an empty one, an unknown version."""
    with pytest.raises(Refusal) as refused:
        work_of(shop, **options)

    assert (refused.value.code, refused.value.field) == (code, field)


def test_a_program_that_is_switched_off_is_refused(shop: Shop) -> None:
    """Nobody can join it."""
    models.Program.objects.update(is_active=False)

    with pytest.raises(Refusal) as refused:
        work_of(shop)

    assert refused.value.code is Code.PROGRAM_INACTIVE


def test_a_batch_name_stands_for_one_time_and_version(shop: Shop) -> None:
    """Another time under the same name is refused; so is a name that is empty or too long."""
    applied(shop)
    with pytest.raises(Refusal) as other_time:
        applied(shop, end_at=at("2025-07-01"))
    with pytest.raises(Refusal) as empty:
        applied(shop, " ")
    with pytest.raises(Refusal) as long:
        applied(shop, "x" * 65)

    assert other_time.value.code is Code.KEY_REUSED
    assert (empty.value.code, long.value.code) == (Code.REQUIRED, Code.INVALID)
    assert Backfill.objects.count() == 1


# --- again, after a kill, and afterwards ----------------------------------------------------------


def test_a_run_that_was_killed_is_gone_on_with(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a customer's orders: nothing of that customer stands; then all, once."""
    past.fill(shop, 11)
    expected = {ref: part.share for ref, part in planned(shop).items()}
    genuine, calls = settling.settle_past, []

    def dying(*args: Any, **kwargs: Any) -> None:
        calls.append(args)
        if len(calls) == 5:
            raise KeyboardInterrupt
        genuine(*args, **kwargs)

    monkeypatch.setattr(settling, "settle_past", dying)
    with pytest.raises(KeyboardInterrupt):
        applied(shop)
    between = OrderRecord.objects.count()
    monkeypatch.setattr(settling, "settle_past", genuine)
    state_between = Backfill.objects.get().state
    assert breaches() == []
    applied(shop)
    third = applied(shop)

    assert (state_between, Backfill.objects.get().state) == ("applying", "applied")
    assert 0 < between < 5
    assert third == (0, 0)
    for ref, share in expected.items():
        account = past.account_of(shop, ref)
        assert (account is not None) == bool(share.counted)
        if account is not None:
            assert ledger.balances(account) == (share.available, share.pending, 0, 0)
            assert account.tier == share.tier
    keys = [record.order_ref for record in OrderRecord.objects.all()]
    assert len(keys) == len(set(keys)) == sum(len(s.counted) for s in expected.values())
    assert breaches() == []


def test_caps_look_at_what_the_member_has_earned_since(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member's orders under the program leave the old ones what the cap still allows."""
    earn = {"rates": {"USD": {"points": 1, "per": "1.00"}}, "points_per_member_max": 100}
    shop = ledger.open_shop(monkeypatch, LAUNCH, earn=earn)
    ann = shop.member("ann")
    shop.buys(ann, "new", "70.00", now=NOW)
    buys(shop, str(ann.user_id), "old-1", "20.00")
    buys(shop, str(ann.user_id), "old-2", "50.00")

    outcomes = planned(shop)[str(ann.user_id)].share.outcomes
    assert [(item.points, item.reason) for item in outcomes] == [(20, None), (10, None)]
    assert applied(shop) == (2, 30)
    ann.refresh_from_db()
    assert ann.available == 100

    buys(shop, str(ann.user_id), "old-3", "50.00")
    (item,) = [o for o in planned(shop)[str(ann.user_id)].share.outcomes if o.order.ref == "old-3"]
    assert (item.points, item.reason) == (0, Reason.CAPPED)
    assert breaches() == []


def test_events_and_reconcile_do_not_earn_a_booked_order_again(shop: Shop) -> None:
    """The order is settled like any other from then on."""
    ann = shop.customer("ann")
    buys(shop, ann, "o1", "10.00")
    applied(shop)
    shop.host.orders_changed_at["o1"] = at("2026-02-09")

    settling.settle(order_ref="o1", now=NOW)
    reconcile(NOW)

    account = past.account_of(shop, ann)
    assert account is not None
    assert ledger.kinds(account) == ["earn"]
    assert ledger.balances(account) == (10, 0, 0, 0)


def test_a_refund_after_a_backfill_takes_the_points_back(shop: Shop) -> None:
    """In the tier that the order earned in, and the tier goes with the spend."""
    ann = shop.customer("ann")
    buys(shop, ann, "o1", "100.00", created_at=at("2025-01-01"))
    buys(shop, ann, "o2", "50.00", created_at=at("2025-02-01"))
    applied(shop)
    account = past.account_of(shop, ann)
    assert account is not None
    before = ledger.balances(account)

    shop.host.change_order("o2", refunded_minor=2500)
    settling.settle(order_ref="o2", now=NOW)
    after_part = ledger.balances(account)
    shop.host.return_units("o1", "a", 1)
    settling.settle(order_ref="o1", now=NOW)

    account.refresh_from_db()
    assert (before, after_part) == ((200, 0, 0, 0), (150, 0, 0, 0))
    assert (account.available, account.tier) == (50, "regular")
    assert breaches() == []


def test_points_that_wait_for_fulfilment_ripen_after_a_backfill(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pending in the plan and in the ledger; their life counts from then."""
    shop = ledger.open_shop(
        monkeypatch,
        LAUNCH,
        maturing={"rule": "on_fulfilment"},
        expiry={"policy": "days", "count": 30},
    )
    ann = shop.customer("ann")
    buys(shop, ann, "o1", "10.00")
    (part,) = planned(shop).values()
    applied(shop)
    account = past.account_of(shop, ann)
    assert account is not None
    before = ledger.balances(account)

    shop.host.change_order("o1", fulfilled_at=at("2026-02-11"))
    settling.settle(order_ref="o1", now=at("2026-02-11"))
    maturing.mature_due(at("2026-02-12"), 10)

    assert (part.share.pending, before) == (10, (0, 10, 0, 0))
    assert ledger.balances(account) == (10, 0, 0, 0)
    assert Lot.objects.get().expires_at == at("2026-03-14")


# --- undo -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROGRAMS)
def test_undo_takes_exactly_the_batch_back(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What else a member has stays; the ledger holds; nothing is earned again."""
    # given
    shop = ledger.open_shop(monkeypatch, LAUNCH, **past.rules_of(name))
    refs = past.fill(shop, 21)
    ann = members.member_of(shop.program, refs[0], now=LAUNCH)
    assert ann is not None
    bought = order("n1", line("a", 4000), user_ref=refs[0], created_at=at("2026-02-01"))
    shop.host.put_order(replace(bought, fulfilled_at=at("2026-02-01")))
    settling.settle(order_ref="n1", now=at("2026-02-01"))
    before = ledger.balances(ann)
    _, points = applied(shop)
    time_zone = ledger.rules(shop.program).time_zone
    sums = [wrong_rollups(shop.program, time_zone), CustomerRollup.objects.count()]

    # when
    first = undone(shop)
    second = undone(shop)
    for ref in shop.host.orders:
        shop.host.orders_changed_at[ref] = NOW
    reconcile(NOW + dt.timedelta(minutes=1))

    # then
    assert points > 0
    assert sums[0] == []
    assert sums[1] > 1  # customers are summed up with the orders that a batch brings ...
    assert wrong_rollups(shop.program, time_zone) == []
    assert set(CustomerRollup.objects.values_list("account_id", flat=True)) == {ann.pk}  # ... in
    assert first == (OrderRecord.objects.filter(backfill__isnull=False).count(), points)
    assert second == (0, 0)
    assert ledger.balances(ann) == before
    welcome = ledger.rules(shop.program).welcome_points
    for account in Account.objects.exclude(pk=ann.pk):
        assert ledger.balances(account) == (welcome, 0, 0, 0)
        assert account.tier == "regular"
    assert Backfill.objects.get().state == "undone"
    assert breaches() == []
    assert list(rebuilt()) == []


def test_undo_leaves_spent_points_to_the_deficit_policy_and_expired_ones_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of 30 points 10 were spent and 20 expired: the member owes 10."""
    shop = ledger.open_shop(monkeypatch, LAUNCH, expiry={"policy": "days", "count": 250})
    ann, bob = shop.customer("ann"), shop.customer("bob")
    buys(shop, ann, "o1", "30.00")
    buys(shop, bob, "o2", "7.00", created_at=at("2025-12-31"))
    applied(shop, now=at("2026-01-10"))
    ledger.spend(Lot.objects.get(order_ref="o1"), 10, at("2026-01-11"))
    expiring.expire_due(at("2026-03-01"), 10)

    result = undone(shop, now=at("2026-03-02"))

    accounts = [past.account_of(shop, ref) for ref in (ann, bob)]
    assert result == (2, 17)
    assert [ledger.balances(account) for account in accounts if account] == [
        (0, 0, 0, 10),
        (0, 0, 0, 0),
    ]
    assert breaches() == []


def test_undo_of_first_order_points_that_have_expired_takes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor does a cancellation of that order afterwards."""
    shop = ledger.open_shop(
        monkeypatch, LAUNCH, expiry={"policy": "days", "count": 60}, first_order_points=40
    )
    ann = shop.customer("ann")
    buys(shop, ann, "o1", "30.00", created_at=at("2025-12-31"))
    applied(shop)
    account = past.account_of(shop, ann)
    assert account is not None
    had = ledger.balances(account)

    result = undone(shop, now=at("2026-06-01"))
    shop.host.change_order("o1", state=OrderState.CANCELED)
    settling.settle(order_ref="o1", now=at("2026-06-02"))

    assert (had, result) == ((70, 0, 0, 0), (1, 0))
    assert ledger.balances(account) == (0, 0, 0, 0)
    assert breaches() == []


def test_an_undo_that_was_killed_is_gone_on_with(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member is taken back whole or not at all."""
    past.fill(shop, 31)
    applied(shop)
    genuine, calls = tiering.after_order, []

    def dying(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return genuine(*args, **kwargs)

    monkeypatch.setattr(tiering, "after_order", dying)
    with pytest.raises(KeyboardInterrupt):
        undone(shop)
    left = OrderRecord.objects.filter(may_earn=True).count()
    with pytest.raises(Refusal) as refused:
        applied(shop)
    monkeypatch.setattr(tiering, "after_order", genuine)
    undone(shop)

    assert 0 < left < OrderRecord.objects.count()
    assert refused.value.code is Code.INVALID
    assert {ledger.balances(account) for account in Account.objects.all()} == {(0, 0, 0, 0)}
    assert breaches() == []


def test_undo_of_an_unknown_batch_is_refused(shop: Shop) -> None:
    """It names the batch."""
    with pytest.raises(Refusal, match="nothing"):
        undone(shop, "nothing")


def test_a_member_who_was_erased_owes_nothing_by_an_undo(shop: Shop) -> None:
    """The open balance became breakage already."""
    ann = shop.customer("ann")
    buys(shop, ann, "o1", "10.00")
    applied(shop)
    account = past.account_of(shop, ann)
    assert account is not None
    ledger.spend(Lot.objects.get(), 10, NOW)
    Account.objects.update(state=AccountState.ERASED, user=None)

    assert undone(shop) == (1, 0)
    assert ledger.balances(account) == (0, 0, 0, 0)


def test_a_name_stands_for_one_channel(shop: Shop) -> None:
    """Orders of another are refused under it, and so are those of all."""
    shop.host.shop_channels.append(ChannelFacts("2", "second", "Second", "USD"))
    programs.update_program(program=shop.program, channels=["1", "2"], now=NOW)
    buys(shop, shop.customer("ann"), "o1", "10.00", channel_ref="1")
    span = {"end_at": LAUNCH}

    assert applied(shop, channel_ref="1", **span) == (1, 10)
    for other in ({"channel_ref": "2"}, {}):
        with pytest.raises(Refusal, match="of another time, channel or version") as refused:
            applied(shop, **other, **span)
        assert (refused.value.code, refused.value.field) == (Code.KEY_REUSED, "batch")
    assert applied(shop, channel_ref="1", **span) == (0, 0)
    assert Backfill.objects.get().channel_ref == "1"


def test_the_audit_trail_tells_of_both_ways(shop: Shop) -> None:
    """That a run begins, and what it did; a second undo does nothing and says nothing."""
    buys(shop, shop.customer("ann"), "o1", "10.00")
    applied(shop)
    undone(shop)
    undone(shop)

    entries = AuditEntry.objects.filter(program=shop.program).order_by("pk")
    assert [(entry.action, *entry.changes) for entry in entries] == [
        ("backfill_apply", "start: begins"),
        ("backfill_apply", "start: ends: 1 orders are booked, 10 points"),
        ("backfill_undo", "start: begins"),
        ("backfill_undo", "start: ends: 1 orders, 10 points are taken back"),
    ]


# --- longer than a day ----------------------------------------------------------------------------


def test_a_run_over_days_adds_nothing_to_a_day_that_was_sealed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither applied nor undone: what is booked after the sealing is dated after it."""
    for name in ("ann", "bob"):
        buys(shop, shop.customer(name), f"of-{name}", "10.00")
    turn = past.clock_of_days(monkeypatch, *[NOW + dt.timedelta(days=day) for day in range(4)])
    monkeypatch.setattr(backfilling.past, "customers", partial(backfilling.past.customers, size=1))
    monkeypatch.setattr(unfilling, "ACCOUNTS_AT_ONCE", 1)

    for first, steps in ((0, backfilling.apply(work_of(shop, None), "start")), (2, _undo(shop))):
        for number in (first, first + 1):
            turn(number)
            assert next(steps).orders == 1
            digesting.seal_due()
            assert not summing.sum_due()
        assert list(steps) == []

    recorded = Transaction.objects.filter(kind__in=("earn", "clawback")).order_by("pk")
    days = [day - NOW for day in recorded.values_list("recorded_at", flat=True)]
    assert days == [dt.timedelta(days=number) for number in range(4)]
    batch = Backfill.objects.get()
    assert (batch.began_at, batch.applied_at) == (NOW, NOW + dt.timedelta(days=1))
    assert batch.undone_at == NOW + dt.timedelta(days=3)
    digesting.seal_due(NOW + dt.timedelta(days=9))
    assert digests.verify(now=NOW + dt.timedelta(days=9)).differences == ()
    assert summing.differences(shop.program) == []
    assert breaches() == []


def _undo(shop: Shop) -> Iterator[unfilling.Undone]:
    return unfilling.undo(shop.program, "start")


# --- comparison -----------------------------------------------------------------------------------


def test_a_comparison_names_who_gains_and_who_loses(shop: Shop) -> None:
    """Under a program with twice the points from 100.00 on, against a flat one with a bonus."""
    ann, bob = shop.customer("ann"), shop.customer("bob")
    buys(shop, ann, "o1", "100.00", created_at=at("2025-01-01"))
    buys(shop, ann, "o2", "50.00", created_at=at("2025-02-01"))
    buys(shop, bob, "o3", "20.00")
    trial = simulating.trial_of_program("club")
    flat = replace(trial.rules, first_order_points=5, ladder=type(trial.rules.ladder)())
    rival = simulating.Trial("flat", flat, trial.channel_refs)
    simulation = Simulation(trial, Scope((CHANNEL,), None, LAUNCH), NOW, rival)

    for _ in simulation.run():
        pass

    assert [(r.share.user_ref, r.gain) for r in simulation.winners.results()] == [(ann, 45)]
    assert [(r.share.user_ref, r.gain) for r in simulation.losers.results()] == [(bob, -5)]
    assert simulation.tier_changes == {("", "regular"): 1, ("", "vip"): 1}
    assert [r.share.user_ref for r in simulation.top.results()] == [ann, bob]
    assert dict(simulation.tally.issued) == {
        ("2025-01", "USD"): 100,
        ("2025-02", "USD"): 100,
        ("2025-06", "USD"): 20,
    }
