"""What staff and apps send: a program's rules in typed form, filters, sales of a point of sale.

The shape follows the rules document, but for two things that GraphQL cannot say: a mapping by
currency is a list of items that name their currency, and goods are named by their global ids.
``documents`` turns it into the document, so that there is one validator for all ways in.
"""

from __future__ import annotations

import graphene

from saleor_retention.graphql import enums
from saleor_retention.graphql.enums_consents import (
    RetentionConsentChannel,
    RetentionFieldType,
)
from saleor_retention.graphql.host_types import Date, DateTime, Decimal, OrderDirection
from saleor_retention.graphql.inputs_surveys import RetentionFeedbackInput, RetentionSurveyInput
from saleor_retention.graphql.scalars import RetentionWholeNumber


class RetentionMoneyInput(graphene.InputObjectType):
    """An amount of money in one currency."""

    currency = graphene.String(description="ISO 4217 code of the currency.", required=True)
    amount = graphene.InputField(
        Decimal, description="The amount, in units such as dollars.", required=True
    )


class RetentionEarnRateInput(graphene.InputObjectType):
    """How many points an amount of money earns in one currency."""

    currency = graphene.String(description="ISO 4217 code of the currency.", required=True)
    points = graphene.InputField(Decimal, description="Points earned.", required=True)
    per = graphene.InputField(
        Decimal, description="Money that has to be spent for them.", required=True
    )


class RetentionExchangeRateInput(graphene.InputObjectType):
    """What one unit of a currency is worth in the reference currency."""

    currency = graphene.String(description="ISO 4217 code of the currency.", required=True)
    rate = graphene.InputField(
        Decimal, description="Units of the reference currency for one unit.", required=True
    )


class RetentionSelectionInput(graphene.InputObjectType):
    """Some goods. An item that is in any of the lists belongs to them; no list means all goods."""

    products = graphene.List(graphene.NonNull(graphene.ID), description="Ids of products.")
    variants = graphene.List(graphene.NonNull(graphene.ID), description="Ids of product variants.")
    categories = graphene.List(
        graphene.NonNull(graphene.ID), description="Ids of categories; their children are included."
    )
    collections = graphene.List(graphene.NonNull(graphene.ID), description="Ids of collections.")


class RetentionEarnInput(graphene.InputObjectType):
    """How orders earn points."""

    rates = graphene.List(
        graphene.NonNull(RetentionEarnRateInput),
        description="One rate for each currency; replaces all of them.",
    )
    include_tax = graphene.Boolean(description="Whether tax earns points too.")
    include_shipping = graphene.Boolean(description="Whether shipping earns points too.")
    include_drafts = graphene.Boolean(description="Whether orders entered by staff earn.")
    include_reissues = graphene.Boolean(description="Whether replacements for earlier orders earn.")
    include_bulk_orders = graphene.Boolean(description="Whether imported orders earn.")
    points_per_order_max = graphene.InputField(
        RetentionWholeNumber,
        description="The most points that one order earns.",
    )
    points_per_day_max = graphene.InputField(
        RetentionWholeNumber,
        description="The most points that a member's orders earn in a day.",
    )
    points_per_month_max = graphene.InputField(
        RetentionWholeNumber,
        description="The most points that a member's orders earn in a calendar month.",
    )
    points_per_member_max = graphene.InputField(
        RetentionWholeNumber,
        description="The most points that a member's orders ever earn.",
    )


class RetentionReferenceInput(graphene.InputObjectType):
    """The currency that tiers count in, and what the others are worth in it."""

    currency = graphene.String(description="ISO 4217 code of the reference currency.")
    rates = graphene.List(
        graphene.NonNull(RetentionExchangeRateInput),
        description="Rates of the other currencies, as the shop states them; replaces all of them.",
    )


class RetentionMultiplierInput(graphene.InputObjectType):
    """More points on some goods or days, such as a member day."""

    name = graphene.String(description="What customers read.", required=True)
    factor = graphene.InputField(Decimal, description="Times how many points.", required=True)
    weekdays = graphene.List(
        graphene.NonNull(enums.RetentionWeekday), description="On these weekdays only."
    )
    starts_on = graphene.InputField(Date, description="The first day.")
    ends_on = graphene.InputField(Date, description="The last day, included.")
    select = graphene.InputField(RetentionSelectionInput, description="For these goods only.")


