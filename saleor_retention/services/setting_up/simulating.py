"""What a program would make of the shop's past orders: nothing is written.

The same engine walks through the orders as in a backfill (``engine.history``), so that what is
shown is what would be booked. Customers who are members of the program begin from what they have of
it (``selectors.past_members``); of a program that the shop has not, nobody has anything.
"""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from saleor_retention import host
from saleor_retention.engine.history import Reason, Setting, replay, tier_at_end
from saleor_retention.engine.periods import local_date
from saleor_retention.engine.rules import ExpiryPolicy, ProgramRules
from saleor_retention.engine.tally import Share, Tally, without
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, Program
from saleor_retention.selectors import past
from saleor_retention.selectors.past import Customer, Scope
from saleor_retention.selectors.past_members import (
    Standing,
    lives_from,
    objection_to,
    standing_of,
)
from saleor_retention.selectors.programs import rules_of
from saleor_retention.selectors.terms import inactivity_since
from saleor_retention.services.setting_up import program_reading
from saleor_retention.services.setting_up.validating import validate

TOP = 10


@dataclass(frozen=True, slots=True)
class Trial:
    """A program to try: one of the shop's, or one of a file."""

    slug: str
    rules: ProgramRules
    channel_refs: tuple[str, ...]
    program: Program | None = None  # None: it is new, and would begin at the end of the time

    def began_at(self, at: dt.datetime) -> dt.datetime:
        """Return when the program began; a new one begins with the simulation's end."""
        return self.program.created_at if self.program is not None else at

    def lives_from(self, at: dt.datetime) -> dt.datetime | None:
        """Return from when inactivity counts, where it does."""
        if self.rules.expiry.policy is not ExpiryPolicy.INACTIVITY:
            return None
        if self.program is None or self.program.current_version_id is None:
            return at
        present = rules_of(self.program.current_version_id).expiry.policy
        is_kept = present is ExpiryPolicy.INACTIVITY
        return inactivity_since(self.program.current_version_id) if is_kept else at


@dataclass(frozen=True, slots=True)
class Result:
    """One customer under the program, and under the one that it is compared with."""

    share: Share
    rival: Share | None = None

    @property
    def gain(self) -> int:
        """Return how many points more the customer has than under the other program."""
        return self.share.points - (self.rival.points if self.rival is not None else 0)


@dataclass(slots=True)
class Extremes:
    """The few results with the most of something, in bounded memory; ties: the lower key."""

    size: int = TOP
    _heap: list[tuple[int, int, Result]] = field(default_factory=list)

    def add(self, result: Result, value: int) -> None:
        """Keep the result if it is among the greatest; nothing for zero or less."""
        if value <= 0:
            return
        item = (value, -int(result.share.user_ref), result)
        if len(self._heap) < self.size:
            heapq.heappush(self._heap, item)
        else:
            heapq.heappushpop(self._heap, item)

    def results(self) -> list[Result]:
        """Return them, greatest first."""
        return [item[2] for item in sorted(self._heap, key=lambda item: item[:2], reverse=True)]


@dataclass(slots=True)
class Simulation:
    """A run of a program over past orders, and, customer by customer, of another one."""

    trial: Trial
    scope: Scope
    at: dt.datetime
    rival: Trial | None = None
    tally: Tally = field(default_factory=Tally)
    rival_tally: Tally = field(default_factory=Tally)
    guests: int = 0  # orders
    top: Extremes = field(default_factory=Extremes)
    winners: Extremes = field(default_factory=Extremes)
    losers: Extremes = field(default_factory=Extremes)
    tier_changes: dict[tuple[str, str], int] = field(default_factory=dict)
    """Customers by (tier under the other program, tier under this one), where they differ."""

    def run(self) -> Iterator[list[Result]]:
        """Go through all customers in chunks; the sums are complete when it has ended.

        Reads only, about a dozen statements for a chunk of 500 orders.
        """
        self.tally.time_zone = self.trial.rules.time_zone
        if self.rival is not None:
            self.rival_tally.time_zone = self.rival.rules.time_zone
        _, self.guests = past.count(self.scope)
        self.tally.reasons[Reason.GUEST] += self.guests
        for chunk in past.customers(self.scope):
            results = self._results(chunk)
            for result in results:
                self._count(result)
            yield results

    def _results(self, chunk: Sequence[Customer]) -> list[Result]:
        shares = shares_of(chunk, self.trial, self.at)
        if self.rival is None:
            return [Result(share) for share in shares]
        rivals = shares_of(chunk, self.rival, self.at)
        return [Result(*pair) for pair in zip(shares, rivals, strict=True)]

    def _count(self, result: Result) -> None:
        self.tally.add(result.share)
        self.top.add(result, result.share.points)
        if result.rival is None:
            return
        self.rival_tally.add(result.rival)
        self.winners.add(result, result.gain)
        self.losers.add(result, -result.gain)
        if result.rival.tier != result.share.tier:
            move = (result.rival.tier, result.share.tier)
            self.tier_changes[move] = self.tier_changes.get(move, 0) + 1


