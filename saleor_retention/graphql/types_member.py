"""A membership as its customer and staff see it: points, lots, history, tier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import graphene
from graphql.error import GraphQLError
from promise import Promise

from saleor_retention import host
from saleor_retention.engine import tiers
from saleor_retention.engine.redemption import value_of
from saleor_retention.graphql import enums, paging, words
from saleor_retention.graphql.context import require
from saleor_retention.graphql.dataloaders.members import (
    BalanceOf,
    LotsOf,
    MetricOf,
    OrderNumber,
    UserById,
)
from saleor_retention.graphql.dataloaders.pages import (
    MovementPages,
    TierChangePages,
    total_change,
)
from saleor_retention.graphql.dataloaders.programs import ProgramById, channels
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import DateTime, Money, User, money
from saleor_retention.graphql.types_program import (
    RetentionBenefit,
    RetentionProgram,
    RetentionThreshold,
    Terms,
    benefit_types,
    threshold_type,
)
from saleor_retention.models import Account, AccountState, Program, TierChange, Transaction
from saleor_retention.selectors import receipts
from saleor_retention.selectors.programs import rules_of

LOTS_MAX = 100


@dataclass(frozen=True, slots=True)
class Member:
    """A member's account, and the currency of the channel that was asked about."""

    account: Account
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a member's history with what it takes to say it."""

    row: Any
    number: str = ""  # the order's


class RetentionBalance(graphene.ObjectType):
    """A member's points, true at this instant whether or not any job has run."""

    available = graphene.Int(description="Points that can be spent.", required=True)
    pending = graphene.Int(description="Points earned that cannot be spent yet.", required=True)
    held = graphene.Int(description="Points set aside for open checkouts.", required=True)
    deficit = graphene.Int(
        description="Points owed; later ones repay them before any can be spent.", required=True
    )


class RetentionLot(graphene.ObjectType):
    """Points earned together, with one expiry. Those that expire first are spent first."""

    points = graphene.Int(description="Points left of it.", required=True)
    held = graphene.Int(
        description="Points of it that are set aside for checkouts, besides.", required=True
    )
    state = enums.RetentionLotState(description="Whether they can be spent now.", required=True)
    valid_from = graphene.Field(
        DateTime, description="From when they can be spent; null while that waits for shipping."
    )
    expires_at = graphene.Field(DateTime, description="When they expire; null for never.")


class RetentionLedgerEntry(graphene.ObjectType):
    """One signed movement in one account of the ledger."""

    book = enums.RetentionBook(description="The account.", required=True)
    points = graphene.Int(description="The movement.", required=True)


class RetentionAudit(graphene.ObjectType):
    """Who and what moved points, for staff."""

    recorded_at = graphene.Field(DateTime, description="When it was written.", required=True)
    key = graphene.String(description="The idempotency key.", required=True)
    rule_key = graphene.String(description="The rule that it follows from.", required=True)
    cause = graphene.String(description="What brought it about.", required=True)
    actor_id = graphene.ID(description="The user or app that did it; null when nobody did.")
    note = graphene.String(description="The reason that was typed; null when there is none.")
    version = graphene.Int(description="The number of the program's version in force.")
    entries = graphene.List(
        graphene.NonNull(RetentionLedgerEntry),
        description="The movements, which sum to zero.",
        required=True,
    )


