"""What a simulation or the plan of a backfill found, as text, JSON data and CSV rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from saleor_retention import host
from saleor_retention.engine.history import Reason
from saleor_retention.engine.money import from_minor, money_text
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.engine.tally import Share, Tally, worth
from saleor_retention.services.moving.backfilling import Part
from saleor_retention.services.setting_up.simulating import Result, Simulation

NO_TIER = "no tier"
TOTAL = "TOTAL"
WORDS: Mapping[Reason, str] = {
    Reason.NOT_PAID: "not paid",
    Reason.CANCELED: "canceled",
    Reason.RETURNED: "returned or refunded",
    Reason.ORIGIN: "of an origin that does not earn (draft, reissue, bulk import)",
    Reason.NO_RATE: "in a currency that earns nothing",
    Reason.TOO_SMALL: "too small for a point",
    Reason.CAPPED: "beyond the limits on points",
    Reason.EXPIRED: "so old that the points have expired",
    Reason.GUEST: "of guests, or of customers without a confirmed address",
    Reason.NOT_A_MEMBER: "of customers who have not enrolled, or have left",
    Reason.SETTLED: "known to the program already",
}


def columns(rules: ProgramRules, *, has_rival: bool) -> list[str]:
    """Return the columns of the CSV, the same for a simulation and a plan."""
    names = [
        *("user_id", "member_number", "orders", "orders_counted", "points", "available", "pending"),
        *("welcome", "first_order", "expired", "tier_before", "tier"),
        *(f"value_{currency}" for currency in sorted(rules.point_values)),
    ]
    return [*names, "points_compared", "tier_compared", "gain"] if has_rival else names


def row_of_part(part: Part, rules: ProgramRules) -> dict[str, Any]:
    """Return a customer's row of a plan."""
    return {**_row(part.share, rules), "member_number": part.member_number}


def row_of_result(result: Result, rules: ProgramRules) -> dict[str, Any]:
    """Return a customer's row of a simulation."""
    row = _row(result.share, rules)
    if result.rival is not None:
        row["points_compared"] = result.rival.points
        row["tier_compared"] = result.rival.tier
        row["gain"] = result.gain
    return row


def total_row(tally: Tally, rules: ProgramRules) -> dict[str, Any]:
    """Return the last row, of all customers together; amounts are of the sum of points."""
    return {
        "user_id": TOTAL,
        "orders": tally.orders,
        "orders_counted": tally.counted,
        "points": tally.points,
        "available": tally.available,
        "pending": tally.pending,
        "welcome": tally.welcome,
        "first_order": tally.first_order,
        "expired": tally.expired,
        **_values(tally.owed, rules),
    }


def data(simulation: Simulation) -> dict[str, Any]:
    """Return a simulation as JSON data; amounts are decimal strings."""
    rules = simulation.trial.rules
    found = {
        "program": simulation.trial.slug,
        "from": _iso(simulation.scope.start_at),
        "at": _iso(simulation.at),
        **_sums(simulation.tally, rules),
        "guest_orders": simulation.guests,
        "top": [_person(result) for result in simulation.top.results()],
    }
    if simulation.rival is not None:
        found["compared_with"] = {
            "program": simulation.rival.slug,
            **_sums(simulation.rival_tally, simulation.rival.rules),
            "winners": [_person(result) for result in simulation.winners.results()],
            "losers": [_person(result) for result in simulation.losers.results()],
            "tier_changes": [
                {"from": old, "to": new, "customers": count}
                for (old, new), count in sorted(simulation.tier_changes.items())
            ],
        }
    return found


def simulation_lines(simulation: Simulation) -> Iterator[str]:
    """Yield a simulation as lines for people."""
    rules, tally = simulation.trial.rules, simulation.tally
    yield f'Program "{simulation.trial.slug}" over past orders; nothing was written.'
    yield from tally_lines(tally, rules)
    yield from _month_lines(tally, rules)
    yield "Most points:"
    yield from (f"  {_said(result)}" for result in simulation.top.results())
    if simulation.rival is None:
        return
    rival = simulation.rival_tally
    yield (
        f'Compared with "{simulation.rival.slug}": {tally.points} points instead of '
        f"{rival.points} ({_owed(tally, rules)} instead of "
        f"{_owed(rival, simulation.rival.rules)})."
    )
    for title, extremes in (("gain", simulation.winners), ("lose", simulation.losers)):
        yield f"Customers who {title} most:"
        yield from (f"  {_said(result)}" for result in extremes.results())
    for (old, new), count in sorted(simulation.tier_changes.items()):
        yield f"  {old or NO_TIER} -> {new or NO_TIER}: {_people(count)}"


