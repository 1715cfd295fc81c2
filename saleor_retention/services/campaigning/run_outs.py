"""What members buy again and again, and when it runs out: for them, and for their next checkout.

Only goods that a campaign reminds of are looked at: they are those that the merchant knows to be
used up. Who is reminded of them in fact is the campaign's matter (audience, consent, holdout); what
somebody has bought is the same for all.

Capability: C38.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from saleor_retention import host
from saleor_retention.engine.campaigns.rhythm import (
    Bought,
    RunOut,
    Supply,
    Thin,
    days_bought,
    reminded_on,
    run_out,
    supply_on,
    usual_quantity,
)
from saleor_retention.engine.campaigns.terms import TriggerKind
from saleor_retention.engine.periods import local_date
from saleor_retention.models import Account, AccountState, Campaign, CampaignState, Program
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.campaigning.campaigns import terms_of_version

REMINDING = (CampaignState.RUNNING, CampaignState.PAUSED)


@dataclass(frozen=True, slots=True)
class RunningOut:
    """A variant that a member has bought, and how long it will do. Days are the program's."""

    variant_ref: str
    name: str
    bought: tuple[Bought, ...]  # oldest first
    channel_ref: str  # where it was bought last
    reminded_on: dt.date | None
    supply: Supply

    @property
    def found(self) -> RunOut | Thin:
        """Return when it runs out, or why that cannot be said."""
        return run_out(self.bought)

    @property
    def last_on(self) -> dt.date:
        """Return the day of the last purchase."""
        return self.bought[-1].on

    @property
    def days(self) -> int:
        """Return on how many days it was bought."""
        return days_bought(self.bought)

    @property
    def usual_quantity(self) -> int:
        """Return how many units are bought at once."""
        return usual_quantity(self.bought)


def run_outs_of(
    program: Program, accounts: Iterable[Account], now: dt.datetime
) -> dict[int, list[RunningOut]]:
    """Return what members of one program buy of its consumables, by account.

    What runs out first comes first, what no date can be given for comes last. In a constant number
    of statements. Accounts without any, and of those who left, are absent.
    """
    members = {
        str(account.user_id): account.pk
        for account in accounts
        if account.user_id is not None and account.state == AccountState.MEMBER
    }
    days_before = consumables(program)
    if not members or not days_before:
        return {}
    shop = host.current()
    zone = rules_of(program.current_version_id).time_zone
    bought, places = _purchases(program, zone, days_before, members)
    names = shop.goods_names("variants", {variant for _user, variant in bought})
    found: dict[int, list[RunningOut]] = {}
    for (user_ref, variant), purchases in bought.items():
        days = days_before[variant]
        one = RunningOut(
            variant_ref=variant,
            name=names.get(variant, ""),
            bought=tuple(purchases),
            channel_ref=places[user_ref, variant],
            reminded_on=reminded_on(purchases, days),
            supply=supply_on(purchases, local_date(now, zone), days),
        )
        found.setdefault(members[user_ref], []).append(one)
    return {account_id: sorted(goods, key=_order) for account_id, goods in found.items()}


def consumables(program: Program) -> dict[str, int]:
    """Return the variants that campaigns remind of, and how many days before they run out.

    Of campaigns that run or pause; where several name one variant, the one that comes first.
    """
    versions = Campaign.objects.filter(
        program=program,
        state__in=REMINDING,
        current_version__document__trigger__kind=TriggerKind.RUN_OUT.value,
    ).values_list("current_version", flat=True)
    found: dict[str, int] = {}
    for version_id in versions:
        trigger = terms_of_version(version_id).trigger
        for variant in trigger.variants:
            found[variant] = max(found.get(variant, 0), trigger.days_before[0])
    return found


def _purchases(
    program: Program, zone: str, variants: Collection[str], user_refs: Collection[str]
) -> tuple[dict[tuple[str, str], list[Bought]], dict[tuple[str, str], str]]:
    """Return what was bought by (customer, variant), and the channel of the last time."""
    channels = set(program.channels.values_list("channel_ref", flat=True))
    bought: dict[tuple[str, str], list[Bought]] = {}
    places: dict[tuple[str, str], str] = {}
    for each in host.current().purchases(variants, channels, user_refs):
        if each.quantity < 1:
            continue
        key = each.user_ref, each.variant_ref
        bought.setdefault(key, []).append(Bought(local_date(each.at, zone), each.quantity))
        places[key] = each.channel_ref
    return bought, places


def _order(each: RunningOut) -> tuple[bool, dt.date, str]:
    found = each.found
    if isinstance(found, Thin):
        return True, each.last_on, each.variant_ref
    return False, found.on, each.variant_ref