class RetentionHistoryEntry(graphene.ObjectType):
    """One movement of a member's points, with its reason."""

    id = graphene.ID(description="The entry's id.", required=True)
    at = graphene.Field(DateTime, description="When it took effect.", required=True)
    kind = enums.RetentionHistoryKind(description="Why points moved.", required=True)
    points = graphene.Int(
        description="The change of the member's points. Where they only moved between pending, "
        "set aside and available, how many became available.",
        required=True,
    )
    change = graphene.Field(
        RetentionBalance, description="The change of each balance.", required=True
    )
    text = graphene.String(description="The reason in words.", required=True)
    order_id = graphene.ID(description="The order it belongs to.")
    order_number = graphene.String(description="The order's or receipt's number.")
    audit = graphene.Field(
        RetentionAudit, description="Who and what moved them. Requires MANAGE_USERS."
    )

    @staticmethod
    def resolve_id(root: Row, _info: Any) -> str:
        """Return the global id."""
        return host.current().to_global_id("RetentionHistoryEntry", str(root.row.pk))

    @staticmethod
    def resolve_at(root: Row, _info: Any) -> Any:
        """Return when it took effect."""
        return root.row.effective_at

    @staticmethod
    def resolve_kind(root: Row, _info: Any) -> str:
        """Return why points moved."""
        return str(root.row.kind)

    @staticmethod
    def resolve_points(root: Row, _info: Any) -> int:
        """Return what changed for the member."""
        return total_change(root.row.change)

    @staticmethod
    def resolve_change(root: Row, _info: Any) -> RetentionBalance:
        """Return the change of each balance; the deficit counts what is owed."""
        change = root.row.change
        return RetentionBalance(
            available=change.get("available", 0),
            pending=change.get("pending", 0),
            held=change.get("held", 0),
            deficit=-change.get("deficit", 0),
        )

    @staticmethod
    def resolve_text(root: Row, _info: Any) -> str:
        """Return the reason in words."""
        return words.reason(root.row.kind, root.row.rule_key, root.number)

    @staticmethod
    def resolve_order_id(root: Row, _info: Any) -> str | None:
        """Return the order's global id; a receipt of a point of sale has none."""
        return order_id(root.row.order_ref)

    @staticmethod
    def resolve_order_number(root: Row, _info: Any) -> str | None:
        """Return the number that the customer knows."""
        return root.number or None

    @staticmethod
    def resolve_audit(root: Row, info: Any) -> RetentionAudit:
        """Return who and what moved them, for staff."""
        require(info, "users")
        return audit_type(root.row)


class RetentionHistoryConnection(paging.Connection):
    """A member's history, newest first."""

    class Meta:
        """Of history entries."""

        node = RetentionHistoryEntry


class RetentionTierChange(graphene.ObjectType):
    """One change of a member's tier."""

    at = graphene.Field(DateTime, description="When it changed.", required=True)
    kind = enums.RetentionTierChangeKind(description="Why it changed.", required=True)
    from_tier = graphene.String(description="Slug of the tier before; null for none.")
    to_tier = graphene.String(description="Slug of the tier after; null for none.")
    value = graphene.Field(
        RetentionThreshold, description="What the member had reached, where that decided."
    )
    valid_until = graphene.Field(DateTime, description="Until when it holds; null for no end.")
    order_id = graphene.ID(description="The order that brought it about.")
    actor_id = graphene.ID(description="The user or app that changed it. Requires MANAGE_USERS.")
    note = graphene.String(description="The reason that was typed. Requires MANAGE_USERS.")

    @staticmethod
    def resolve_from_tier(root: TierChange, _info: Any) -> str | None:
        """Return the tier before."""
        return root.from_tier or None

    @staticmethod
    def resolve_to_tier(root: TierChange, _info: Any) -> str | None:
        """Return the tier after."""
        return root.to_tier or None

    @staticmethod
    @discreet
    def resolve_value(root: TierChange, _info: Any) -> Any:
        """Return the sum that justified it, in what the ladder counted then."""
        if root.metric_value is None:
            return None
        return threshold_type(root.metric_value, rules_of(root.version_id))

    @staticmethod
    def resolve_order_id(root: TierChange, _info: Any) -> str | None:
        """Return the order's global id."""
        return order_id(root.order_ref)

    @staticmethod
    def resolve_actor_id(root: TierChange, info: Any) -> str | None:
        """Return who changed it, for staff."""
        require(info, "users")
        return actor_id(root.actor_ref)

    @staticmethod
    def resolve_note(root: TierChange, info: Any) -> str | None:
        """Return the typed reason, for staff."""
        require(info, "users")
        return note_of(root)


class RetentionTierChangeConnection(paging.Connection):
    """A member's tiers over time, newest first."""

    class Meta:
        """Of tier changes."""

        node = RetentionTierChange


class RetentionMemberTier(graphene.ObjectType):
    """The tier that a member has now."""

    slug = graphene.String(description="A stable name.", required=True)
    name = graphene.String(description="What customers read.", required=True)
    since = graphene.Field(DateTime, description="Since when.")
    valid_until = graphene.Field(DateTime, description="Until when it holds; null for no end.")
    is_manual = graphene.Boolean(description="Whether staff set it.", required=True)
    benefits = graphene.List(
        graphene.NonNull(RetentionBenefit), description="What it gives.", required=True
    )


class RetentionNextTier(graphene.ObjectType):
    """The next step of the ladder and what is missing to it."""

    slug = graphene.String(description="A stable name.", required=True)
    name = graphene.String(description="What customers read.", required=True)
    missing = graphene.Field(RetentionThreshold, description="What is missing.", required=True)
    text = graphene.String(description="What is missing, in words.", required=True)
    benefits = graphene.List(
        graphene.NonNull(RetentionBenefit), description="What it would give.", required=True
    )