def tally_lines(tally: Tally, rules: ProgramRules) -> Iterator[str]:
    """Yield the sums that a simulation and a plan have in common."""
    yield (
        f"{_people(tally.customers)} with {tally.orders} orders, {tally.counted} of which count; "
        f"{tally.members} get an account or points."
    )
    yield (
        f"{tally.points} points: {tally.available} can be spent, {tally.pending} are pending "
        f"(welcome {tally.welcome}, first orders {tally.first_order}); worth {_owed(tally, rules)}."
    )
    yield f"{tally.expired} points would have expired by now and are not granted."
    yield "Tiers at the end:"
    for tier, count in sorted(tally.tiers.items()):
        yield f"  {tier or NO_TIER}: {_people(count)}"
    if tally.reasons.total():
        yield "Orders that bring no points:"
    for reason, count in sorted(tally.reasons.items()):
        if count:
            yield f"  {count} {WORDS[reason]}"


def move_lines(tally: Tally) -> Iterator[str]:
    """Yield how many members go from which tier to which."""
    for (old, new), count in sorted(tally.moves.items()):
        yield f"  {old or NO_TIER} -> {new or NO_TIER}: {_people(count)}"


def _month_lines(tally: Tally, rules: ProgramRules) -> Iterator[str]:
    yield "Issued by month, at the point value:"
    for (month, currency), points in sorted(tally.issued.items()):
        if points:
            yield f"  {month}: {points} points, {_money(points, currency, rules)}"


def _row(share: Share, rules: ProgramRules) -> dict[str, Any]:
    return {
        "user_id": share.user_ref,
        "member_number": "",
        "orders": len(share.outcomes),
        "orders_counted": len(share.counted),
        "points": share.points,
        "available": share.available,
        "pending": share.pending,
        "welcome": share.welcome,
        "first_order": share.first_order,
        "expired": share.expired,
        "tier_before": share.tier_before,
        "tier": share.tier,
        **_values(share.by_currency(), rules),
    }


def _values(points: Mapping[str, int], rules: ProgramRules) -> dict[str, str]:
    return {
        f"value_{currency}": _amount(points.get(currency, 0), currency, rules)
        for currency in sorted(rules.point_values)
    }


def _sums(tally: Tally, rules: ProgramRules) -> dict[str, Any]:
    return {
        "customers": tally.customers,
        "members": tally.members,
        "orders": tally.orders,
        "orders_counted": tally.counted,
        "points": {
            "issued": tally.issued_points,
            "expired": tally.expired,
            "left": tally.points,
            "available": tally.available,
            "pending": tally.pending,
            "welcome": tally.welcome,
            "first_order": tally.first_order,
        },
        "liability": [
            {
                "currency": currency,
                "points": points,
                "amount": _amount(points, currency, rules),
            }
            for currency, points in sorted(tally.owed.items())
        ],
        "months": [
            {
                "month": month,
                "currency": currency,
                "points": points,
                "cost": _amount(points, currency, rules),
            }
            for (month, currency), points in sorted(tally.issued.items())
        ],
        "tiers": dict(sorted(tally.tiers.items())),
        "orders_without_points": {
            reason.value: count for reason, count in sorted(tally.reasons.items()) if count
        },
    }


def _person(result: Result) -> dict[str, Any]:
    person = {
        "user_id": result.share.user_ref,
        "points": result.share.points,
        "tier": result.share.tier,
    }
    if result.rival is not None:
        person |= {
            "points_compared": result.rival.points,
            "tier_compared": result.rival.tier,
            "gain": result.gain,
        }
    return person


def _said(result: Result) -> str:
    share, rival = result.share, result.rival
    said = f"user {share.user_ref}: {share.points} points, {share.tier or NO_TIER}"
    if rival is None:
        return said
    return f"{said} (instead of {rival.points}, {rival.tier or NO_TIER})"


def _owed(tally: Tally, rules: ProgramRules) -> str:
    sums = [_money(points, currency, rules) for currency, points in sorted(tally.owed.items())]
    return _and(sums) or "nothing"


def _and(words: Iterable[str]) -> str:
    return " and ".join(words)


def _money(points: int, currency: str, rules: ProgramRules) -> str:
    exponent = host.current().currency_exponent(currency)
    return money_text(worth(points, currency, rules), currency, exponent)


def _amount(points: int, currency: str, rules: ProgramRules) -> str:
    exponent = host.current().currency_exponent(currency)
    return str(from_minor(worth(points, currency, rules), exponent))


def _iso(at: Any) -> str | None:
    return None if at is None else at.isoformat()


def _people(count: int) -> str:
    return "1 customer" if count == 1 else f"{count} customers"