def trial_of_program(slug: str) -> Trial:
    """Return a program of the shop as it is now. Refuses NOT_FOUND."""
    program = Program.objects.filter(slug=slug, current_version__isnull=False).first()
    if program is None:
        raise Refusal(Code.NOT_FOUND, f'There is no program "{slug}".', "program")
    refs = program.channels.order_by("channel_ref").values_list("channel_ref", flat=True)
    return Trial(slug, rules_of(program.current_version_id), tuple(refs), program)


def trial_of_file(text: str, slug: str | None = None) -> Trial:
    """Return the one program of a YAML file, or the one of that slug, as applying would make it.

    Writes nothing. Raises ``Refusals`` with every problem of the file; refuses NOT_FOUND where the
    file has no such program, or several and none is named.
    """
    found = program_reading.read(text)
    if slug is not None:
        found = [item for item in found if item.slug == slug]
    if len(found) != 1:
        message = "Name one program of the file by its slug."
        if slug is not None:
            message = f'The file has no program "{slug}".'
        raise Refusal(Code.NOT_FOUND, message, "program")
    item = found[0]
    places = [channel for channel in host.current().channels() if channel.ref in item.channels]
    rules = validate(item.document, places).rules
    program = Program.objects.filter(slug=item.slug).first()
    return Trial(item.slug, rules, item.channels, program)


def shares_of(chunk: Sequence[Customer], trial: Trial, at: dt.datetime) -> list[Share]:
    """Return what these customers would have at ``at``; five statements at most.

    Members of the trial's program begin from what their other orders have used of its caps, and
    have had their welcome points, and perhaps those for the first order.
    """
    rules = trial.rules
    exponent = 0
    if rules.reference_currency:
        exponent = host.current().currency_exponent(rules.reference_currency)
    standing = Standing()
    if trial.program is not None:
        standing = standing_of(chunk, trial.program, rules, computes_anew=True)
    since = trial.lives_from(at)
    shares = []
    for customer in chunk:
        account = standing.account_of(customer)
        reason = objection_to(customer, account, rules, is_there=trial.program is not None)
        if reason is not None:
            shares.append(Share(customer.user_ref, without(customer.orders, reason), at))
            continue
        setting = Setting(
            rules,
            at,
            exponent,
            lives_from(rules, since, account, at),
            standing.has_first_order(customer),
            standing.used(customer),
        )
        shares.append(_share(customer, account, trial, setting))
    return shares


def _share(customer: Customer, account: Account | None, trial: Trial, setting: Setting) -> Share:
    outcomes = replay(customer.orders, setting).outcomes
    if not any(outcome.is_counted for outcome in outcomes):
        return Share(customer.user_ref, outcomes, setting.at)
    joined_on = joins_on(customer, trial.began_at(setting.at), trial.rules.time_zone)
    if account is not None:
        joined_on = local_date(account.joined_at, trial.rules.time_zone)
    return Share(
        user_ref=customer.user_ref,
        outcomes=outcomes,
        at=setting.at,
        welcome=trial.rules.welcome_points if account is None else 0,
        tier=tier_at_end(outcomes, trial.rules, setting.at, joined_on) or "",
    )


def joins_on(customer: Customer, began_at: dt.datetime, time_zone: str) -> dt.date:
    """Return the day that a customer without an account joins on, as ``members`` says."""
    joined_at = began_at if customer.user is None else max(customer.user.joined_at, began_at)
    return local_date(joined_at, time_zone)
