"""The terms of a campaign: what its document means once it is read (``parsing``)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum

from saleor_retention.engine.campaigns.quiet import QuietHours
from saleor_retention.engine.segments.bands import Band


class TriggerKind(StrEnum):
    """What makes a customer due."""

    ONCE = "once"
    BIRTHDAY = "birthday"
    ANNIVERSARY = "first_purchase_anniversary"
    HOLIDAY = "holiday"
    POINTS_EXPIRING = "points_expiring"
    POINTS_EXPIRING_NEXT_MONTH = "points_expiring_next_month"
    COUPON_EXPIRING = "coupon_expiring"
    TIER_REACHED = "tier_reached"
    TIER_AT_RISK = "tier_at_risk"
    WELCOME = "welcome"
    SECOND_PURCHASE = "second_purchase_due"
    WIN_BACK = "win_back"
    RUN_OUT = "run_out"
    SEGMENT_ENTERED = "segment_entered"
    SEGMENT_LEFT = "segment_left"
    SURVEY = "survey"
    EVENT = "event"
    ANNOUNCE = "announce"


EVENTS = frozenset(
    {
        TriggerKind.TIER_REACHED,
        TriggerKind.TIER_AT_RISK,
        TriggerKind.WELCOME,
        TriggerKind.SEGMENT_ENTERED,
        TriggerKind.SEGMENT_LEFT,
        TriggerKind.EVENT,
    }
)
"""Triggers that follow something that happened; all others follow the calendar."""


class Channel(StrEnum):
    """How a message goes out."""

    EMAIL = "email"
    SMS = "sms"


class Via(StrEnum):
    """Who sends an e-mail: the shop's mail server, or whoever listens to Saleor's notify event."""

    MAIL = "mail"
    NOTIFY = "notify"


@dataclass(frozen=True, slots=True)
class Trigger:
    """When a customer is due. Fields that a kind does not use keep their defaults."""

    kind: TriggerKind
    days_before: tuple[int, ...] = (0,)  # several for what expires only
    days_after: int = 0
    on: dt.date | None = None  # once, announce
    holiday: str = ""  # a name of ``calendar.HOLIDAYS``, "public:<country>:<name>", or "own"
    own_days: tuple[dt.date, ...] = ()
    day_of_month: int = 1
    band: Band = Band.LOST
    segment: str = ""
    variants: tuple[str, ...] = ()  # run out: each by its own rhythm
    event: str = ""  # the kind of what a member did
    product: str = ""  # announce: one of product, variant and offer
    variant: str = ""
    offer: str = ""  # its slug


@dataclass(frozen=True, slots=True)
class Audience:
    """Which members: in any of the segments and in none of ``without``; empty: everybody."""

    segments: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Texts:
    """The templates of one language."""

    subject: str
    text: str
    html: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What is said, by language (``en``, ``zh-hant``, ``zh-hans``); the first is the default."""

    channel: Channel
    purpose: str
    texts: tuple[tuple[str, Texts], ...]
    via: Via = Via.MAIL
    feedback: str = ""  # the slug of a questionnaire that it leads to

    def texts_for(self, language: str) -> tuple[str, Texts]:
        """Return the nearest language and its templates: the same, else the default."""
        by_language = dict(self.texts)
        wanted = normal_language(language)
        return (wanted, by_language[wanted]) if wanted in by_language else self.texts[0]


@dataclass(frozen=True, slots=True)
class Benefit:
    """What comes with the message: points, a coupon of the given terms (JSON data), or an offer.

    A gift is an offer of that kind.
    """

    points: int = 0
    offer: str = ""  # the slug of one that is for those alone who were given it
    coupon_kind: str = ""
    coupon_terms: tuple[tuple[str, object], ...] = ()
    valid_for_days: int = 0  # of the coupon or the offer
    with_message_only: bool = False

    @property
    def is_some(self) -> bool:
        """Tell whether there is anything to give."""
        return bool(self.points or self.coupon_kind or self.offer)


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many messages of the program to one customer within so many days."""

    messages: int
    days: int


@dataclass(frozen=True, slots=True)
class SendLimits:
    """What keeps messages back."""

    send_at: dt.time = dt.time(10)
    quiet: QuietHours | None = None
    cap: Cap | None = None
    sends_max: int | None = None  # in all
    points_max: int | None = None  # in all, of the benefit
    useful_days: int = 7  # after the day on which a customer is due; birthdays end with the day


@dataclass(frozen=True, slots=True)
class CampaignTerms:
    """Everything that a version of a campaign says."""

    trigger: Trigger
    message: Message | None = None
    benefit: Benefit = field(default_factory=Benefit)
    audience: Audience = field(default_factory=Audience)
    limits: SendLimits = field(default_factory=SendLimits)
    holdout_per_mille: int = 0
    holdout_window_days: int = 30  # orders so long after the assignment are compared


def normal_language(language: str) -> str:
    """Return the language of our templates that a language code asks for.

    >>> normal_language("zh-TW"), normal_language("zh_Hans"), normal_language("en-GB")
    ('zh-hant', 'zh-hans', 'en')
    """
    parts = language.lower().replace("_", "-").split("-")
    if parts[0] != "zh":
        return parts[0]
    is_traditional = {"hant", "tw", "hk", "mo"} & set(parts[1:])
    return "zh-hant" if is_traditional else "zh-hans"