class RetentionMaturingInput(graphene.InputObjectType):
    """When earned points become available."""

    rule = enums.RetentionMaturingRule(description="What they wait for.")
    days = graphene.InputField(
        RetentionWholeNumber, description="Days, where the rule counts them."
    )


class RetentionExpiryInput(graphene.InputObjectType):
    """When points that were not spent expire."""

    policy = enums.RetentionExpiryPolicy(description="What is counted.")
    count = graphene.InputField(
        RetentionWholeNumber, description="How many days, months or years, as the policy says."
    )
    restore_grace_days = graphene.InputField(
        RetentionWholeNumber,
        description="Days that points live which come back after they expired.",
    )


class RetentionRedemptionInput(graphene.InputObjectType):
    """How points may be spent at a checkout."""

    enabled = graphene.Boolean(description="Whether they may be spent at all.")
    minimum_points = graphene.InputField(
        RetentionWholeNumber, description="The fewest points that may be spent at once."
    )
    block_points = graphene.InputField(
        RetentionWholeNumber, description="Only multiples of this may be spent."
    )
    order_share_max = graphene.InputField(
        Decimal, description="The largest share of the goods that points may pay, from 0 to 1."
    )
    hold_minutes = graphene.InputField(
        RetentionWholeNumber,
        description="Minutes after which points set for a checkout are free again; each change of "
        "the checkout starts them anew.",
    )
    points_per_day_max = graphene.InputField(
        RetentionWholeNumber,
        description="The most points that a member may spend in a day.",
    )
    points_per_month_max = graphene.InputField(
        RetentionWholeNumber,
        description="The most points that a member may spend in a calendar month.",
    )


class RetentionDeficitInput(graphene.InputObjectType):
    """What happens when points that are to be taken back were spent already."""

    policy = enums.RetentionDeficitPolicy(description="What happens.")
    goodwill_repays = graphene.Boolean(
        description="Whether points granted by staff repay what a member owes."
    )


class RetentionGrantAllowanceInput(graphene.InputObjectType):
    """What a permission group or an app may grant. What is left out is as for everybody."""

    name = graphene.String(description="The group's or the app's name.", required=True)
    points_max = graphene.InputField(
        RetentionWholeNumber, description="The most points that may be granted at once."
    )
    points_per_day_max = graphene.InputField(
        RetentionWholeNumber,
        description="The most points that each of the group, or the app, may grant in a day.",
    )


class RetentionGrantsInput(graphene.InputObjectType):
    """Limits of what staff may grant."""

    points_max = graphene.InputField(
        RetentionWholeNumber, description="The most points that may be granted at once."
    )
    points_per_day_max = graphene.InputField(
        RetentionWholeNumber,
        description="The most points that one member of staff or one app may grant in a day.",
    )
    groups = graphene.List(
        graphene.NonNull(RetentionGrantAllowanceInput),
        description="Limits of staff by permission group, instead of these; the highest of one's "
        "groups counts. Replaces all of them.",
    )
    apps = graphene.List(
        graphene.NonNull(RetentionGrantAllowanceInput),
        description="Limits of apps by name, instead of these. Replaces all of them.",
    )


class RetentionTierPriceInput(graphene.InputObjectType):
    """A member price: per cent or an amount off. Exactly one of the two is given."""

    percent = graphene.InputField(Decimal, description="Per cent off.")
    amounts = graphene.List(
        graphene.NonNull(RetentionMoneyInput), description="Money off each unit, by currency."
    )
    select = graphene.InputField(RetentionSelectionInput, description="For these goods only.")


class RetentionPerkInput(graphene.InputObjectType):
    """A benefit that the storefront shows or staff give, such as gift wrapping."""

    key = graphene.String(description="A stable name for programs to look for.", required=True)
    text = graphene.String(description="What customers read.", required=True)