class RetentionMember(graphene.ObjectType):
    """A customer's membership of a program."""

    id = graphene.ID(description="The member's id.", required=True)
    number = graphene.String(
        description="The member number, such as a till asks for.", required=True
    )
    state = enums.RetentionMemberState(description="What kind of account it is.", required=True)
    program = graphene.Field(RetentionProgram, description="The program.", required=True)
    user = graphene.Field(User, description="The customer; null for a guest or an erased one.")
    joined_at = graphene.Field(DateTime, description="Since when.", required=True)
    last_activity_at = graphene.Field(
        DateTime, description="When points were last earned or spent.", required=True
    )
    balance = graphene.Field(RetentionBalance, description="The points.", required=True)
    value = graphene.Field(
        Money,
        description="What the available points are worth at the checkout.",
        currency=graphene.String(
            description="ISO 4217 code; by default that of the channel asked about."
        ),
    )
    lots = graphene.List(
        graphene.NonNull(RetentionLot),
        description="Points by expiry, those that expire first at the top.",
        required=True,
        first=graphene.Int(description="How many lots, 100 at most.", default_value=20),
    )
    history = graphene.Field(
        RetentionHistoryConnection,
        description="Every movement of points, newest first.",
        required=True,
        **paging.ARGUMENTS,
    )
    tier = graphene.Field(RetentionMemberTier, description="The tier; null for none.")
    next_tier = graphene.Field(
        RetentionNextTier, description="The next tier; null at the top of the ladder."
    )
    tier_changes = graphene.Field(
        RetentionTierChangeConnection,
        description="Every change of tier, newest first.",
        required=True,
        **paging.ARGUMENTS,
    )

    @staticmethod
    def resolve_id(root: Member, _info: Any) -> str:
        """Return the global id."""
        return host.current().to_global_id("RetentionMember", str(root.account.pk))

    @staticmethod
    def resolve_number(root: Member, _info: Any) -> str:
        """Return the member number."""
        return str(root.account.member_number)

    @staticmethod
    def resolve_state(root: Member, _info: Any) -> str:
        """Return what kind of account it is."""
        return str(root.account.state)

    @staticmethod
    @discreet
    def resolve_program(root: Member, info: Any) -> Any:
        """Promise the program."""
        return ProgramById.of(info).load(root.account.program_id)

    @staticmethod
    @discreet
    def resolve_user(root: Member, info: Any) -> Any:
        """Promise the customer."""
        if root.account.user_id is None:
            return None
        return UserById.of(info).load(root.account.user_id)

    @staticmethod
    def resolve_joined_at(root: Member, _info: Any) -> Any:
        """Return since when."""
        return root.account.joined_at

    @staticmethod
    def resolve_last_activity_at(root: Member, _info: Any) -> Any:
        """Return when points were last earned or spent."""
        return root.account.last_activity_at

    @staticmethod
    @discreet
    def resolve_balance(root: Member, info: Any) -> Any:
        """Promise the balance of this instant."""
        return BalanceOf.of(info).load(root.account.pk)

    @staticmethod
    @discreet
    def resolve_value(root: Member, info: Any, currency: str | None = None) -> Any:
        """Promise what the available points are worth; null where points have no value."""
        wanted = currency or root.currency

        def worth(loaded: list[Any]) -> Any:
            program, balance, places = loaded
            code = wanted or _currency_of(program, places)
            value = Terms.of(program).rules.point_values.get(code or "")
            return None if value is None else money(value_of(balance.available, value), code or "")

        return _all(info, root, BalanceOf.of(info).load(root.account.pk), channels(info)).then(
            worth
        )

    @staticmethod
    @discreet
    def resolve_lots(root: Member, info: Any, first: int) -> Any:
        """Promise the lots that live at this instant."""
        if not 0 < first <= LOTS_MAX:
            raise GraphQLError(f"`lots` gives from 1 to {LOTS_MAX}, not {first}.")
        return LotsOf.of(info).load(root.account.pk).then(lambda lots: (lots or ())[:first])

    @staticmethod
    @discreet
    def resolve_history(root: Member, info: Any, **arguments: Any) -> Any:
        """Promise a page of the history."""
        window = paging.Window.of("history", arguments, paging.row_id)
        loaded = MovementPages.of(info).load((root.account.pk, window))
        return loaded.then(lambda rows: _with_numbers(info, rows)).then(
            lambda rows: paging.connection_of(
                RetentionHistoryConnection,
                rows,
                window,
                lambda row: paging.encoded(row.row.pk),
                count=Transaction.objects.filter(account_id=root.account.pk).count,
            )
        )

    @staticmethod
    @discreet
    def resolve_tier(root: Member, info: Any) -> Any:
        """Promise the tier in force."""
        account = root.account
        if not account.tier or account.state != AccountState.MEMBER:
            return None

        def shown(program: Program) -> RetentionMemberTier | None:
            terms = Terms.of(program)
            tier = terms.rules.tier(account.tier)
            if tier is None:
                return None
            return RetentionMemberTier(
                slug=tier.slug,
                name=tier.name,
                since=account.tier_since,
                valid_until=account.tier_valid_until,
                is_manual=account.is_tier_manual,
                benefits=benefit_types(tier, terms),
            )

        return ProgramById.of(info).load(account.program_id).then(shown)

    @staticmethod
    @discreet
    def resolve_next_tier(root: Member, info: Any) -> Any:
        """Promise the next tier, and what is missing."""
        if root.account.state != AccountState.MEMBER:
            return None
        return _all(info, root, MetricOf.of(info).load(root.account)).then(
            lambda loaded: _next_tier(root.account, *loaded)
        )

    @staticmethod
    @discreet
    def resolve_tier_changes(root: Member, info: Any, **arguments: Any) -> Any:
        """Promise a page of the tier's history."""
        window = paging.Window.of("tierChanges", arguments, paging.row_id)
        loaded = TierChangePages.of(info).load((root.account.pk, window))
        return loaded.then(
            lambda rows: paging.connection_of(
                RetentionTierChangeConnection,
                rows,
                window,
                lambda row: paging.encoded(row.pk),
                count=TierChange.objects.filter(account_id=root.account.pk).count,
            )
        )


