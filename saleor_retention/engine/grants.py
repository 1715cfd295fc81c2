"""What one actor may grant by hand: the program's limits, or those of his groups.

A limit that a group (or an app) leaves out is the program's. Whoever is in several groups that the
program names has the highest of each limit; whoever is in none has the program's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from saleor_retention.engine.rules import GrantAllowance, ProgramRules


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of points, and the group or app that it is the limit of; "" is the program's."""

    points: int | None  # None: no limit
    name: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an actor may grant at once, and in a day."""

    at_once: Limit
    in_a_day: Limit


def limits_of(
    rules: ProgramRules, *, groups: Collection[str] = (), app: str | None = None
) -> Limits:
    """Return the limits of an actor in these permission groups, or of an app of that name.

    >>> groups = (("Leads", GrantAllowance(900)), ("Support", GrantAllowance(500, 2000)))
    >>> rules = ProgramRules(grant_points_max=50, grant_groups=groups)
    >>> limits_of(rules, groups=["Support"])
    Limits(at_once=Limit(points=500, name='Support'), in_a_day=Limit(points=2000, name='Support'))
    >>> limits_of(rules, groups=["Support", "Leads"]).at_once
    Limit(points=900, name='Leads')
    >>> limits_of(rules, groups=["Support", "Leads"]).in_a_day
    Limit(points=None, name='')
    """
    named: list[tuple[str, GrantAllowance]]
    if app is not None:
        named = [item for item in rules.grant_apps if item[0] == app]
    else:
        named = [item for item in rules.grant_groups if item[0] in groups]
    at_once = [_limit(name, of.points_max, rules.grant_points_max) for name, of in named]
    in_a_day = [
        _limit(name, of.points_per_day_max, rules.grant_points_per_day_max) for name, of in named
    ]
    return Limits(
        max(at_once, key=_size, default=Limit(rules.grant_points_max)),
        max(in_a_day, key=_size, default=Limit(rules.grant_points_per_day_max)),
    )


def _limit(name: str, points: int | None, default: int | None) -> Limit:
    return Limit(default) if points is None else Limit(points, name)


def _size(limit: Limit) -> tuple[bool, int]:
    return limit.points is None, limit.points or 0