class RetentionTierInput(graphene.InputObjectType):
    """One step of the ladder. In an update, what is left out stays as it is."""

    slug = graphene.String(description="A stable name, unique on the ladder.")
    name = graphene.String(description="What customers read.")
    threshold = graphene.InputField(
        Decimal,
        description="What has to be reached: money in the reference currency, orders or points, as "
        "the ladder's metric says.",
    )
    earn_multiplier = graphene.InputField(Decimal, description="Times how many points it earns.")
    prices = graphene.List(
        graphene.NonNull(RetentionTierPriceInput),
        description="Member prices; the best one counts for each line. Replaces all of them.",
    )
    free_shipping = graphene.Boolean(description="Whether shipping is free.")
    return_window_days = graphene.InputField(
        RetentionWholeNumber, description="Days to return goods."
    )
    maturing_days = graphene.InputField(
        RetentionWholeNumber,
        description="Days until earned points are available, where that is sooner.",
    )
    perks = graphene.List(
        graphene.NonNull(RetentionPerkInput), description="Other benefits; replaces all of them."
    )


class RetentionLadderInput(graphene.InputObjectType):
    """How members climb and fall."""

    metric = enums.RetentionTierMetric(description="What is counted.")
    window = enums.RetentionTierWindow(description="Over which time.")
    months = graphene.InputField(
        RetentionWholeNumber, description="Months, where the window counts them."
    )
    downgrade = enums.RetentionDowngrade(description="How far a member falls.")
    grace_days = graphene.InputField(
        RetentionWholeNumber, description="Days that a tier goes on after its end."
    )
    warning_days = graphene.InputField(
        RetentionWholeNumber, description="Days before its end that the member is warned."
    )
    ladder = graphene.List(
        graphene.NonNull(RetentionTierInput), description="All tiers; replaces all of them."
    )


class RetentionFieldQuestionInput(graphene.InputObjectType):
    """A question of the merchant's own."""

    key = graphene.String(description="A stable name.", required=True)
    label = graphene.String(description="What customers read.", required=True)
    type = RetentionFieldType(description="What the answer is; text when left out.")
    options = graphene.List(
        graphene.NonNull(graphene.String), description="What may be chosen, of a choice."
    )


class RetentionConsentQuestionInput(graphene.InputObjectType):
    """Something that a customer may agree to."""

    channel = RetentionConsentChannel(description="What it is a consent to.", required=True)
    purpose = graphene.String(description="What it is for, a stable name.", required=True)
    version = graphene.String(
        description="Your name for these words, new with each change of them.", required=True
    )
    text = graphene.String(description="What the customer agrees to.", required=True)
    motive = graphene.String(description="Why it is asked.")
    double_opt_in = graphene.Boolean(
        description="Whether it counts only once a link in a mail was followed."
    )


class RetentionAttributeCopyInput(graphene.InputObjectType):
    """A fact that a customer attribute of the shop holds as well (Saleor 3.23)."""

    fact = graphene.String(
        description="birthday, gender, interests, time_zone, language, or custom.<key> of a "
        "question of the merchant's own.",
        required=True,
    )
    attribute = graphene.String(description="The slug of the attribute.", required=True)


class RetentionQuestionsInput(graphene.InputObjectType):
    """What the program asks its customers. Lists are replaced as a whole."""

    motive = graphene.String(description="Why the facts are asked for.")
    enrolment = graphene.String(description="The reminder to enrol, on orders of others.")
    enrolment_orders = graphene.InputField(
        RetentionWholeNumber,
        description="From how many orders on a customer is reminded to enrol; 1 when left out.",
    )
    interests = graphene.List(
        graphene.NonNull(graphene.String), description="Interests that may be chosen."
    )
    fields = graphene.List(
        graphene.NonNull(RetentionFieldQuestionInput),
        description="Questions of the merchant's own.",
    )
    consents = graphene.List(
        graphene.NonNull(RetentionConsentQuestionInput), description="Consents."
    )
    attributes = graphene.List(
        graphene.NonNull(RetentionAttributeCopyInput),
        description="Facts to copy to customer attributes of the shop.",
    )