class RetentionMemberConnection(paging.Connection):
    """Members, a page at a time."""

    class Meta:
        """Of members."""

        node = RetentionMember


def order_id(order_ref: str) -> str | None:
    """Return an order's global id; None where there is none, as for a receipt."""
    if not order_ref or order_ref.startswith(receipts.PREFIX):
        return None
    return host.current().to_global_id("Order", order_ref)


def actor_id(actor_ref: str) -> str | None:
    """Return the global id of "user:<pk>" or "app:<pk>"."""
    kind, _, ref = actor_ref.partition(":")
    return host.current().to_global_id(kind.capitalize(), ref) if ref else None


def note_of(row: Any) -> str | None:
    """Return the words that were typed, unless they were redacted since."""
    return row.note.text if row.note is not None and row.note.redacted_at is None else None


def audit_type(row: Transaction) -> RetentionAudit:
    """Return who and what moved points."""
    return RetentionAudit(
        recorded_at=row.recorded_at,
        key=row.key,
        rule_key=row.rule_key,
        cause=row.cause,
        actor_id=actor_id(row.actor_ref),
        note=note_of(row),
        version=row.version.number if row.version is not None else None,
        entries=[
            RetentionLedgerEntry(book=book, points=points)
            for book, points in sorted(row.change.items())
        ],
    )


def _all(info: Any, root: Member, *others: Any) -> Any:
    """Promise the member's program and other things."""
    return Promise.all([ProgramById.of(info).load(root.account.program_id), *others])


def _with_numbers(info: Any, rows: list[Transaction]) -> Any:
    """Promise the rows with the numbers of their orders."""
    refs = [row.order_ref for row in rows]
    known = sorted({ref for ref in refs if ref})

    def joined(numbers: list[str | None]) -> list[Row]:
        by_ref = dict(zip(known, numbers, strict=True))
        return [Row(row, by_ref.get(row.order_ref) or "") for row in rows]

    return OrderNumber.of(info).load_many(known).then(joined)


def _next_tier(account: Account, program: Program, value: int) -> RetentionNextTier | None:
    terms = Terms.of(program)
    progress = tiers.progress(terms.rules.ladder, account.tier or None, value)
    tier = progress.next_tier
    if tier is None or progress.missing is None:
        return None
    currency = terms.rules.reference_currency
    metric = terms.rules.ladder.metric
    return RetentionNextTier(
        slug=tier.slug,
        name=tier.name,
        missing=threshold_type(progress.missing, terms.rules),
        text=words.missing(
            metric, progress.missing, currency, terms.exponents.get(currency, 0), tier.name
        ),
        benefits=benefit_types(tier, terms),
    )


def _currency_of(program: Program, places: Any) -> str | None:
    """Return the currency of the program's first channel that still exists."""
    refs = {place.channel_ref for place in program.channels.all()}
    return next((place.currency for place in places if place.ref in refs), None)
