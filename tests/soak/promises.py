"""What was promised to members, computed from the journals and the shop's tables alone.

Plain arithmetic, apart from the engine: one row, one formula. What the ledger holds is read from
its tables and compared; every difference is a sentence. Amounts are cents, points are integers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.soak.shop import FLEETING, STEADY, Row, execute, rows

WELCOME = 50
# Points for a cent, and the terms; each channel has a program of its own.
RATES = {STEADY: Fraction(1, 100), FLEETING: Fraction(3, 200)}
DOCUMENTS: dict[str, dict[str, Any]] = {
    STEADY: {
        "time_zone": "UTC",
        "earn": {"rates": {"USD": {"points": 1, "per": "1.00"}}},
        "maturing": {"rule": "days_after_payment", "days": 1},
        "welcome_points": WELCOME,
        "redemption": {"hold_minutes": 720},
    },
    FLEETING: {
        "time_zone": "UTC",
        "earn": {"rates": {"USD": {"points": 3, "per": "2.00"}}},
        "expiry": {"policy": "days", "count": 1, "restore_grace_days": 1},
        "welcome_points": WELCOME,
        "redemption": {"hold_minutes": 720},
    },
}


@dataclass(slots=True)
class Key:
    """A request under a key, and what became of its calls."""

    account: int
    points: int
    calls: int = 0
    refused: int = 0
    acknowledged: int = 0

    @property
    def is_in_doubt(self) -> bool:
        """Whether nobody was told if it was booked."""
        return not self.acknowledged and self.refused < self.calls


@dataclass(slots=True)
class Told:
    """What the journals say that customers and staff were told."""

    keys: dict[str, Key] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)  # order -> points it was paid with
    holds: set[int] = field(default_factory=set)
    earned: Counter[str] = field(default_factory=Counter)  # order -> the most that was shown
    redeemed: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    deeds: Counter[tuple[str, str]] = field(default_factory=Counter)  # (deed, outcome)


def listen(lines: Iterable[dict[str, Any]]) -> Told:
    """Gather what was told from the lines of all journals."""
    told = Told()
    for entry in lines:
        match entry["said"]:
            case "asked" | "called" | "refused" | "acknowledged" as said:
                _hear(told.keys, said, entry)
            case "ordered":
                told.orders[entry["order"]] = entry["points"]
            case "held":
                told.holds.add(entry["hold"])
            case "settled":
                for kept, name in ((told.earned, "earned"), (told.redeemed, "redeemed")):
                    kept[entry["order"]] = max(kept[entry["order"]], entry[name])
            case "fault":
                trace = entry["trace"] if not told.faults else entry["trace"].splitlines()[-1]
                told.faults.append(f"{entry['deed']}: {trace}")
                told.deeds[entry["deed"], "fault"] += 1
            case "refusal":
                outcome = "busy" if entry["code"] == "BUSY" else "refused"
                told.deeds[entry["deed"], outcome] += 1
            case outcome:  # done, lost
                told.deeds[entry["deed"], outcome] += 1
    return told


def _hear(keys: dict[str, Key], said: str, entry: dict[str, Any]) -> None:
    """Note what became of a request under a key."""
    if said == "asked":
        keys[entry["key"]] = Key(entry["account"], entry["points"])
        return
    key = keys[entry["key"]]
    key.calls += said == "called"
    key.refused += said == "refused"
    key.acknowledged += said == "acknowledged"


# --- the model ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """What is due for an order."""

    earned: int
    clawed: int
    redeemed: int
    restored: int


def due(row: Row) -> Due:
    """Return what an order in this state earns, loses, burns and gives back."""
    total = row.first + row.second
    returned = row.first * row.is_first_back + row.second * row.is_second_back
    kept = 0 if row.is_canceled else max(0, total - max(returned, row.refunded))
    rate = RATES[row.channel]
    earned = int(total * rate) if row.paid_at is not None else 0
    return Due(
        earned=earned,
        clawed=earned - int(kept * rate) if earned else 0,
        redeemed=row.points_paid,
        restored=row.points_paid * (total - kept) // total,
    )


@dataclass(slots=True)
class Flow:
    """What went in and out for one member of one program."""

    issued: int = WELCOME
    adjusted: int = 0
    clawed: int = 0
    redeemed: int = 0  # less what was restored

    @property
    def net(self) -> int:
        """Return what is left, before anything died; below zero where points are owed."""
        return self.issued - self.adjusted - self.clawed - self.redeemed


def flows(
    accounts: dict[tuple[str, str], int], orders: Iterable[Row], booked: Iterable[Key]
) -> dict[int, Flow]:
    """Return the flow of each account."""
    found: dict[int, Flow] = {account: Flow() for account in accounts.values()}
    for key in booked:
        if key.points > 0:
            found[key.account].issued += key.points
        else:
            found[key.account].adjusted -= key.points
    for row in orders:
        if row.user_ref is None:
            continue
        flow, owed = found[accounts[row.user_ref, row.channel]], due(row)
        flow.issued += owed.earned
        flow.clawed += owed.clawed
        flow.redeemed += owed.redeemed - owed.restored
    return found


# --- comparing ------------------------------------------------------------------------------------


def broken(accounts: dict[tuple[str, str], int], told: Told, booked: set[str]) -> list[str]:
    """Return every promise that is broken, once nothing is under way any more.

    ``accounts`` are those of the members by user and channel, ``booked`` the keys of which
    somebody was told that they are booked. All time is over: nothing is pending, held or, where
    points die, alive.
    """
    orders = rows()
    model = flows(accounts, orders, [told.keys[key] for key in sorted(booked)])
    return [
        *_lost_orders(told, orders),
        *_keys(told, booked),
        *_orders(told, orders),
        *_holds(told),
        *_balances(accounts, model),
    ]


def _lost_orders(told: Told, orders: Iterable[Row]) -> Iterator[str]:
    there = {row.ref: row.points_paid for row in orders}
    for ref, points in told.orders.items():
        if there.get(ref) != points:
            yield f"order {ref} paid with {points} points was acknowledged, found {there.get(ref)}"


def _keys(told: Told, booked: set[str]) -> Iterator[str]:
    found: Counter[tuple[str, int, int]] = Counter()
    for key, account, points in execute(
        """
        SELECT posting.key, posting.account_id, sum(entry.points) * -1
        FROM saleor_retention_transaction AS posting
        JOIN saleor_retention_entry AS entry ON entry.transaction_id = posting.id
        WHERE posting.kind IN ('grant', 'adjust') AND entry.book IN ('issuance', 'adjustment')
        GROUP BY posting.id
        """
    ):
        found[key, account, int(points)] += 1
    expected = {
        (f"{_kind(told.keys[key])}:{key}", told.keys[key].account, told.keys[key].points)
        for key in booked
    }
    for item in sorted(expected - found.keys()):
        yield f"{item[0]} over {item[2]} points was acknowledged and is not in the ledger"
    for item in sorted(found.keys() - expected):
        yield f"{item[0]} over {item[2]} points is in the ledger and nobody was told so"
    for item, times in found.items():
        if times > 1:
            yield f"{item[0]} was booked {times} times"


def _kind(key: Key) -> str:
    return "grant" if key.points > 0 else "adjust"


def _orders(told: Told, orders: Iterable[Row]) -> Iterator[str]:
    records = {
        values[0]: Due(*values[1:])
        for values in execute(
            "SELECT order_ref, earned, clawed, redeemed, restored FROM saleor_retention_orderrecord"
        )
    }
    posted: dict[str, Counter[str]] = defaultdict(Counter)
    for ref, kind, points in execute(
        """
        SELECT posting.order_ref, posting.kind, sum(entry.points)
        FROM saleor_retention_transaction AS posting
        JOIN saleor_retention_entry AS entry ON entry.transaction_id = posting.id
        WHERE (posting.kind, entry.book) IN (('earn', 'issuance'), ('capture', 'redeemed'))
        GROUP BY posting.order_ref, posting.kind
        """
    ):
        posted[ref][kind] = abs(int(points))
    for row in orders:
        owed, record = due(row), records.get(row.ref)
        if record != owed:
            yield f"order {row.ref} should have {owed}, its record has {record}"
        sums = (posted[row.ref]["earn"], posted[row.ref]["capture"])
        if sums != (owed.earned, owed.redeemed):
            yield f"order {row.ref} earned and burned {sums} points in the ledger, not {owed}"
        if owed.earned < told.earned[row.ref] or owed.redeemed < told.redeemed[row.ref]:
            yield f"order {row.ref} has less than was shown once"


def _holds(told: Told) -> Iterator[str]:
    """A hold ends once: captured by the one order that was paid with it, or given back."""
    found = {}
    for pk, state, points, captured, paid in execute(
        """
        SELECT hold.id, hold.state, hold.points, hold.captured, coalesce(sale.points_paid, 0)
        FROM saleor_retention_hold AS hold
        LEFT JOIN soak_order AS sale ON sale.ref = hold.order_ref
        """
    ):
        found[pk] = state
        is_right = captured == paid if state == "captured" else not captured
        if state == "placed" or captured > points or not is_right:
            yield f"hold {pk} is {state}, {captured} of {points} captured for an order of {paid}"
    for pk in sorted(told.holds - found.keys()):
        yield f"hold {pk} was acknowledged and is not there"
    for pk, points in execute(
        """
        SELECT hold.id, sum(entry.points)
        FROM saleor_retention_hold AS hold
        JOIN saleor_retention_transaction AS posting
            ON posting.account_id = hold.account_id
            AND split_part(replace(posting.key, 'expire:', ''), ':', 2) = hold.id::text
            AND posting.kind IN ('hold', 'capture', 'release', 'lapse', 'expire')
        JOIN saleor_retention_entry AS entry
            ON entry.transaction_id = posting.id AND entry.book = 'held'
        GROUP BY hold.id HAVING sum(entry.points) <> 0
        """
    ):
        yield f"hold {pk} set aside {points} points more than it captured or gave back"


def _balances(accounts: dict[tuple[str, str], int], model: dict[int, Flow]) -> Iterator[str]:
    died = dict(
        execute(
            """
            SELECT posting.account_id, sum(entry.points)
            FROM saleor_retention_transaction AS posting
            JOIN saleor_retention_entry AS entry ON entry.transaction_id = posting.id
            WHERE entry.book = 'breakage'
            GROUP BY posting.account_id
            """
        )
    )
    held = {
        values[0]: values[1:]
        for values in execute(
            "SELECT id, available, pending, held, deficit FROM saleor_retention_account"
        )
    }
    for (user, channel), account in accounts.items():
        net, breakage = model[account].net, int(died.get(account, 0))
        if channel == STEADY:
            expected = (max(0, net), 0, 0, max(0, -net))
            is_right = held[account] == expected and not breakage
        else:  # how much died depends on the way there, but no point may be missing
            owed = held[account][3]
            expected = (0, 0, 0, owed)
            is_right = held[account] == expected and breakage == net + owed >= 0
        if not is_right:
            yield (
                f"user {user} in program {channel} has {held[account]} and {breakage} points dead, "
                f"should have {expected} of {model[account]}"
            )
    for pk, *books in execute(
        "SELECT id, available, pending, held, deficit FROM saleor_retention_account"
        " WHERE user_id IS NULL AND (available, pending, held, deficit) <> (0, 0, 0, 0)"
    ):
        yield f"the guest's account {pk} kept {books} when its orders were claimed"