class RetentionEventRuleInput(graphene.InputObjectType):
    """What an event such as a review brings; review, favorite and follow are known by name."""

    kind = graphene.String(
        description="A stable name: review, favorite, follow or one of your own.", required=True
    )
    points = graphene.InputField(
        RetentionWholeNumber, description="Points of one event; 0 to record it only.", required=True
    )
    name = graphene.String(
        description="What customers read of it in their history; needed of one of your own."
    )
    maturing_days = graphene.InputField(
        RetentionWholeNumber, description="Days after the event until the points are available."
    )
    per_object_max = graphene.InputField(
        RetentionWholeNumber,
        description="How many events about one object are rewarded; 1 when left out.",
    )
    per_day_max = graphene.InputField(
        RetentionWholeNumber, description="How many events are rewarded in a day."
    )
    per_month_max = graphene.InputField(
        RetentionWholeNumber, description="How many events are rewarded in a calendar month."
    )
    per_member_max = graphene.InputField(
        RetentionWholeNumber, description="How many events of one member are ever rewarded."
    )


class RetentionReferralRulesInput(graphene.InputObjectType):
    """What a referral brings to both sides."""

    advocate_points = graphene.InputField(
        RetentionWholeNumber, description="Points for who referred the friend."
    )
    friend_points = graphene.InputField(RetentionWholeNumber, description="Points for the friend.")
    window_days = graphene.InputField(
        RetentionWholeNumber,
        description="Days after payment of the friend's first order until the points are "
        "available, in which its return takes them back; 30 when left out.",
    )
    per_month_max = graphene.InputField(
        RetentionWholeNumber,
        description="How many friends one member is rewarded for in a calendar month.",
    )


class RetentionRulesInput(graphene.InputObjectType):
    """The rules of a program.

    In an update, what is left out stays as it is, and null puts back what the program does by
    default. Lists are replaced as a whole.
    """

    time_zone = graphene.String(description="Time zone of local days, such as Europe/Paris.")
    earn = graphene.InputField(RetentionEarnInput, description="How orders earn points.")
    point_values = graphene.List(
        graphene.NonNull(RetentionMoneyInput),
        description="What one point is worth at the checkout, by currency.",
    )
    acquisition_costs = graphene.List(
        graphene.NonNull(RetentionMoneyInput),
        description="What winning one new customer costs you, by currency; for reports only.",
    )
    reference = graphene.InputField(
        RetentionReferenceInput, description="The currency that tiers count in."
    )
    multipliers = graphene.List(
        graphene.NonNull(RetentionMultiplierInput), description="More points on goods or days."
    )
    welcome_points = graphene.InputField(
        RetentionWholeNumber, description="Points for becoming a member."
    )
    first_order_points = graphene.InputField(
        RetentionWholeNumber, description="Points for the first order."
    )
    enrolment = enums.RetentionEnrolment(description="Who is a member.")
    maturing = graphene.InputField(
        RetentionMaturingInput, description="When earned points become available."
    )
    expiry = graphene.InputField(RetentionExpiryInput, description="When points expire.")
    redemption = graphene.InputField(
        RetentionRedemptionInput, description="How points may be spent at a checkout."
    )
    deficit = graphene.InputField(
        RetentionDeficitInput, description="What happens when spent points are to be taken back."
    )
    grants = graphene.InputField(
        RetentionGrantsInput, description="Limits of what staff may grant."
    )
    tiers = graphene.InputField(RetentionLadderInput, description="The tier ladder.")
    questions = graphene.InputField(
        RetentionQuestionsInput, description="What customers are asked."
    )
    events = graphene.List(
        graphene.NonNull(RetentionEventRuleInput),
        description="What reviews and other events bring; replaces all of them.",
    )
    referral = graphene.InputField(
        RetentionReferralRulesInput, description="What referring a friend brings."
    )
    survey = graphene.InputField(RetentionSurveyInput, description="What is asked about an order.")
    feedback = graphene.List(
        graphene.NonNull(RetentionFeedbackInput),
        description="What is asked without an order, 10 questionnaires at most; replaces all of "
        "them.",
    )


class RetentionProgramInput(graphene.InputObjectType):
    """What can be changed of a program. What is left out stays as it is."""

    name = graphene.String(description="What customers read.")
    channels = graphene.List(
        graphene.NonNull(graphene.String),
        description="Slugs of the channels it runs in; a channel has at most one active program.",
    )
    is_active = graphene.Boolean(description="Whether it runs.")
    rules = graphene.InputField(RetentionRulesInput, description="Its rules.")


