"""What staff and apps send of an offer: its document in typed form, a filter, a sorting.

The shape follows the offer's document as ``inputs`` follows the rules: amounts by currency are
lists, goods and channels are named as the shop's API names them.
"""

from __future__ import annotations

import graphene

from saleor_retention.graphql import enums_offers
from saleor_retention.graphql.enums import RetentionWeekday
from saleor_retention.graphql.host_types import DateTime, Decimal, OrderDirection
from saleor_retention.graphql.inputs import RetentionMoneyInput, RetentionSelectionInput
from saleor_retention.graphql.scalars import RetentionWholeNumber

GOODS = "Which goods; all of them when left out."


def _whole(description: str) -> graphene.InputField:
    return graphene.InputField(RetentionWholeNumber, description=description)


def _amounts(description: str) -> graphene.List:
    return graphene.List(
        graphene.NonNull(RetentionMoneyInput), description=f"{description}, by currency."
    )


def _percent() -> graphene.InputField:
    return graphene.InputField(Decimal, description="Per cent off.")


def _selection(description: str = GOODS) -> graphene.InputField:
    return graphene.InputField(RetentionSelectionInput, description=description)


class RetentionOfferPartInput(graphene.InputObjectType):
    """So many units of a bundle, any of some goods."""

    select = _selection()
    quantity = _whole("Units; 1 when left out.")


class RetentionOfferBundleInput(graphene.InputObjectType):
    """Goods that cost less together: a price, an amount or per cent off, or the cheapest free."""

    parts = graphene.List(
        graphene.NonNull(RetentionOfferPartInput), description="What belongs to one bundle."
    )
    prices = _amounts("What the bundle costs")
    amounts = _amounts("What comes off the bundle")
    percent = _percent()
    cheapest_free = _whole("So many of the cheapest units are free.")


class RetentionOfferQuantityStepInput(graphene.InputObjectType):
    """From so many units on, each costs less."""

    from_quantity = _whole("Units bought.")
    percent = _percent()
    amounts = _amounts("What comes off each unit")
    prices = _amounts("What each unit costs")


class RetentionOfferQuantityInput(graphene.InputObjectType):
    """A price per unit by the number bought."""

    select = _selection()
    steps = graphene.List(
        graphene.NonNull(RetentionOfferQuantityStepInput), description="The steps, lowest first."
    )
    units_max = _whole("The most units of an order that cost less.")


class RetentionOfferOpeningInput(graphene.InputObjectType):
    """What opens an add-on price or a gift: other goods, or what they come to."""

    select = _selection("Goods of which some have to be bought.")
    quantity = _whole("Units of them for each time; 1 when left out.")
    from_amounts = _amounts("What the other goods have to come to at least")
    below_amounts = _amounts("What the other goods have to stay below")
    below_offer = graphene.String(
        description="Slug of an offer of free shipping: the other goods have to stay below what it "
        "asks for, also when that is changed. Instead of `belowAmounts`."
    )


class RetentionOfferAddOnInput(graphene.InputObjectType):
    """A price for goods that other goods, or what they come to, open."""

    select = _selection()
    percent = _percent()
    amounts = _amounts("What comes off each unit")
    prices = _amounts("What each unit costs")
    opens = graphene.InputField(RetentionOfferOpeningInput, description="What opens it.")
    units_each = _whole("Units for each time that it is opened; 1 when left out.")


class RetentionOfferGiftInput(graphene.InputObjectType):
    """Free units from a list to choose from."""

    variants = graphene.List(
        graphene.NonNull(graphene.ID), description="Ids of the variants to choose from."
    )
    quantity = _whole("Free units in an order; 1 when left out.")
    opens = graphene.InputField(
        RetentionOfferOpeningInput, description="What opens it; every order when left out."
    )


class RetentionOfferPunchCardInput(graphene.InputObjectType):
    """After so many units bought in earlier orders, one costs less: nothing, unless said."""

    select = _selection()
    buy = _whole("Units to be bought for one reward.")
    percent = _percent()
    amounts = _amounts("What comes off the rewarded unit")
    prices = _amounts("What the rewarded unit costs")


class RetentionOfferMemberPriceInput(graphene.InputObjectType):
    """A price per unit for those whom the offer is for."""

    select = _selection()
    percent = _percent()
    amounts = _amounts("What comes off each unit")
    prices = _amounts("What each unit costs")


class RetentionOfferSpendStepInput(graphene.InputObjectType):
    """From so much spent on, something comes off."""

    from_amounts = _amounts("What the goods have to come to")
    percent = _percent()
    amounts = _amounts("What comes off the goods")


class RetentionOfferThresholdInput(graphene.InputObjectType):
    """Something off when what is paid for some goods reaches a step."""

    select = _selection()
    steps = graphene.List(
        graphene.NonNull(RetentionOfferSpendStepInput), description="The steps, lowest first."
    )


class RetentionOfferFreeShippingInput(graphene.InputObjectType):
    """Shipping at no price."""

    select = _selection("Goods that count for the amount; all of them when left out.")
    from_amounts = _amounts("What they have to come to")


