"""The liability report against the ledger that the services write, and against itself.

Each statement of ``sql/liability`` is held against the engine's function on random ledgers, and the
whole report against a plain loop over the entries.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from saleor_retention.engine import liability as engine
from saleor_retention.engine.liability import EntryFacts, Movement, OpenLot, Orders, Step
from saleor_retention.engine.liability_report import Report, Standing
from saleor_retention.engine.periods import local_date
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, Book, Entry, LedgerSum, Lot, OrderRecord
from saleor_retention.selectors import liability as selector
from saleor_retention.selectors.liability import PERIODS_MAX, liability
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ledger import expiring, granting, maturing, summing
from saleor_retention.services.membership import erasing
from saleor_retention.services.ordering import reconciling, settling
from tests import ledger
from tests.carts import Cart
from tests.fakes import at, line, order
from tests.ledger import Shop
from tests.threads import at_once

pytestmark = pytest.mark.django_db

ZONE = "America/New_York"
IN_BOTH = {"rates": {name: {"points": 1, "per": "1.00"} for name in ("USD", "EUR")}}
REFERENCE = {"currency": "USD", "rates": {"EUR": "1.10"}}
START = dt.date(2026, 3, 1)
PROGRAMS: dict[str, dict[str, Any]] = {
    "for ever, owed": {"time_zone": ZONE, "welcome_points": 20},
    "waits, dies, owed": {
        "time_zone": ZONE,
        "maturing": {"rule": "days_after_payment", "days": 3},
        "expiry": {"policy": "days", "count": 6, "restore_grace_days": 2},
    },
    "fulfilled, dies, written off": {
        "time_zone": "Europe/Paris",
        "maturing": {"rule": "days_after_fulfilment", "days": 1},
        "expiry": {"policy": "days", "count": 5, "restore_grace_days": 1},
        "deficit": {"policy": "write_off"},
        "first_order_points": 15,
        "earn": {"rates": {name: {"points": 1, "per": "1"} for name in ("USD", "JPY")}},
        "point_value": {"USD": "0.015", "JPY": "1.5"},
    },
}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A point for a dollar, a point being a cent, days in UTC."""
    return ledger.open_shop(monkeypatch)


