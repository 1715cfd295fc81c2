"""What a program gives for other things than orders: a review, a favorite, a referred friend.

An event is rewarded by its rule and within the rule's limits (``outcome_of``). A referral rewards
two persons, not one with two addresses (``is_same_mailbox``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

KNOWN_KINDS = ("review", "favorite", "follow", "survey")
"""Events that the history has words for; a merchant's own ones have a name in their rule."""

SURVEY = "survey"
"""The event that the plugin tells of itself: a customer has answered the survey about an order."""

ABOUT_THE_SHOP = "follow"
"""An event that has no object but the shop itself."""

DOTLESS = frozenset({"gmail.com", "googlemail.com"})
"""Where dots before the at sign make no other address."""


class Outcome(StrEnum):
    """What became of an event."""

    REWARDED = "rewarded"
    NO_POINTS = "no_points"  # its rule gives none
    OBJECT_MAX = "object_max"
    DAY_MAX = "day_max"
    MONTH_MAX = "month_max"
    MEMBER_MAX = "member_max"


@dataclass(frozen=True, slots=True)
class EventRule:
    """Points for an event, and how many events of the kind are rewarded; None: any number.

    Days and months are local ones of the event. Without an object an event is about the shop.
    """

    kind: str
    points: int
    name: str = ""  # what customers read of a merchant's own event
    maturing_days: int = 0
    per_object_max: int = 1
    per_day_max: int | None = None
    per_month_max: int | None = None
    per_member_max: int | None = None


@dataclass(frozen=True, slots=True)
class Rewarded:
    """How many events of the kind a member was rewarded for already, reversed ones included."""

    of_object: int = 0
    in_day: int = 0
    in_month: int = 0
    ever: int = 0


@dataclass(frozen=True, slots=True)
class ReferralRules:
    """What both sides of a referral get once the friend's first order stays."""

    advocate_points: int = 0
    friend_points: int = 0
    window_days: int = 30  # from payment of the friend's first order
    per_month_max: int | None = None  # friends that one member is rewarded for

    @property
    def is_on(self) -> bool:
        """Return whether referrals are rewarded at all."""
        return bool(self.advocate_points or self.friend_points)


NO_REFERRALS = ReferralRules()


def outcome_of(rule: EventRule, before: Rewarded) -> Outcome:
    """Return whether one more event is rewarded, or the first limit that stands against it.

    A reward that was taken back has used its place up: points that were spent in between would
    else be earned again and again where the program writes off what is missing.

    >>> outcome_of(EventRule("review", 50), Rewarded(of_object=1, ever=1))
    <Outcome.OBJECT_MAX: 'object_max'>
    >>> outcome_of(EventRule("review", 50, per_day_max=3), Rewarded(in_day=2, ever=9))
    <Outcome.REWARDED: 'rewarded'>
    """
    if not rule.points:
        return Outcome.NO_POINTS
    for limit, used, outcome in (
        (rule.per_object_max, before.of_object, Outcome.OBJECT_MAX),
        (rule.per_day_max, before.in_day, Outcome.DAY_MAX),
        (rule.per_month_max, before.in_month, Outcome.MONTH_MAX),
        (rule.per_member_max, before.ever, Outcome.MEMBER_MAX),
    ):
        if limit is not None and used >= limit:
            return outcome
    return Outcome.REWARDED


def is_same_mailbox(one: str, other: str) -> bool:
    """Tell whether two addresses lead to the same mailbox, as far as addresses tell.

    Case, what stands after a plus sign, and at some providers dots make no other mailbox.

    >>> is_same_mailbox("Ann.Lee+shop@gmail.com", "annlee@googlemail.com")
    True
    >>> is_same_mailbox("ann.lee@example.com", "annlee@example.com")
    False
    """
    mailbox = _mailbox(one)
    return bool(mailbox) and mailbox == _mailbox(other)


def home_key(*parts: str) -> str:
    """Return what two spellings of one postal address have in common; "" for no address.

    >>> home_key("US", "10-001", "12 Main St.", "") == home_key("us", "10001", "12 MAIN ST", "")
    True
    """
    return "|".join(
        "".join(character for character in part.casefold() if character.isalnum()) for part in parts
    ).strip("|")


def _mailbox(address: str) -> str:
    name, _at, domain = address.strip().casefold().rpartition("@")
    name = name.partition("+")[0]
    if domain in DOTLESS:
        return f"{name.replace('.', '')}@gmail.com"
    return f"{name}@{domain}" if name else ""