class RetentionOfferAudienceInput(graphene.InputObjectType):
    """Who it is for. Of a list any element will do; all conditions hold together."""

    members_only = graphene.Boolean(description="Only for members.")
    tiers = graphene.List(graphene.NonNull(graphene.String), description="Slugs of tiers.")
    segments = graphene.List(graphene.NonNull(graphene.String), description="Slugs of segments.")
    tags = graphene.List(graphene.NonNull(graphene.String), description="Tags of customers.")
    novelty = enums_offers.RetentionOfferNovelty(
        description="Only for those who have, or have not, ordered before."
    )
    granted_only = graphene.Boolean(
        description="Only for those to whom it was given, as the benefit of a campaign."
    )


class RetentionOfferLimitsInput(graphene.InputObjectType):
    """How often it may be used."""

    per_order = _whole("In one order.")
    per_customer = _whole("By one member.")
    in_total = _whole("By all together.")
    period = enums_offers.RetentionOfferPeriod(
        description="`perCustomer` and `inTotal` count afresh in each; of all time when left out."
    )
    total_period = enums_offers.RetentionOfferPeriod(
        description="`inTotal` counts afresh in each of these instead of `period`."
    )


class RetentionOfferInput(graphene.InputObjectType):
    """What an offer gives, when, to whom and how often.

    Exactly one of the kinds' own fields is given, that of ``kind``. In an update, what is left out
    stays as it is, and null takes it away. Lists are replaced as a whole.
    """

    kind = enums_offers.RetentionOfferKind(description="What it gives.")
    bundle = graphene.InputField(RetentionOfferBundleInput, description="Of a bundle.")
    quantity = graphene.InputField(RetentionOfferQuantityInput, description="Of a quantity price.")
    add_on = graphene.InputField(RetentionOfferAddOnInput, description="Of an add-on price.")
    gift = graphene.InputField(RetentionOfferGiftInput, description="Of a gift.")
    punch_card = graphene.InputField(RetentionOfferPunchCardInput, description="Of a punch card.")
    member_price = graphene.InputField(
        RetentionOfferMemberPriceInput, description="Of a member price."
    )
    threshold = graphene.InputField(
        RetentionOfferThresholdInput, description="Of a spend threshold."
    )
    free_shipping = graphene.InputField(
        RetentionOfferFreeShippingInput, description="Of free shipping."
    )
    channels = graphene.List(
        graphene.NonNull(graphene.String),
        description="Slugs of the channels it is for; all of the program's when left out.",
    )
    starts_at = graphene.InputField(DateTime, description="When it begins.")
    ends_at = graphene.InputField(
        DateTime, description="When it ends: the first instant at which it is over."
    )
    weekdays = graphene.List(
        graphene.NonNull(RetentionWeekday),
        description="On these weekdays only, in the program's time zone.",
    )
    audience = graphene.InputField(RetentionOfferAudienceInput, description="Who it is for.")
    limits = graphene.InputField(RetentionOfferLimitsInput, description="How often it may be used.")
    group = graphene.String(
        description="Slug of an exclusion group: of its offers at most one applies to an order."
    )
    floor = _amounts("No unit that it lowers costs less than this")
    priority = _whole("Decides between equal prices, and nothing else; 0 when left out.")


class RetentionOfferCreateInput(graphene.InputObjectType):
    """A new offer."""

    slug = graphene.String(description="A stable name, unique in the program.", required=True)
    name = graphene.String(description="What customers read.", required=True)
    is_active = graphene.Boolean(description="Whether it is on at once; true when left out.")
    offer = graphene.InputField(
        RetentionOfferInput, description="What it gives, when and to whom.", required=True
    )


class RetentionOfferUpdateInput(graphene.InputObjectType):
    """What can be changed of an offer. What is left out stays as it is."""

    name = graphene.String(description="What customers read.")
    offer = graphene.InputField(RetentionOfferInput, description="What it gives, when and to whom.")


class RetentionOfferFilterInput(graphene.InputObjectType):
    """Which offers to list. Every condition that is given must hold."""

    search = graphene.String(description="Part of the name or the slug.")
    kinds = graphene.List(
        graphene.NonNull(enums_offers.RetentionOfferKind), description="Of these kinds."
    )
    is_active = graphene.Boolean(description="Whether it is switched on.")
    states = graphene.List(
        graphene.NonNull(enums_offers.RetentionOfferState), description="In these states."
    )


class RetentionOfferSortingInput(graphene.InputObjectType):
    """How to sort offers."""

    field = enums_offers.RetentionOfferSortField(description="What to sort by.", required=True)
    direction = graphene.InputField(
        OrderDirection, description="Which end comes first.", required=True
    )


class RetentionOfferLineInput(graphene.InputObjectType):
    """Goods of an imagined cart."""

    variant_id = graphene.ID(description="The variant.", required=True)
    quantity = graphene.InputField(RetentionWholeNumber, description="Units.", required=True)


class RetentionOfferGiftPickInput(graphene.InputObjectType):
    """Gifts that the shopper of an imagined cart chooses."""

    offer_id = graphene.ID(description="The offer; a new one that is tried when left out.")
    variant_ids = graphene.List(
        graphene.NonNull(graphene.ID),
        description="The gifts; a unit of each is added unless the lines have it.",
        required=True,
    )
