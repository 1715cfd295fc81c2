"""What is known of the customers of a handful of messages, read in a few statements."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from saleor_retention import host
from saleor_retention.engine.campaigns.terms import CampaignTerms, Channel, TriggerKind
from saleor_retention.engine.campaigns.verdicts import Reason, Recipient
from saleor_retention.engine.feedback import period_of
from saleor_retention.engine.periods import local_date
from saleor_retention.host.contract import UserFacts
from saleor_retention.models import (
    AccountState,
    Coupon,
    CouponState,
    CustomerRollup,
    Dispatch,
    DispatchState,
    MemberEvent,
    SurveyAnswer,
)
from saleor_retention.selectors.announcements import announced
from saleor_retention.selectors.campaigns import rhythms
from saleor_retention.selectors.consents import Refused, Sendable, may_send_to
from saleor_retention.selectors.profiles import Locale, locales
from saleor_retention.selectors.programs import rules_of

HANDED_OVER = (DispatchState.SENDING, DispatchState.SENT, DispatchState.UNKNOWN)
FOLLOW_ORDERS = (TriggerKind.SECOND_PURCHASE, TriggerKind.WIN_BACK, TriggerKind.RUN_OUT)
REASONS = {
    Refused.NOBODY: Reason.GONE,
    Refused.NO_ADDRESS: Reason.NO_ADDRESS,
    Refused.SUPPRESSED: Reason.SUPPRESSED,
}
"""What consents say that is no question of consent."""


class Recipients:
    """The customers of some rows of one campaign, as they are when this is made.

    Rows come with their accounts and those with their programs. A benefit without a message needs
    neither address nor consent.
    """

    def __init__(self, terms: CampaignTerms, rows: Sequence[Dispatch], at: dt.datetime) -> None:
        """Read them."""
        self._terms = terms
        self._rows = rows
        self._at = at
        refs = {str(row.account.user_id) for row in rows if row.account.user_id is not None}
        self.users: dict[str, UserFacts] = host.current().users(refs) if refs else {}
        self.addresses = self._read_addresses(refs)
        self._sent_at = self._read_sent()
        self._locales = locales([row.account_id for row in rows])
        self._last_orders = self._read_last_orders()
        self._answers: dict[int, Sendable] | None = None
        self._usable_codes = self._read_usable_codes()
        self._answered = self._read_answered()
        self._told = self._read_told()
        self._reversed = self._read_reversed()
        self._is_off = self._read_is_off()

    def of(self, row: Dispatch) -> Recipient:
        """Return what the verdict asks of one of them; consent is asked when it is called for."""
        account = row.account
        return Recipient(
            is_still_due=self._is_still_due(row),
            is_present=account.state == AccountState.MEMBER and str(account.user_id) in self.users,
            has_address=self._terms.message is None or row.account_id in self.addresses,
            zone=self.zone_of(row),
            useful_until=row.useful_until,
            sent_at=tuple(self._sent_at[row.account_id]),
            consent=lambda: self._consent(row.account_id),
            is_requested=lambda: self._why_not(row.account_id) is Refused.NOT_CONFIRMED,
        )

    def _is_still_due(self, row: Dispatch) -> bool:
        """Tell whether a customer has not done by himself what a message shall bring him to.

        Who shall come back or buy again has not ordered since: those cycles end with the day of the
        last order, or of the last one of a variant, that made the customer due. A coupon that he is
        reminded of can still be used, and a survey is not answered. Nor is the questionnaire that
        the message leads to, in this period. What the member did was not taken back, and what is
        announced can be had.
        """
        if row.account_id in self._told or row.cycle in self._reversed or self._is_off:
            return False
        if self._terms.trigger.kind is TriggerKind.COUPON_EXPIRING:
            return row.facts.get("expiring_coupon") in self._usable_codes
        if self._terms.trigger.kind is TriggerKind.SURVEY:
            return row.facts.get("order_ref") not in self._answered
        if self._terms.trigger.kind not in FOLLOW_ORDERS:
            return True
        name, _, last_on = row.cycle.rpartition(":")
        is_of_variant = self._terms.trigger.kind is TriggerKind.RUN_OUT
        variant = name.rpartition(":")[2] if is_of_variant else ""
        return last_on == self._last_orders.get((row.account_id, variant), "")

    def _read_usable_codes(self) -> set[str]:
        if self._terms.trigger.kind is not TriggerKind.COUPON_EXPIRING:
            return set()
        codes = [row.facts.get("expiring_coupon") for row in self._rows]
        usable = Coupon.objects.filter(code__in=codes, state=CouponState.ACTIVE)
        return set(usable.values_list("code", flat=True))

    def _read_answered(self) -> set[str]:
        if self._terms.trigger.kind is not TriggerKind.SURVEY:
            return set()
        refs = [row.facts.get("order_ref", "") for row in self._rows]
        answers = SurveyAnswer.objects.filter(order_ref__in=refs)
        return set(answers.values_list("order_ref", flat=True))

    def _read_told(self) -> set[int]:
        """Return whom the message would ask in vain: who answered, or all if nothing is asked."""
        message = self._terms.message
        if message is None or not message.feedback or not self._rows:
            return set()
        ids = {row.account_id for row in self._rows}
        rules = rules_of(self._rows[0].account.program.current_version_id)
        asked = rules.questionnaire(message.feedback)
        if asked is None:
            return ids
        period = period_of(asked.per, local_date(self._at, rules.time_zone))
        answers = SurveyAnswer.objects.filter(
            account__in=ids, order_ref=None, survey=asked.slug, period=period
        )
        return set(answers.values_list("account_id", flat=True))

    def _read_reversed(self) -> set[str]:
        """Return the cycles of events that were taken back."""
        if self._terms.trigger.kind is not TriggerKind.EVENT:
            return set()
        ids = [row.cycle.removeprefix("event:") for row in self._rows]
        events = MemberEvent.objects.filter(pk__in=ids).exclude(reversed_at=None)
        return {f"event:{pk}" for pk in events.values_list("pk", flat=True)}

    def _read_is_off(self) -> bool:
        """Return whether what is announced cannot be had (any more)."""
        if self._terms.trigger.kind is not TriggerKind.ANNOUNCE or not self._rows:
            return False
        program = self._rows[0].account.program
        zone = rules_of(program.current_version_id).time_zone
        return announced(self._terms.trigger, program, zone) is None

    def zone_of(self, row: Dispatch) -> str:
        """Return the customer's time zone, or the program's."""
        known = self._locales.get(row.account_id, Locale()).time_zone
        return known or rules_of(row.account.program.current_version_id).time_zone

    def language_of(self, row: Dispatch) -> str:
        """Return the customer's language; "" where he told none."""
        return self._locales.get(row.account_id, Locale()).language

    def user_of(self, row: Dispatch) -> UserFacts:
        """Return the user behind a row, who is there."""
        return self.users[str(row.account.user_id)]

    def ask_again(self) -> None:
        """Forget what was read of consents."""
        self._answers = None

    def _consent(self, account_id: int) -> Reason | None:
        why = self._why_not(account_id)
        return None if why is None else REASONS.get(why, Reason.CONSENT)

    def _why_not(self, account_id: int) -> Refused | None:
        message = self._terms.message
        if message is None:
            return None
        if self._answers is None:  # asked as late as can be, and then of all
            self._answers = may_send_to(
                list(self.addresses),
                channel=message.channel.value,
                purpose=message.purpose,
                at=self._at,
                addresses=self.addresses,
            )
        return self._answers[account_id].reason

    def _read_addresses(self, refs: set[str]) -> dict[int, str]:
        message = self._terms.message
        if message is None or not refs:
            return {}
        if message.channel is Channel.EMAIL:
            known = {
                ref: user.email
                for ref, user in self.users.items()
                if user.is_confirmed and user.email
            }
        else:
            known = host.current().phones_of(refs)
        return {
            row.account_id: known[str(row.account.user_id)]
            for row in self._rows
            if str(row.account.user_id) in known
        }

    def _read_last_orders(self) -> dict[tuple[int, str], str]:
        """Return the day of the last order by (account, variant); "" for orders of anything."""
        trigger = self._terms.trigger
        if trigger.kind not in FOLLOW_ORDERS or not self._rows:
            return {}
        if trigger.kind is TriggerKind.RUN_OUT:
            program = self._rows[0].account.program
            zone = rules_of(program.current_version_id).time_zone
            ids = {str(row.account.user_id): row.account_id for row in self._rows}
            found = rhythms(program, zone, trigger.variants, ids)
            return {
                (ids[user], variant): bought[-1].on.isoformat()
                for (user, variant), bought in found.items()
            }
        rollups = CustomerRollup.objects.filter(account__in=[row.account_id for row in self._rows])
        days = rollups.values_list("account_id", "last_on")
        return {(account_id, ""): last_on.isoformat() for account_id, last_on in days}

    def _read_sent(self) -> dict[int, list[dt.datetime]]:
        sent: dict[int, list[dt.datetime]] = defaultdict(list)
        cap = self._terms.limits.cap
        if cap is not None:
            since = self._at - dt.timedelta(days=cap.days)
            rows = Dispatch.objects.filter(
                account__in=[row.account_id for row in self._rows],
                state__in=HANDED_OVER,
                sending_at__gt=since,
            ).exclude(channel="")
            for account_id, at in rows.values_list("account_id", "sending_at"):
                sent[account_id].append(at)
        return sent
