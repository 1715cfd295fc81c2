"""What campaigns ask of other parts of the plugin, each a small protocol, wired once at start.

A part that is not there is never guessed at: without consents nothing may be sent; a campaign that
needs profiles, coupons or experiments is refused when it is saved.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from saleor_retention.engine.campaigns.triggers import Birthday
from saleor_retention.models import Account


class Sendable(Protocol):
    """Whether something may be sent."""

    @property
    def reason(self) -> str | None:
        """Return None where it may, else why not; ``suppressed`` is a suppressed address."""


class Consents(Protocol):
    """Who may be written to, and the link that ends it."""

    def may_send_to(
        self,
        account_ids: Collection[int],
        *,
        channel: str,
        purpose: str,
        at: dt.datetime,
        addresses: Mapping[int, str] | None = None,
    ) -> Mapping[int, Sendable]:
        """Return the answer for each account and its address, as things stand now."""

    def unsubscribe_path(self, account_id: int, *, channel: str, purpose: str, address: str) -> str:
        """Return the path on the shop's host that unsubscribes without a login (RFC 8058)."""


@dataclass(frozen=True, slots=True)
class Locale:
    """A customer's time zone and language; "" where he told none."""

    time_zone: str = ""
    language: str = ""


class Profiles(Protocol):
    """What customers told of themselves."""

    def locales(self, account_ids: Collection[int]) -> Mapping[int, Locale]:
        """Return those that are known, in a constant number of statements."""

    def birthdays(
        self,
        program_id: int,
        month_days: Collection[tuple[int, int]],
        *,
        after_id: int,
        limit: int,
    ) -> list[tuple[int, Birthday]]:
        """Return accounts with one of these birthdays, beyond an id and in order of it."""


class Coupons(Protocol):
    """Whoever issues coupons."""

    def problem(self, kind: str, terms: Mapping[str, Any]) -> str | None:
        """Return what is wrong with a kind and its terms, as a sentence, or None."""

    def issue(
        self,
        account: Account,
        *,
        kind: str,
        terms: Mapping[str, Any],
        key: str,
        valid_for_days: int,
        now: dt.datetime,
    ) -> str:
        """Issue a coupon once for a key and return its code; ``Refusal`` where it cannot be."""


class Holdouts(Protocol):
    """Whoever deals customers into those who are treated and those who are held out."""

    def is_held_out(
        self, secret: bytes, experiment: str, account_id: int, *, per_mille: int
    ) -> bool:
        """Tell which one an account is: always the same for one secret and experiment."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The parts that are there."""

    consents: Consents | None = None
    profiles: Profiles | None = None
    coupons: Coupons | None = None
    holdouts: Holdouts | None = None


_wired = [Ports()]


def wire(ports: Ports) -> Ports:
    """Use these parts from now on; return those that were used before."""
    before = _wired[0]
    _wired[0] = ports
    return before


def wired() -> Ports:
    """Return the parts in use."""
    return _wired[0]
