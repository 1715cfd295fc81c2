"""Two years of a shop's customers, drawn by lot from a seed: for reports, tests and benchmarks.

The same seed, size and last day give the same history. The program begins in the middle, so that
there is something to compare. Points go through the ledger's own batch posting, month by month, and
expire by the job that expires them; order records are written as settled ones are. The shop's
Django has to be set up; no order of the host itself is made.

What the draw assumes: most customers buy once, some now and then, a few often; Novembers and
Decembers are busy; a purchase is around 45 dollars with a long tail. Nothing in it makes the
program work: a report that shows an effect shows chance.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

SEED = 5000
CUSTOMERS = 5000
DAYS = 730
HELD_OUT_PER_MILLE = 200
POINTS_STEP = 20  # redeemed in multiples of these
REDEEMS, USES_OFFER, IS_QUIET = 0.35, 0.15, 0.5
"""How likely a member redeems and uses an offer, and that somebody new comes in a quiet month."""

LIFE_DAYS = 200  # of points
BUSY_MONTHS = (11, 12)
DOCUMENT = {
    "time_zone": "UTC",
    "earn": {"rates": {"USD": {"points": 1, "per": "1.00"}}},
    "point_value": {"USD": "0.05"},
    "reference": {"currency": "USD"},
    "expiry": {"policy": "days", "count": LIFE_DAYS},
    "tiers": {
        "metric": "spend",
        "window": "rolling_months",
        "months": 12,
        "ladder": [
            {"slug": "regular", "name": "Regular", "threshold": "0"},
            {"slug": "silver", "name": "Silver", "threshold": "150.00"},
            {"slug": "gold", "name": "Gold", "threshold": "400.00"},
        ],
    },
}
OFFERS = (
    ("beans-for-members", "Beans for members", {"percent": 10}),
    ("gear-week", "Gear week", {"percent": 20}),
    ("welcome-back", "Welcome back", {"percent": 15}),
)
SEGMENTS = (
    ("regulars", "Regulars", {"orders": {"from": 4}}),
    ("once-only", "Bought once", {"orders": {"to": 1}}),
    ("lost", "Lost", {"band": ["lost"]}),
)


@dataclass(frozen=True, slots=True)
class Purchase:
    """One order of the plan."""

    at: dt.datetime
    minor: int
    points_wanted: int  # what the customer would redeem, if there are so many
    offer: int | None  # the place of the offer that the order used


@dataclass(frozen=True, slots=True)
class Buyer:
    """One customer of the plan with the purchases in order."""

    number: int
    purchases: tuple[Purchase, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everybody's purchases over the two years up to ``end``, which is left out."""

    end: dt.date
    buyers: tuple[Buyer, ...]

    @property
    def start(self) -> dt.date:
        """Return the first day."""
        return self.end - dt.timedelta(days=DAYS)

    @property
    def last_day(self) -> dt.date:
        """Return the last day."""
        return self.end - dt.timedelta(days=1)

    @property
    def launch(self) -> dt.date:
        """Return the program's first day."""
        return self.end - dt.timedelta(days=DAYS // 2)


def end_of(launched: dt.date) -> dt.date:
    """Return the day after the last one of a history whose program began on a day."""
    return launched + dt.timedelta(days=DAYS // 2)


def drawn(end: dt.date, *, customers: int = CUSTOMERS, seed: int = SEED) -> Plan:
    """Draw the history of so many customers that ends the day before ``end``."""
    draw = random.Random(seed)  # noqa: S311 - the same for everybody
    start = dt.datetime.combine(end - dt.timedelta(days=DAYS), dt.time(), dt.UTC)
    launch = start + dt.timedelta(days=DAYS - DAYS // 2)
    buyers = [Buyer(number, tuple(_purchases(draw, start, launch))) for number in range(customers)]
    return Plan(end, tuple(buyers))


def _purchases(draw: random.Random, start: dt.datetime, launch: dt.datetime) -> Iterator[Purchase]:
    """Draw one customer's purchases: a first day, then gaps until the customer stays away."""
    stays, gap_days = draw.choices(((0.12, 150), (0.55, 110), (0.88, 45)), (60, 28, 12))[0]
    last = DAYS * 1440
    minute = _first_minute(draw, start)
    while minute < last:
        at = start + dt.timedelta(minutes=minute)
        wanted = POINTS_STEP * draw.randint(1, 5) if draw.random() < REDEEMS else 0
        offer = draw.randrange(len(OFFERS)) if draw.random() < USES_OFFER else None
        minor = round(draw.lognormvariate(8.3, 0.6))
        is_member = at >= launch
        yield Purchase(
            at, max(200, minor), wanted if is_member else 0, offer if is_member else None
        )
        if draw.random() >= stays:
            return
        minute += 60 + round(draw.expovariate(1) * gap_days * 1440)


def _first_minute(draw: random.Random, start: dt.datetime) -> int:
    """Draw when somebody comes in: later days more often, quiet months half as often."""
    while True:
        minute = round(DAYS * 1440 * draw.random() ** 0.8)
        month = (start + dt.timedelta(minutes=minute)).month
        if month in BUSY_MONTHS or draw.random() < IS_QUIET:
            return minute


@dataclass(slots=True)
class _Purse:
    """The lots of one account while the history is written: id, opened, points left."""

    lots: list[tuple[int, dt.datetime, int]] = field(default_factory=list)

    def take(self, points: int, at: dt.datetime) -> list[tuple[int, int]]:
        """Take points from live lots, the oldest first; nothing where they are too few."""
        if not points:
            return []
        life = dt.timedelta(days=LIFE_DAYS)
        live = [lot for lot in self.lots if lot[1] < at < lot[1] + life and lot[2]]
        if sum(left for _id, _opened, left in live) < points:
            return []
        taken = []
        for lot_id, _opened, left in live:
            part = min(points, left)
            if part:
                taken.append((lot_id, part))
                points -= part
        parts = dict(taken)
        self.lots = [(lot, opened, left - parts.get(lot, 0)) for lot, opened, left in self.lots]
        return taken


def write(plan: Plan, *, slug: str = "club", channel_ref: str = "1") -> Any:
    """Write the plan as a program with members, orders, points, offers and segments; return it."""
    from saleor_retention.models import Account
    from saleor_retention.services.ledger import expiring
    from saleor_retention.services.membership import customers, segments
    from saleor_retention.services.membership.segments import Draft

    end = dt.datetime.combine(plan.end, dt.time(), dt.UTC)
    program = _program(plan, slug, channel_ref)
    Account.objects.bulk_create(
        [
            Account(
                program=program,
                member_number=f"{slug}-{buyer.number}",
                joined_at=buyer.purchases[0].at if buyer.purchases else end,
                last_activity_at=buyer.purchases[-1].at if buyer.purchases else end,
            )
            for buyer in plan.buyers
        ],
        batch_size=2000,
    )
    numbers = Account.objects.filter(program=program).values_list("member_number", "pk")
    accounts = {int(number.rpartition("-")[2]): pk for number, pk in numbers}
    redeemed = _post_points(plan, program, accounts)
    _write_orders(plan, program, accounts, redeemed, channel_ref)
    while expiring.expire_due(now=end):
        pass
    customers.mend(program)
    _set_tiers(program)
    for name in SEGMENTS:
        segments.create_segment(program, Draft(*name), now=end)
    _try_out(program, end)
    return program


def _try_out(program: Any, end: dt.datetime) -> None:
    """Assign everybody who had joined half a year before the end to an experiment with a holdout.

    Nothing was done for anybody: what the report shows of it is chance.
    """
    from saleor_retention.models import Account
    from saleor_retention.services.campaigning import experiments

    begun = end - dt.timedelta(days=DAYS // 4)
    experiment = experiments.create_experiment(
        program,
        slug="autumn-mail",
        name="Autumn mail",
        held_out_per_mille=HELD_OUT_PER_MILLE,
        window_days=90,
        now=begun,
    )
    joined = Account.objects.filter(program=program, joined_at__lt=begun).order_by("pk")
    for part in _parts(list(joined.values_list("pk", flat=True)), experiments.ASSIGN_MAX):
        experiments.assign(experiment, part, now=begun)


def _program(plan: Plan, slug: str, channel_ref: str) -> Any:
    from saleor_retention.models import Program, ProgramChannel, ProgramVersion

    launch = dt.datetime.combine(plan.launch, dt.time(), dt.UTC)
    program = Program.objects.create(slug=slug, name="Corner Coffee Club", created_at=launch)
    program.current_version = ProgramVersion.objects.create(
        program=program, number=1, document=DOCUMENT, created_at=launch
    )
    program.save()
    ProgramChannel.objects.create(program=program, channel_ref=channel_ref)
    return program


def _months(plan: Plan) -> list[tuple[dt.datetime, list[tuple[Buyer, int, Purchase]]]]:
    """Return the purchases since the launch by month, each with the last second of its month."""
    launch = dt.datetime.combine(plan.launch, dt.time(), dt.UTC)
    by_month: dict[tuple[int, int], list[tuple[Buyer, int, Purchase]]] = defaultdict(list)
    for buyer in plan.buyers:
        for place, purchase in enumerate(buyer.purchases):
            if purchase.at >= launch:
                by_month[purchase.at.year, purchase.at.month].append((buyer, place, purchase))
    found = []
    for year, month in sorted(by_month):
        following = dt.datetime(year + month // 12, month % 12 + 1, 1, tzinfo=dt.UTC)
        within = sorted(by_month[year, month], key=lambda each: each[2].at)
        found.append((following - dt.timedelta(seconds=1), within))
    return found


def _ref(buyer: Buyer, place: int) -> str:
    return f"two-years-{buyer.number}-{place}"


def _post_points(plan: Plan, program: Any, accounts: dict[int, int]) -> dict[str, int]:
    """Post what was earned and redeemed, month by month; return the points redeemed by order."""
    from saleor_retention.services.ledger.posting_batch import post_batch

    purses: dict[int, _Purse] = defaultdict(_Purse)
    redeemed: dict[str, int] = {}
    for month_end, purchases in _months(plan):
        spends: list[Any] = []
        earns: list[Any] = []
        for buyer, place, purchase in purchases:
            ref, account_id = _ref(buyer, place), accounts[buyer.number]
            taken = purses[buyer.number].take(purchase.points_wanted, purchase.at)
            if taken:
                redeemed[ref] = purchase.points_wanted
                spends += _spending(account_id, ref, purchase.at, taken)
            earns.append(_earning(account_id, ref, purchase, program.current_version_id))
        opened: list[int] = []
        for part in _parts(earns):
            opened += [posted.opened[0] for posted in post_batch(part, now=month_end)]
        for (buyer, _place, purchase), lot_id in zip(purchases, opened, strict=True):
            purses[buyer.number].lots.append((lot_id, purchase.at, purchase.minor // 100))
        for part in _parts(spends):
            post_batch(part, now=month_end)
    return redeemed


def _earning(account_id: int, ref: str, purchase: Purchase, version_id: int) -> Any:
    from saleor_retention.models import Book, TransactionKind
    from saleor_retention.services.ledger.posting import Leg, NewLot
    from saleor_retention.services.ledger.posting_batch import Draft

    points = purchase.minor // 100
    lot = NewLot(purchase.at, purchase.at, purchase.at + dt.timedelta(days=LIFE_DAYS), ref)
    return Draft(
        account_id,
        TransactionKind.EARN.value,
        f"earn:{ref}:base:1",
        [Leg(Book.ISSUANCE.value, -points), Leg(Book.AVAILABLE.value, points, lot)],
        purchase.at,
        order_ref=ref,
        rule_key="base",
        version_id=version_id,
    )


def _spending(
    account_id: int, ref: str, at: dt.datetime, taken: Sequence[tuple[int, int]]
) -> list[Any]:
    """Return the hold of the checkout and its capture by the order."""
    from saleor_retention.models import Book, TransactionKind
    from saleor_retention.services.ledger.posting import Leg
    from saleor_retention.services.ledger.posting_batch import Draft

    drafts = []
    for kind, source, target in (
        (TransactionKind.HOLD, Book.AVAILABLE, Book.HELD),
        (TransactionKind.CAPTURE, Book.HELD, Book.REDEEMED),
    ):
        legs = []
        for lot_id, points in taken:
            legs += [Leg(source.value, -points, lot_id), Leg(target.value, points, lot_id)]
        key = f"{kind.value}:{ref}"
        drafts.append(Draft(account_id, kind.value, key, legs, at, order_ref=ref))
    return drafts


def _parts(rows: Sequence[Any], size: int = 1000) -> list[Sequence[Any]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _write_orders(
    plan: Plan, program: Any, accounts: dict[int, int], redeemed: dict[str, int], channel_ref: str
) -> None:
    from saleor_retention.models import OfferUse, OrderRecord
    from saleor_retention.services.offering import offers

    launch = dt.datetime.combine(plan.launch, dt.time(), dt.UTC)
    made = [
        offers.create_offer(
            program=program,
            slug=slug,
            name=name,
            document={"kind": "member_price", "member_price": price},
            now=launch,
        ).offer
        for slug, name, price in OFFERS
    ]
    records, uses = [], []
    for buyer in plan.buyers:
        for place, purchase in enumerate(buyer.purchases):
            ref, is_member = _ref(buyer, place), purchase.at >= launch
            records.append(
                OrderRecord(
                    order_ref=ref,
                    program=program,
                    account_id=accounts[buyer.number],
                    version_id=program.current_version_id,
                    channel_ref=channel_ref,
                    currency="USD",
                    created_at=purchase.at,
                    paid_at=purchase.at,
                    may_earn=is_member,
                    earned=purchase.minor // 100 if is_member else 0,
                    redeemed=redeemed.get(ref, 0),
                    spend_minor=purchase.minor,
                    is_counted=True,
                    sequence=1,
                    settled_at=purchase.at,
                )
            )
            if purchase.offer is not None:
                offer = made[purchase.offer]
                percent = OFFERS[purchase.offer][2]["percent"]
                uses.append(
                    OfferUse(
                        offer=offer,
                        version_id=offer.current_version_id,
                        account_id=accounts[buyer.number],
                        checkout_ref=f"cart-{ref}",
                        order_ref=ref,
                        state="used",
                        uses=1,
                        amount_minor=purchase.minor * percent // (100 - percent),
                        currency="USD",
                        created_at=purchase.at,
                    )
                )
    OrderRecord.objects.bulk_create(records, batch_size=2000)
    OfferUse.objects.bulk_create(uses, batch_size=2000)


def _set_tiers(program: Any) -> None:
    """Put members where a year's spend puts them."""
    from django.db.models import Sum

    from saleor_retention.models import Account, OrderRecord
    from saleor_retention.selectors.programs import rules_of

    since = program.created_at
    spent = (
        OrderRecord.objects.filter(program=program, created_at__gte=since)
        .order_by("account_id")
        .values_list("account_id")
        .annotate(Sum("spend_minor"))
    )
    by_tier: dict[str, list[int]] = defaultdict(list)
    tiers = rules_of(program.current_version_id).ladder.tiers
    for account_id, minor in spent:
        reached = [tier.slug for tier in tiers if tier.threshold <= minor]
        by_tier[reached[-1]].append(account_id)
    for slug, account_ids in by_tier.items():
        Account.objects.filter(pk__in=account_ids).update(tier=slug, tier_since=since)