class RetentionProgramCreateInput(graphene.InputObjectType):
    """A new program."""

    slug = graphene.String(description="A stable name, unique in the shop.", required=True)
    name = graphene.String(description="What customers read.", required=True)
    channels = graphene.List(
        graphene.NonNull(graphene.String),
        description="Slugs of the channels it runs in; a channel has at most one active program.",
        required=True,
    )
    is_active = graphene.Boolean(description="Whether it runs at once; true when left out.")
    rules = graphene.InputField(RetentionRulesInput, description="Its rules.", required=True)


class RetentionMemberFilterInput(graphene.InputObjectType):
    """Which members to list. Every condition that is given must hold."""

    search = graphene.String(
        description="Part of the e-mail address or name, or a whole member number."
    )
    program = graphene.ID(description="Members of this program.")
    channel = graphene.String(description="Members of the active program of this channel.")
    tiers = graphene.List(
        graphene.NonNull(graphene.String), description="Slugs of tiers; any of them."
    )
    states = graphene.List(
        graphene.NonNull(enums.RetentionMemberState),
        description="Kinds of account; any of them. Members only when left out.",
    )
    available_min = graphene.InputField(
        RetentionWholeNumber, description="At least as many points to spend."
    )
    available_max = graphene.InputField(
        RetentionWholeNumber, description="At most as many points to spend."
    )
    has_deficit = graphene.Boolean(description="Whether the member owes points.")
    joined_after = graphene.InputField(DateTime, description="Became a member at or after this.")
    joined_before = graphene.InputField(DateTime, description="Became a member before this.")


class RetentionMemberSortingInput(graphene.InputObjectType):
    """How to sort members."""

    field = enums.RetentionMemberSortField(description="What to sort by.", required=True)
    direction = graphene.InputField(
        OrderDirection, description="Which end comes first.", required=True
    )


class RetentionSaleMemberInput(graphene.InputObjectType):
    """Whose sale it is. Exactly one of the three is given."""

    number = graphene.String(description="The member number.")
    phone = graphene.String(description="The phone number in international form (+48123456789).")
    email = graphene.String(description="The e-mail address of the customer's account.")


class RetentionSaleLineInput(graphene.InputObjectType):
    """One line of a receipt."""

    ref = graphene.String(
        description="The line's name on the receipt, for reversals; its position from 1 otherwise."
    )
    sku = graphene.String(
        description="The product variant by its SKU, for rules about goods; goods that the shop "
        "does not know earn at the base rate."
    )
    quantity = graphene.InputField(RetentionWholeNumber, description="Units.", required=True)
    net = graphene.InputField(
        Decimal, description="What was paid for it without tax; the gross amount when left out."
    )
    gross = graphene.InputField(
        Decimal, description="What was paid for the line with tax, after discounts.", required=True
    )
    is_gift_card = graphene.Boolean(
        description="Whether a gift card was bought, which earns nothing."
    )


class RetentionSaleInput(graphene.InputObjectType):
    """A sale at a point of sale."""

    source = graphene.String(description="The till or system that reports it.", required=True)
    receipt = graphene.String(
        description="The receipt's number, unique at its source.", required=True
    )
    channel = graphene.String(
        description="Slug of the channel it counts in; not needed where one program runs."
    )
    member = graphene.InputField(
        RetentionSaleMemberInput, description="Whose sale it is.", required=True
    )
    sold_at = graphene.InputField(DateTime, description="When it was sold.", required=True)
    currency = graphene.String(description="ISO 4217 code of the currency.", required=True)
    lines = graphene.List(
        graphene.NonNull(RetentionSaleLineInput), description="What was bought.", required=True
    )


class RetentionSaleReversalLineInput(graphene.InputObjectType):
    """How much of a receipt's line was taken back."""

    ref = graphene.String(description="The line's name on the receipt.", required=True)
    quantity = graphene.InputField(RetentionWholeNumber, description="Units.", required=True)


class RetentionSaleReversalInput(graphene.InputObjectType):
    """Goods of a receipt that were taken back."""

    source = graphene.String(description="The till or system that sold them.", required=True)
    receipt = graphene.String(description="The receipt's number.", required=True)
    reversal_id = graphene.String(
        description="This reversal's name, unique on the receipt; sent again it changes nothing.",
        required=True,
    )
    lines = graphene.List(
        graphene.NonNull(RetentionSaleReversalLineInput),
        description="What was taken back; everything when left out.",
    )