class Walk:
    """Two members and a guest, to whom things happen; the news of them may come days late."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop = shop
        self.dice = random.Random(seed)  # noqa: S311
        self.now = at("2026-03-01 10:00")
        self.members = [shop.member(name, self.now) for name in ("ann", "bob", "eve")]
        self.orders: list[str] = []
        self.late: list[str] = []  # orders whose events have not come yet
        self.carts = 0

    def step(self) -> None:
        """Let some time pass and one thing happen."""
        self.now += dt.timedelta(hours=self.dice.choice([0, 1, 5, 26, 60]))
        actions: list[Callable[[], None]] = [
            self.buy, self.buy, self.buy_with_points, self.hold, self.refund, self.give_back,
            self.grant, self.adjust, self.sweep, self.hear, self.be_a_guest, self.erase,
            self.sum_up,
        ]  # fmt: skip
        try:
            self.dice.choice(actions)()
        except Refusal:
            return

    def put(self, member: Account) -> str:
        """Place a paid order, whose events come now or later."""
        ref = f"o{len(self.orders)}"
        self.orders.append(ref)
        lines = [line(name, self.dice.randint(100, 6000)) for name in "ab"]
        user = str(member.user_id)
        self.shop.host.put_order(order(ref, *lines, user_ref=user, created_at=self.now))
        return ref

    def buy(self) -> None:
        """Buy; every third time the news is late."""
        ref = self.put(self.dice.choice(self.members[:2]))
        if self.dice.random() < 0.3:
            self.late.append(ref)
        else:
            self.shop.settle(ref, self.now)

    def hear(self) -> None:
        """Get all the news that is late."""
        while self.late:
            settling.settle(order_ref=self.late.pop(), now=self.now)

    def be_a_guest(self) -> None:
        """Order as a guest."""
        ref = f"o{len(self.orders)}"
        self.orders.append(ref)
        facts = {"user_ref": None, "email": "guest@example.com", "created_at": self.now}
        self.shop.host.put_order(order(ref, line("a", 2500), **facts))
        self.shop.settle(ref, self.now)

    def cart(self) -> Cart:
        """Put points on a new cart."""
        self.carts += 1
        cart = Cart(self.shop, self.dice.choice(self.members[:2]), f"cart-{self.carts}")
        cart.redeem(self.dice.randint(1, 60), self.now)
        return cart

    def buy_with_points(self) -> None:
        """Pay an order partly with points."""
        cart = self.cart()
        ref = f"o{len(self.orders)}"
        cart.complete(ref, "20.00", "15.00", now=self.now)
        self.orders.append(ref)
        self.shop.settle(ref, self.now)

    def hold(self) -> None:
        """Put points on a cart and leave it, or let the carts' time pass."""
        if self.dice.random() < 0.5:
            self.cart()
        else:
            redeeming.lapse_due(self.now)

    def refund(self) -> None:
        """Refund more or less than before."""
        if self.orders:
            ref = self.dice.choice(self.orders)
            total = self.shop.host.orders[ref].total_minor
            part = self.dice.choice([0, total // 5, total // 2, total])
            self.shop.host.change_order(ref, refunded_minor=part)
            self.shop.settle(ref, self.now)

    def give_back(self) -> None:
        """Return a line, send the rest."""
        if self.orders:
            ref = self.dice.choice(self.orders)
            self.shop.host.return_units(ref, "a", self.dice.choice([0, 1]))
            self.shop.host.change_order(ref, fulfilled_at=self.now)
            self.shop.settle(ref, self.now)

    def grant(self) -> None:
        """Goodwill."""
        self.by_hand(self.dice.randint(1, 40))

    def adjust(self) -> None:
        """A correction down."""
        self.by_hand(-self.dice.randint(1, 20))

    def by_hand(self, points: int) -> None:
        """Give or take points."""
        granting.adjust(
            account_id=self.dice.choice(self.members).pk,
            points=points,
            reason="a test needs it",
            actor_ref="user:1",
            key=str(self.dice.random()),
            now=self.now,
        )

    def sweep(self) -> None:
        """Run the jobs of time."""
        maturing.mature_due(self.now)
        expiring.expire_due(self.now)

    def sum_up(self) -> None:
        """Sum the days up that are over; what is reported may not change by it."""
        summing.sum_due(self.now)

    def erase(self) -> None:
        """Delete the third customer, once, and erase him."""
        Account.objects.filter(pk=self.members[2].pk).update(user=None)
        erasing.erase_deleted(now=self.now)

    def report(self, step: Step = Step.DAY, rate: Fraction = Fraction(1)) -> Report:
        """Return the report from the first day to today."""
        zone = ledger.rules(self.shop.program).time_zone
        return liability(
            self.shop.program,
            first_day=START,
            last_day=max(START, local_date(self.now, zone)),
            step=step,
            rate=rate,
            now=self.now,
        )


def facts(shop: Shop) -> list[EntryFacts]:
    """Return every entry of the program with what the engine wants to know of it."""
    rows = Entry.objects.filter(transaction__program=shop.program).select_related("transaction")
    heard: dict[int, dt.datetime] = {}
    for row in rows.order_by("pk"):
        heard.setdefault(row.lot_id, row.transaction.recorded_at)
    return [
        EntryFacts(
            row.transaction.kind,
            row.book,
            row.points,
            row.transaction.effective_at,
            row.transaction.recorded_at,
            row.transaction.rule_key,
            row.transaction.cause,
            heard[row.lot_id] if row.lot_id else None,
        )
        for row in rows
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rules", PROGRAMS.values(), ids=PROGRAMS)
def test_the_report_is_what_a_loop_over_the_ledger_gives(
    monkeypatch: pytest.MonkeyPatch, rules: dict[str, Any], seed: int
) -> None:
    """Each statement against the engine, and the whole against a loop without either."""
    walk = Walk(ledger.open_shop(monkeypatch, **rules), seed)
    for _ in range(40):
        walk.step()
    walk.sweep()
    summing.sum_due(walk.now)
    assert LedgerSum.objects.exists()
    found = walk.report()
    spans = [period.span for period in found.ledger.periods]
    entries = facts(walk.shop)

    assert selector._sums(walk.shop.program, spans, found.time_zone) == engine.sums_of(
        entries, engine.boundaries(spans)
    )
    assert found.breaches() == []
    for period in found.ledger.periods:
        mine = [entry for entry in entries if engine.booked_at(entry) < period.span.end_at]
        held = sum(entry.points for entry in mine if entry.book in engine.MEMBER_BOOKS)
        assert period.closing == held
        for movement, book, kinds in (
            (Movement.EARNED, Book.ISSUANCE, {"earn"}),
            (Movement.EXPIRED, Book.BREAKAGE, {"expire", "restore"}),
            (Movement.WRITTEN_OFF, Book.WRITE_OFF, {"clawback", "restore", "revoke", "erase"}),
            (Movement.ADJUSTED, Book.ADJUSTMENT, {"adjust"}),
        ):
            assert period.movements.get(movement, 0) == -sum(
                entry.points
                for entry in mine
                if entry.book == book
                and entry.kind in kinds
                and engine.booked_at(entry) >= period.span.start_at
            )
        assert Movement.OTHER not in period.movements
    kept = [ledger.balances(account) for account in Account.objects.all()]
    assert found.standing == Standing(*(sum(column) for column in zip(*kept, strict=True)))
    assert found.ledger.total == found.ledger.periods[-1].closing


@pytest.mark.parametrize("seed", range(3))
def test_lots_by_month_are_what_a_loop_gives(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """The statement against the engine, lot by lot, on lots that die anywhere or never."""
    shop = ledger.open_shop(monkeypatch)
    dice = random.Random(seed)  # noqa: S311
    ann = shop.member("ann")
    now = at("2026-03-10 12:00")
    for _ in range(30):
        lot = ledger.give(
            ann,
            dice.randint(5, 50),
            valid_from=dice.choice([None, now + dt.timedelta(days=1), ledger.LAUNCH]),
            expires_at=dice.choice(
                [None, at("2026-04-01 00:00"), now + dt.timedelta(hours=dice.randint(1, 60_000))]
            ),
        )
        if not lot.is_pending and dice.random() < 0.5:
            ledger.move(lot, dice.randint(1, 5), Book.AVAILABLE, Book.HELD, now=now)
    bounds = engine.month_bounds(engine.months_from(now.date(), 24), "UTC")

    assert dict(selector._schedule(shop.program, bounds, now)) == engine.parts_of(
        [
            OpenLot(lot.remaining, lot.held, is_pending=lot.is_pending, expires_at=lot.expires_at)
            for lot in Lot.objects.all()
        ],
        bounds,
    )


@pytest.mark.parametrize(
    "rate", [Fraction(1), Fraction(17, 20), Fraction("0.333"), Fraction(10**12 + 1, 10**13)]
)
def test_revenue_put_aside_is_what_a_loop_gives(
    monkeypatch: pytest.MonkeyPatch, rate: Fraction
) -> None:
    """Order by order with the engine's rounding, in the period it was paid in."""
    shop = ledger.open_shop(monkeypatch, **PROGRAMS["fulfilled, dies, written off"])
    shop.change_rules({"reference": {"currency": "USD"}}, ledger.LAUNCH)
    walk = Walk(shop, 5)
    for _ in range(40):
        walk.step()
    large = OrderRecord.objects.filter(is_counted=True, earned__gt=0).order_by("pk").first()
    assert large is not None
    OrderRecord.objects.filter(pk=large.pk).update(spend_minor=3 * 10**15, earned=10**12)
    bounds = [at("2026-03-03 00:00"), at("2026-03-10 00:00"), walk.now]
    rules = ledger.rules(shop.program)
    expected: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for record in OrderRecord.objects.filter(is_counted=True, paid_at__lt=bounds[-1]):
        points, price = record.earned - record.clawed, record.spend_minor
        if points > 0 and price > 0:
            row = expected[sum(bound <= record.paid_at for bound in bounds)]
            part = engine.deferred(price, price, points, rules.point_values["USD"], rate)
            row[:] = [row[0] + 1, row[1] + price, row[2] + points, row[3] + part]

    found = selector._orders(shop.program, bounds, rules, "USD", rate)
    assert found == {place: Orders(*row) for place, row in expected.items()}
    assert sum(orders.deferred_minor for orders in found.values()) > 0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rules", PROGRAMS.values(), ids=PROGRAMS)
def test_a_final_day_never_changes(
    monkeypatch: pytest.MonkeyPatch, rules: dict[str, Any], seed: int
) -> None:
    """Whatever news comes late and whenever jobs run: each report repeats what was final before."""
    walk = Walk(ledger.open_shop(monkeypatch, **rules), seed + 10)
    final: dict[dt.date, tuple[Any, ...]] = {}
    for _ in range(35):
        walk.step()
        report = walk.report()
        assert report.breaches() == []
        for period in report.ledger.periods:
            if period.span.is_final(walk.now):
                seen = (period.opening, dict(period.movements), period.late, period.closing)
                assert final.setdefault(period.span.first_day, seen) == seen
    assert len(final) > 5


@pytest.mark.parametrize("seed", range(4))
def test_jobs_that_have_not_run_change_nothing(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """What is true by time is in the report at its instant; posting it changes no figure of it."""
    rules = PROGRAMS["waits, dies, owed"]
    walk = Walk(ledger.open_shop(monkeypatch, **rules), seed + 30)
    walk.sweep = lambda: None  # type: ignore[method-assign]
    for _ in range(40):
        walk.step()
    walk.shop.settle(walk.put(walk.members[0]), walk.now)  # something is due, whatever was drawn
    walk.now += dt.timedelta(days=4)
    before = walk.report()
    count = Entry.objects.count()
    maturing.mature_due(walk.now)
    expiring.expire_due(walk.now)

    assert Entry.objects.count() > count
    assert walk.report() == before


@pytest.mark.parametrize(
    ("day", "standing", "expired"),
    [(1, Standing(0, 80, 0, 30), 0), (2, Standing(50, 0, 0, 0), 0), (4, Standing(20), -30)],
)
def test_points_that_ripen_unseen_repay_what_is_owed(
    shop: Shop, day: int, standing: Standing, expired: int
) -> None:
    """Of 60 and 20 pending points 30 repay a deficit; of the one that dies, what is left dies."""
    ann = shop.member("ann")
    ripe = ledger.LAUNCH + dt.timedelta(days=1)
    ledger.owe(ann, 30)
    for points, dies in ((60, ripe + dt.timedelta(days=2)), (20, None)):
        ledger.give(ann, points, valid_from=ripe, expires_at=dies)
    now = ledger.LAUNCH + dt.timedelta(days=day) - dt.timedelta(hours=1)
    asked = {"first_day": ledger.LAUNCH.date(), "last_day": now.date(), "now": now}
    before = liability(shop.program, **asked)
    maturing.mature_due(now)
    expiring.expire_due(now)

    assert before.breaches() == []
    assert before.standing == standing
    assert sum(p.movements.get(Movement.EXPIRED, 0) for p in before.ledger.periods) == expired
    assert liability(shop.program, **asked) == before


def test_a_receipt_of_last_week_comes_into_today(shop: Shop) -> None:
    """The day it was paid on is final; today shows it, and says that it is late."""
    ann = shop.member("ann")
    day = {"first_day": dt.date(2026, 3, 1), "last_day": dt.date(2026, 3, 1)}
    before = liability(shop.program, **day, now=at("2026-03-08 10:00"))
    shop.host.put_order(
        order("o1", line("a", 5000), user_ref=str(ann.user_id), created_at=at("2026-03-01 10:00"))
    )
    shop.settle("o1", at("2026-03-08 10:00"))
    after = liability(
        shop.program,
        first_day=dt.date(2026, 3, 1),
        last_day=dt.date(2026, 3, 8),
        now=at("2026-03-08 11:00"),
    )

    assert after.ledger.periods[0] == before.ledger.periods[0]
    today = after.ledger.periods[-1]
    assert (today.movements, today.late, today.closing) == ({Movement.EARNED: 50}, 50, 50)


def test_other_programs_are_left_out(shop: Shop) -> None:
    """Every statement asks for one program."""
    from saleor_retention.models import Program

    other = Program.objects.create(slug="other", name="Other", created_at=ledger.LAUNCH)
    ledger.add_version(other, ledger.ONE_PER_DOLLAR, ledger.LAUNCH)
    ledger.give(shop.member("ann"), 70)
    report = liability(other, first_day=START, last_day=START, now=at("2026-03-01 12:00"))

    assert (report.ledger.total, report.standing, report.schedule) == (0, Standing(), ())
    assert report.breaches() == []


def test_a_balance_that_was_tampered_with_is_named(shop: Shop) -> None:
    """The entries say one thing, the kept balance another, the lots a third."""
    ann = shop.member("ann")
    ledger.give(ann, 70)
    Account.objects.filter(pk=ann.pk).update(available=71)
    report = liability(shop.program, first_day=START, last_day=START, now=at("2026-03-01 12:00"))

    assert report.breaches() == [
        "All entries make 70 points, and members' balances are 71.",
        "Lots hold 70 points, and members' balances before deficits are 71.",
    ]


def test_a_long_report_takes_the_statements_of_a_short_one(
    shop: Shop, django_assert_num_queries: Any
) -> None:
    """And one pass for each, however many days there are."""
    ledger.give(shop.member("ann"), 70)
    for days in (1, PERIODS_MAX):
        first = START - dt.timedelta(days=days - 1)
        with django_assert_num_queries(6):
            report = liability(
                shop.program, first_day=first, last_day=START, now=at("2026-03-01 12:00")
            )
        assert len(report.ledger.periods) == days


@pytest.mark.django_db(transaction=True)
def test_all_statements_see_one_snapshot(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Points that are given between two of them are in none of its sums, and in the next report."""
    ann = shop.member("ann")
    ledger.give(ann, 70)
    read_balances = selector._kept

    def meanwhile(*arguments: Any) -> Standing:
        at_once(lambda _number: ledger.give(ann, 5), 1)
        return read_balances(*arguments)

    monkeypatch.setattr(selector, "_kept", meanwhile)
    asked = {"first_day": START, "last_day": START, "now": at("2026-03-01 12:00")}
    reports = [liability(shop.program, **asked) for _ in range(2)]

    assert [report.breaches() for report in reports] == [[], []]
    assert [report.standing.available for report in reports] == [70, 75]


def test_a_guests_points_move_to_their_owner(shop: Shop) -> None:
    """On the shadow they are earned, on the member they are the same points: no movement."""
    ann = shop.member("ann")
    facts = {"user_ref": None, "email": "ann@example.com", "created_at": at("2026-03-01 10:00")}
    shop.host.put_order(order("o1", line("a", 5000), **facts))
    shop.settle("o1", at("2026-03-01 10:00"))
    shop.host.change_order("o1", user_ref=str(ann.user_id), is_user_confirmed=True)
    claimed = reconciling.claim_guest_orders(str(ann.user_id), at("2026-03-02 10:00"))
    report = liability(
        shop.program,
        first_day=START,
        last_day=START + dt.timedelta(days=1),
        now=at("2026-03-02 12:00"),
    )

    assert claimed == 1
    assert report.breaches() == []
    earned, moved = report.ledger.periods
    assert (earned.movements, moved.movements) == ({Movement.EARNED: 50}, {})
    assert (moved.opening, moved.closing) == (50, 50)
    assert report.standing == Standing(available=50)


@pytest.mark.parametrize(
    ("arguments", "field", "says"),
    [
        ({"last_day": dt.date(2026, 2, 28)}, "to", "before the first"),
        ({"last_day": dt.date(2026, 3, 2)}, "to", "it is 2026-03-01"),
        ({"first_day": dt.date(2025, 2, 28)}, "from", "at most 366"),
        ({"first_day": dt.date(1970, 1, 1), "step": Step.MONTH}, "from", "675 periods"),
        ({"first_day": dt.date.min, "last_day": dt.date.min}, "from", "before 1970-01-01"),
        ({"last_day": dt.date.max}, "to", "still to come"),
        ({"rate": Fraction(0)}, "expectedRedemptionRate", "above 0 and at most 1"),
        ({"rate": Fraction(2)}, "expectedRedemptionRate", "above 0 and at most 1"),
    ],
)
def test_bad_input_is_refused_by_name(
    shop: Shop, arguments: dict[str, Any], field: str, says: str
) -> None:
    """The field and the rule that it breaks."""
    asked = {"first_day": START, "last_day": START, "now": at("2026-03-01 12:00")} | arguments
    with pytest.raises(Refusal) as refused:
        liability(shop.program, **asked)

    assert (refused.value.code, refused.value.field) == (Code.INVALID, field)
    assert says in refused.value.message


@pytest.mark.parametrize(
    ("rules", "currency"),
    [
        ({}, "USD"),
        ({"reference": {"currency": "USD"}}, "USD"),
        ({"earn": IN_BOTH, "point_value": {"USD": "0.01", "EUR": "0.01"}}, ""),
        (
            {
                "earn": IN_BOTH,
                "point_value": {"EUR": "0.01"},
                "reference": REFERENCE,
                "redemption": {"enabled": False},
            },
            "",
        ),
        ({"point_value": {}, "redemption": {"enabled": False}}, ""),
    ],
)
def test_revenue_needs_one_currency_for_all_orders(
    monkeypatch: pytest.MonkeyPatch, rules: dict[str, Any], currency: str
) -> None:
    """The reference currency, or the only one that points have a value in; otherwise none."""
    shop = ledger.open_shop(monkeypatch, **rules)
    report = liability(shop.program, first_day=START, last_day=START, now=at("2026-03-01 12:00"))

    assert (report.revenue_currency, len(report.revenue)) == (currency, int(bool(currency)))


# --- the command ----------------------------------------------------------------------------------


def run(*arguments: str) -> str:
    """Return what the command prints."""
    out = StringIO()
    call_command("retention_liability", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_report_and_writes_it(shop: Shop, tmp_path: Path) -> None:
    """Points, money and the schedule; CSV beside it."""
    ann = shop.member("ann")
    ledger.give(ann, 70, expires_at=at("2099-01-01 00:00"))
    ledger.give(ann, 30)
    periods, schedule = tmp_path / "periods.csv", tmp_path / "schedule.csv"
    text = run(
        "--program", "club", "--from", "2026-01-01", "--to", "2026-01-31", "--by", "month",
        "--redemption-rate", "0.85", "--csv", str(periods), "--schedule-csv", str(schedule),
    )  # fmt: skip

    assert "2026-01-01 to 2026-01-31 (final)" in text
    assert "  granted  100\n" in text
    assert "  closing  100, worth 1.00 USD\n" in text
    assert "  expected to be redeemed: 85, worth 0.85 USD\n" in text
    assert "never: 30, worth 0.30 USD\n" in text
    assert text.endswith("The report agrees with the ledger, the balances and the lots.\n")
    (row,) = csv.DictReader(periods.open(newline="", encoding="utf-8"))
    assert (row["granted"], row["closing"], row["expected_value_USD"]) == ("100", "100", "0.85")
    rows = list(csv.DictReader(schedule.open(newline="", encoding="utf-8")))
    assert [(row["expires"], row["points"]) for row in rows] == [("later", "70"), ("never", "30")]


def test_the_command_fails_where_the_report_does_not_agree(shop: Shop) -> None:
    """A monitor sees the exit code, a person the sentence."""
    ann = shop.member("ann")
    ledger.give(ann, 70)
    Account.objects.filter(pk=ann.pk).update(available=71)

    with pytest.raises(CommandError, match=r"All entries make 70 points, .* are 71\."):
        run("--program", "club", "--from", "2026-01-01", "--to", "2026-01-02")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--program", "none", "--from", "2026-01-01", "--to", "2026-01-02"), 'program "none"'),
        (("--program", "club", "--from", "2026-01-02", "--to", "2026-01-01"), "before the first"),
        (("--program", "club", "--from", "1 May", "--to", "2026-01-01"), "YYYY-MM-DD"),
        (("--program", "club", "--from", "2026-02-30", "--to", "2026-03-01"), "YYYY-MM-DD"),
        (
            ("--program", "club", "--from", "2026-01-01", "--to", "2026-01-02",
             "--redemption-rate", "85 %"),
            "a number such as 0.85",
        ),
        (
            ("--program", "club", "--from", "2026-01-01", "--to", "2026-01-02",
             "--redemption-rate", "85"),
            "above 0 and at most 1",
        ),
        (
            ("--program", "club", "--from", "2026-01-01", "--to", "2026-01-02",
             "--redemption-rate", "NaN"),
            "above 0 and at most 1",
        ),
        (
            ("--program", "club", "--from", "2026-01-01", "--to", "2026-01-02",
             "--redemption-rate", "1e-999999999"),
            "more than 6 decimals",
        ),
        (
            ("--program", "club", "--from", "2026-01-01", "--to", "2026-01-02",
             "--redemption-rate", "1e999999999"),
            "above 0 and at most 1",
        ),
        (
            ("--program", "club", "--from", "2026-01-01", "--to", "2026-01-02",
             "--csv", "no/such/folder/x.csv"),
            "No such file or directory",
        ),
    ],
)  # fmt: skip
def test_the_command_refuses_by_name(shop: Shop, arguments: tuple[str, ...], says: str) -> None:
    """What is wrong, in a sentence."""
    assert shop
    with pytest.raises(CommandError, match=says):
        run(*arguments)
