"""What is held about a customer, over GraphQL: for staff, and for the customer."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

import graphene
from graphql.error import GraphQLError

from saleor_retention import conf, host
from saleor_retention.export.records import record_of
from saleor_retention.graphql.context import requestor, require
from saleor_retention.graphql.enums import described
from saleor_retention.graphql.errors import PermissionDenied, discreet
from saleor_retention.graphql.lookups import account_of
from saleor_retention.selectors import holdings, persons
from saleor_retention.selectors.holdings import Place, Section
from saleor_retention.selectors.persons import Person
from saleor_retention.services.membership.exporting import note_export

FIRST = 100

RetentionExportSection = described(
    "RetentionExportSection",
    Section,
    "What a record of an export is about.",
    {
        Section.ACCOUNT: "An account with its balance and tier.",
        Section.ADDRESS: "An e-mail address that the customer has or had, as a hash.",
        Section.PROFILE: "A fact that the customer told.",
        Section.CONSENT: "An answer to whether the customer agrees.",
        Section.SUPPRESSION: "The customer's address on the list that nothing is sent to.",
        Section.TIER_CHANGE: "A change of tier.",
        Section.LOT: "Points earned together.",
        Section.LOT_EXTENSION: "Points that last longer by what the customer did.",
        Section.ORDER: "What an order did to the points.",
        Section.RECEIPT: "A sale at a point of sale.",
        Section.CART: "The benefits in a cart.",
        Section.HOLD: "Points set aside for a cart.",
        Section.CUSTOMER: "What the orders come to in all.",
        Section.SEGMENT: "A segment that the customer is in.",
        Section.SEGMENT_EVENT: "When the customer came into a segment or went out of it.",
        Section.TAG: "A tag that the customer bears.",
        Section.DISPATCH: "What a campaign meant for the customer, and what became of it.",
        Section.EXPERIMENT: "An experiment that chance put the customer into, and on which side.",
        Section.OFFER_GRANT: "Offers that were given to the customer alone.",
        Section.OFFER_USE: "What a cart or an order uses of an offer.",
        Section.STAMPS: "What an order put on a punch card.",
        Section.COUPON: "A coupon that the customer was given.",
        Section.COUPON_USE: "A use of a coupon.",
        Section.EVENT: "Something done that was rewarded, such as a review.",
        Section.REFERRAL_CODE: "The code that the customer gives to friends.",
        Section.REFERRAL: "A friend who was referred, or the customer as the friend.",
        Section.SURVEY: "What the customer answered about an order, or to a questionnaire.",
        Section.FOLLOW_UP: "A task of staff about the customer.",
        Section.MOVEMENT: "A movement of points, the newest first.",
        Section.AUDIT: "What staff, an app or a command did about the customer.",
    },
)


class RetentionExportRecord(graphene.ObjectType):
    """One thing that is held about a customer."""

    section = RetentionExportSection(description="What it is about.", required=True)
    program = graphene.String(description="Slug of the program.", required=True)
    text = graphene.String(description="What it says, in a sentence.", required=True)
    data = graphene.String(description="Its values, as JSON.", required=True)


class RetentionExport(graphene.ObjectType):
    """A page of everything that is held about a customer."""

    records = graphene.List(
        graphene.NonNull(RetentionExportRecord),
        description="The records; none where nothing is held.",
        required=True,
    )
    end_cursor = graphene.String(description="Where to go on from; null at the end.")
    has_next_page = graphene.Boolean(description="Whether there is more.", required=True)


ARGUMENTS: dict[str, Any] = {
    "first": graphene.Int(description="How many records, 100 at most.", default_value=FIRST),
    "after": graphene.String(description="The `endCursor` of the page before."),
}


@discreet
def resolve_member_export(
    _root: Any,
    info: Any,
    id: str,  # noqa: A002 - the argument's name in Saleor's API
    first: int,
    after: str | None = None,
) -> RetentionExport:
    """Return what is held about a member's customer, for those who manage customers.

    The audit trail says who read it, once for an export of many pages.
    """
    asks = require(info, "users")
    person = persons.of_account(account_of(id, "id"))
    exported = _exported(person, first, after, is_for_staff=True)
    with host.current().writer():
        note_export(persons.account_ids(person), actor_ref=asks.actor_ref)
    return exported


@discreet
def resolve_my_export(
    _root: Any, info: Any, first: int, after: str | None = None
) -> RetentionExport:
    """Return what is held about the logged-in customer, but for the words of staff."""
    asks = requestor(info)
    if asks.user_ref is None or asks.app_ref is not None:
        raise PermissionDenied("Log in to see what is held about you.")
    return _exported(persons.of_user(asks.user_ref), first, after, is_for_staff=False)


def _exported(
    person: Person, first: int, after: str | None, *, is_for_staff: bool
) -> RetentionExport:
    most = int(conf.get("PAGE_SIZE_MAX"))
    if not 0 < first <= most:
        raise GraphQLError(f"`first` is from 1 to {most}, not {first}.")
    page = holdings.page(persons.account_ids(person), first, _place(after))
    records = [record_of(holding, is_for_staff=is_for_staff) for holding in page.holdings]
    return RetentionExport(
        records=[
            RetentionExportRecord(
                section=record.section.value,
                program=record.program,
                text=record.text,
                data=json.dumps(record.data, ensure_ascii=False),
            )
            for record in records
        ],
        end_cursor=None if page.end is None else _cursor(page.end),
        has_next_page=page.end is not None,
    )


def _cursor(place: Place) -> str:
    text = json.dumps([place.account_id, place.section.value, place.last])
    return base64.urlsafe_b64encode(text.encode()).decode()


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    try:
        account_id, section, last = json.loads(base64.urlsafe_b64decode(cursor))
        if section != Section.CART.value and last:
            int(last)
        return Place(int(account_id), Section(section), str(last))
    except (binascii.Error, ValueError, TypeError):
        raise GraphQLError("`after` is no cursor of an export.") from None
