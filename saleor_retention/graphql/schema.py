"""Everything that we add to Saleor's schema, in one place.

``mount`` attaches it, ``sdl`` prints it. Nothing of Saleor's is replaced.
"""

from __future__ import annotations

from typing import Any

import graphene

from saleor_retention.graphql import paging, queries
from saleor_retention.graphql.campaign_templates import (
    RetentionCampaignTemplate,
    resolve_campaign_templates,
)
from saleor_retention.graphql.enums_campaigns import RetentionCampaignState
from saleor_retention.graphql.host_types import Date, DateTime, Decimal
from saleor_retention.graphql.inputs import (
    RetentionMemberFilterInput,
    RetentionMemberSortingInput,
)
from saleor_retention.graphql.inputs_campaigns import RetentionDispatchFilterInput
from saleor_retention.graphql.inputs_coupons import RetentionCouponFilterInput
from saleor_retention.graphql.inputs_offers import (
    RetentionOfferFilterInput,
    RetentionOfferGiftPickInput,
    RetentionOfferInput,
    RetentionOfferLineInput,
    RetentionOfferSortingInput,
)
from saleor_retention.graphql.inputs_surveys import RetentionSurveyAnswerFilterInput
from saleor_retention.graphql.mutations.address_release import RetentionAddressRelease
from saleor_retention.graphql.mutations.address_suppress import RetentionAddressSuppress
from saleor_retention.graphql.mutations.campaign_create import RetentionCampaignCreate
from saleor_retention.graphql.mutations.campaign_end import RetentionCampaignEnd
from saleor_retention.graphql.mutations.campaign_pause import RetentionCampaignPause
from saleor_retention.graphql.mutations.campaign_schedule import RetentionCampaignSchedule
from saleor_retention.graphql.mutations.campaign_start import RetentionCampaignStart
from saleor_retention.graphql.mutations.campaign_test import RetentionCampaignTest
from saleor_retention.graphql.mutations.campaign_update import RetentionCampaignUpdate
from saleor_retention.graphql.mutations.consent_confirm import RetentionConsentConfirm
from saleor_retention.graphql.mutations.consent_give import RetentionConsentGive
from saleor_retention.graphql.mutations.consent_withdraw import RetentionConsentWithdraw
from saleor_retention.graphql.mutations.coupon_batch_create import RetentionCouponBatchCreate
from saleor_retention.graphql.mutations.coupon_batch_revoke import RetentionCouponBatchRevoke
from saleor_retention.graphql.mutations.coupon_give import RetentionCouponGive
from saleor_retention.graphql.mutations.coupon_plan_set import RetentionCouponPlanSet
from saleor_retention.graphql.mutations.coupon_revoke import RetentionCouponRevoke
from saleor_retention.graphql.mutations.enrol import RetentionEnrol
from saleor_retention.graphql.mutations.event_record import RetentionEventRecord
from saleor_retention.graphql.mutations.event_reverse import RetentionEventReverse
from saleor_retention.graphql.mutations.experiment_create import RetentionExperimentCreate
from saleor_retention.graphql.mutations.experiment_deal import RetentionExperimentDeal
from saleor_retention.graphql.mutations.experiment_end import RetentionExperimentEnd
from saleor_retention.graphql.mutations.feedback_submit import RetentionFeedbackSubmit
from saleor_retention.graphql.mutations.follow_up_complete import RetentionFollowUpComplete
from saleor_retention.graphql.mutations.follow_up_create import RetentionFollowUpCreate
from saleor_retention.graphql.mutations.follow_up_drop import RetentionFollowUpDrop
from saleor_retention.graphql.mutations.follow_up_update import RetentionFollowUpUpdate
from saleor_retention.graphql.mutations.gift_pick import RetentionGiftPick
from saleor_retention.graphql.mutations.leave import RetentionLeave
from saleor_retention.graphql.mutations.member_erase import RetentionMemberErase
from saleor_retention.graphql.mutations.offer_create import RetentionOfferCreate
from saleor_retention.graphql.mutations.offer_duplicate import RetentionOfferDuplicate
from saleor_retention.graphql.mutations.offer_fairness_grant import RetentionOfferFairnessGrant
from saleor_retention.graphql.mutations.offer_retire import RetentionOfferRetire
from saleor_retention.graphql.mutations.offer_schedule import RetentionOfferSchedule
from saleor_retention.graphql.mutations.offer_switch import RetentionOfferSwitch
from saleor_retention.graphql.mutations.offer_update import RetentionOfferUpdate
from saleor_retention.graphql.mutations.order_settle import RetentionOrderSettle
from saleor_retention.graphql.mutations.points_adjust import RetentionPointsAdjust
from saleor_retention.graphql.mutations.profile_update import RetentionProfileUpdate
from saleor_retention.graphql.mutations.program_create import RetentionProgramCreate
from saleor_retention.graphql.mutations.program_retire import RetentionProgramRetire
from saleor_retention.graphql.mutations.program_update import RetentionProgramUpdate
from saleor_retention.graphql.mutations.recency_bands_set import RetentionRecencyBandsSet
from saleor_retention.graphql.mutations.redemption_clear import RetentionRedemptionClear
from saleor_retention.graphql.mutations.redemption_set import RetentionRedemptionSet
from saleor_retention.graphql.mutations.referral_claim import RetentionReferralClaim
from saleor_retention.graphql.mutations.referral_code import RetentionReferralCode
from saleor_retention.graphql.mutations.reorder import RetentionReorder
from saleor_retention.graphql.mutations.sale_record import RetentionSaleRecord
from saleor_retention.graphql.mutations.sale_reverse import RetentionSaleReverse
from saleor_retention.graphql.mutations.segment_create import RetentionSegmentCreate
from saleor_retention.graphql.mutations.segment_retire import RetentionSegmentRetire
from saleor_retention.graphql.mutations.segment_update import RetentionSegmentUpdate
from saleor_retention.graphql.mutations.survey_submit import RetentionSurveySubmit
from saleor_retention.graphql.mutations.tier_create import RetentionTierCreate
from saleor_retention.graphql.mutations.tier_override import RetentionTierOverride
from saleor_retention.graphql.mutations.tier_retire import RetentionTierRetire
from saleor_retention.graphql.mutations.tier_update import RetentionTierUpdate
from saleor_retention.graphql.offer_templates import (
    RetentionOfferTemplate,
    resolve_offer_templates,
)
from saleor_retention.graphql.offers import resolve_offer, resolve_offers
from saleor_retention.graphql.types_audit import (
    RetentionAuditConnection,
    RetentionAuditFilterInput,
    resolve_audit_trail,
)
from saleor_retention.graphql.types_campaign import (
    RetentionCampaign,
    RetentionCampaignConnection,
    RetentionCampaignDryRun,
    RetentionDispatchConnection,
    resolve_campaign,
    resolve_campaigns,
    resolve_dispatches,
    resolve_dry_run,
)
from saleor_retention.graphql.types_checkout import RetentionCheckout, resolve_checkout_retention
from saleor_retention.graphql.types_coupon import (
    RetentionCoupon,
    RetentionCouponBatchConnection,
    RetentionCouponConnection,
    RetentionCouponPlan,
    resolve_coupon_batches,
    resolve_coupon_lookup,
    resolve_coupon_plans,
    resolve_coupons,
)
from saleor_retention.graphql.types_engagement import (
    RetentionEventConnection,
    RetentionEventFilterInput,
    RetentionReferralConnection,
    RetentionReferralFilterInput,
    resolve_events,
    resolve_referrals,
)
from saleor_retention.graphql.types_experiment import (
    SHARES,
    RetentionExperiment,
    RetentionExperimentConnection,
    resolve_experiment,
    resolve_experiments,
    resolve_size,
)
from saleor_retention.graphql.types_export import (
    ARGUMENTS as EXPORT_ARGUMENTS,
)
from saleor_retention.graphql.types_export import (
    RetentionExport,
    resolve_member_export,
    resolve_my_export,
)
from saleor_retention.graphql.types_fairness import RetentionOfferFairness, resolve_offer_fairness
from saleor_retention.graphql.types_fairness import arguments as fairness_arguments
from saleor_retention.graphql.types_follow_ups import (
    RetentionFollowUpConnection,
    RetentionFollowUpFilterInput,
    resolve_follow_ups,
)
from saleor_retention.graphql.types_goods import (
    RetentionGoods,
    resolve_product_retention,
    resolve_variant_retention,
)
from saleor_retention.graphql.types_liability import RetentionLiability, RetentionLiabilityStep
from saleor_retention.graphql.types_measures import (
    RetentionMeasures,
    RetentionMeasuresInterval,
    resolve_measures,
)
from saleor_retention.graphql.types_member import RetentionMember, RetentionMemberConnection
from saleor_retention.graphql.types_offer import RetentionOffer, RetentionOfferConnection
from saleor_retention.graphql.types_offer_preview import (
    RetentionOfferPreview,
    resolve_offer_preview,
)
from saleor_retention.graphql.types_order import RetentionOrder, resolve_order_retention
from saleor_retention.graphql.types_program import RetentionProgram, RetentionProgramConnection
from saleor_retention.graphql.types_report import ARGUMENTS as REPORT_ARGUMENTS
from saleor_retention.graphql.types_report import RetentionReport, resolve_report
from saleor_retention.graphql.types_segment import (
    RetentionSegment,
    RetentionSegmentConnection,
    resolve_segment,
    resolve_segments,
)
from saleor_retention.graphql.types_surveys import (
    RetentionSurveyAnswerConnection,
    RetentionSurveySummary,
    resolve_survey_answers,
    resolve_survey_summary,
)
from saleor_retention.graphql.types_verification import RetentionVerification

CHANNEL = "Slug of the channel; not needed where one program runs."
GOODS_CHANNEL = "Slug of the channel; by default that of the query around, or the shop's only one."

EXTENSIONS: dict[str, graphene.Field] = {
    "User": graphene.Field(
        RetentionMember,
        description="The user's membership of a loyalty program; null where no program runs or the "
        "user is no member. Requires one of: OWNER, MANAGE_USERS.",
        channel=graphene.String(description=CHANNEL),
        resolver=queries.resolve_user_retention,
    ),
    "Checkout": graphene.Field(
        RetentionCheckout,
        description="The checkout's loyalty points and benefits; null where no program runs or the "
        "checkout is empty.",
        resolver=resolve_checkout_retention,
    ),
    "Order": graphene.Field(
        RetentionOrder,
        description="What the order did to its customer's loyalty points; null where no program "
        "has to do with it.",
        resolver=resolve_order_retention,
    ),
    "Product": graphene.Field(
        RetentionGoods,
        description="What the product costs and earns the asking customer, of the variant of "
        "least price; null where no program runs.",
        channel=graphene.String(description=GOODS_CHANNEL),
        resolver=resolve_product_retention,
    ),
    "ProductVariant": graphene.Field(
        RetentionGoods,
        description="What the variant costs and earns the asking customer; null where no "
        "program runs.",
        channel=graphene.String(description=GOODS_CHANNEL),
        resolver=resolve_variant_retention,
    ),
}
"""The field ``retention`` of each of the shop's types."""

QUERIES: dict[str, graphene.Field] = {
    "retention_program": graphene.Field(
        RetentionProgram,
        description="A loyalty program: by id, slug or channel, or the only one that runs. "
        "Programs that do not run are shown to those with MANAGE_DISCOUNTS only.",
        id=graphene.ID(description="The program's id."),
        slug=graphene.String(description="The program's slug."),
        channel=graphene.String(description="Slug of a channel that it runs in."),
        resolver=queries.resolve_program,
    ),
    "retention_programs": graphene.Field(
        RetentionProgramConnection,
        description="All loyalty programs. Requires MANAGE_DISCOUNTS.",
        resolver=queries.resolve_programs,
        **paging.ARGUMENTS,
    ),
    "retention_members": graphene.Field(
        RetentionMemberConnection,
        description="Members of loyalty programs. Requires MANAGE_USERS.",
        filter=RetentionMemberFilterInput(description="Which members."),
        sort_by=RetentionMemberSortingInput(
            description="How to sort them; newest first when left out."
        ),
        resolver=queries.resolve_members,
        **paging.ARGUMENTS,
    ),
    "retention_member": graphene.Field(
        RetentionMember,
        description="One member. Requires MANAGE_USERS.",
        id=graphene.ID(description="The member's id."),
        number=graphene.String(description="The member number."),
        resolver=queries.resolve_member,
    ),
    "retention_member_export": graphene.Field(
        RetentionExport,
        description="Everything held about a member's customer, in every program, page by page. "
        "Requires MANAGE_USERS.",
        id=graphene.ID(description="The member, in any of the programs.", required=True),
        resolver=resolve_member_export,
        **EXPORT_ARGUMENTS,
    ),
    "retention_my_export": graphene.Field(
        RetentionExport,
        description="Everything held about the logged-in customer, page by page.",
        resolver=resolve_my_export,
        **EXPORT_ARGUMENTS,
    ),
    "retention_audit_trail": graphene.Field(
        RetentionAuditConnection,
        description="What staff, apps and commands did, newest first. What concerns members, "
        "orders and receipts is shown to those with MANAGE_USERS, the rest to those with "
        "MANAGE_DISCOUNTS. Requires one of them.",
        filter=RetentionAuditFilterInput(description="Which entries."),
        resolver=resolve_audit_trail,
        **paging.ARGUMENTS,
    ),
    "retention_offers": graphene.Field(
        RetentionOfferConnection,
        description="The offers of a program. Requires MANAGE_DISCOUNTS.",
        program=graphene.ID(description="The program's id.", required=True),
        filter=RetentionOfferFilterInput(description="Which offers."),
        sort_by=RetentionOfferSortingInput(description="How to sort them; by slug when left out."),
        resolver=resolve_offers,
        **paging.ARGUMENTS,
    ),
    "retention_offer": graphene.Field(
        RetentionOffer,
        description="One offer: by id, or by program and slug. Requires MANAGE_DISCOUNTS.",
        id=graphene.ID(description="The offer's id."),
        program=graphene.ID(description="The id of its program."),
        slug=graphene.String(description="Its slug in the program."),
        resolver=resolve_offer,
    ),
    "retention_offer_templates": graphene.Field(
        graphene.List(graphene.NonNull(RetentionOfferTemplate)),
        description="Ready offers to begin with, one or more of each kind. Requires "
        "MANAGE_DISCOUNTS.",
        program=graphene.ID(description="The program, whose currencies they have.", required=True),
        resolver=resolve_offer_templates,
    ),
    "retention_offer_preview": graphene.Field(
        RetentionOfferPreview,
        description="What the offers of a program would do to a cart, with one that is tried: a "
        "new one, a change of one, or one that is switched off. Nothing is stored. Requires "
        "MANAGE_DISCOUNTS, and MANAGE_USERS for a member's.",
        program=graphene.ID(description="The program's id.", required=True),
        channel=graphene.String(description="Slug of the channel that sells the goods."),
        lines=graphene.List(
            graphene.NonNull(RetentionOfferLineInput),
            description="The goods, 100 lines at most.",
            required=True,
        ),
        offer_id=graphene.ID(description="The offer to try as it is, or with `offer` over it."),
        offer=RetentionOfferInput(description="The offer to try, or what is other of it."),
        member_id=graphene.ID(description="Whose cart it is; a guest's when left out."),
        delivery_price=graphene.Argument(
            Decimal,
            description="What the delivery costs, in the channel's currency; nothing if left out.",
        ),
        gift_picks=graphene.List(
            graphene.NonNull(RetentionOfferGiftPickInput),
            description="What is chosen of the offers' gifts.",
        ),
        at=graphene.Argument(DateTime, description="At what time; now when left out."),
        resolver=resolve_offer_preview,
    ),
    "retention_verify": graphene.Field(
        RetentionVerification,
        description="Checks every invariant of the points ledger, and its past against the digests "
        "of its days. Requires MANAGE_USERS.",
        program=graphene.ID(description="Only this program."),
        orders=graphene.Boolean(
            description="Also compares every settled order with the shop, which reads them all.",
            default_value=False,
        ),
        all_days=graphene.Boolean(
            description="Computes the digests of all sealed days again, not only of the last ones.",
            default_value=False,
        ),
        resolver=queries.resolve_verify,
    ),
    "retention_liability": graphene.Field(
        RetentionLiability,
        description="What a loyalty program owes its members: points by day or month, in money, "
        "and what expires when. Reads the whole ledger. Requires MANAGE_DISCOUNTS.",
        args={
            "program_id": graphene.ID(description="The program's id.", required=True),
            "from": graphene.Argument(
                Date, description="The first day, in the program's time zone.", required=True
            ),
            "to": graphene.Argument(
                Date,
                description="The last day, today at the latest; 366 days or months at most.",
                required=True,
            ),
            "by": graphene.Argument(
                RetentionLiabilityStep, description="How long a period is; a day when left out."
            ),
            "expected_redemption_rate": graphene.Argument(
                Decimal,
                description="The share of all points issued that is expected to be redeemed: above "
                "0, at most 1, with at most 6 decimals; 1 when left out.",
            ),
        },
        resolver=queries.resolve_liability,
    ),
    "retention_segments": graphene.Field(
        RetentionSegmentConnection,
        description="The segments of a program's members. Requires MANAGE_USERS.",
        program_id=graphene.ID(description="The program's id.", required=True),
        resolver=resolve_segments,
        **paging.ARGUMENTS,
    ),
    "retention_segment": graphene.Field(
        RetentionSegment,
        description="One segment with its members. Requires MANAGE_USERS.",
        id=graphene.ID(description="The segment's id.", required=True),
        resolver=resolve_segment,
    ),
    "retention_campaigns": graphene.Field(
        RetentionCampaignConnection,
        description="The campaigns of a program. Requires MANAGE_DISCOUNTS.",
        program_id=graphene.ID(description="The program's id.", required=True),
        states=graphene.List(
            graphene.NonNull(RetentionCampaignState), description="Only those in these states."
        ),
        resolver=resolve_campaigns,
        **paging.ARGUMENTS,
    ),
    "retention_campaign_templates": graphene.Field(
        graphene.List(graphene.NonNull(RetentionCampaignTemplate)),
        description="Ready campaigns to begin with, one for each recency band. Requires "
        "MANAGE_DISCOUNTS.",
        program=graphene.ID(description="The program, whose days they have.", required=True),
        resolver=resolve_campaign_templates,
    ),
    "retention_campaign": graphene.Field(
        RetentionCampaign,
        description="One campaign. Requires MANAGE_DISCOUNTS.",
        id=graphene.ID(description="The campaign's id.", required=True),
        resolver=resolve_campaign,
    ),
    "retention_dispatches": graphene.Field(
        RetentionDispatchConnection,
        description="What became of a campaign's messages, member by member. Requires "
        "MANAGE_USERS.",
        campaign_id=graphene.ID(description="The campaign's id.", required=True),
        filter=RetentionDispatchFilterInput(description="Which of them."),
        resolver=resolve_dispatches,
        **paging.ARGUMENTS,
    ),
    "retention_campaign_dry_run": graphene.Field(
        RetentionCampaignDryRun,
        description="Who would get a campaign, who not and why; nothing is stored or sent. Looks "
        "at the whole audience. Requires MANAGE_DISCOUNTS and MANAGE_USERS.",
        id=graphene.ID(description="The campaign's id.", required=True),
        at=graphene.Argument(DateTime, description="As if it was this instant; now when left out."),
        resolver=resolve_dry_run,
    ),
    "retention_coupons": graphene.Field(
        RetentionCouponConnection,
        description="The coupons of a program, newest first. Requires MANAGE_USERS.",
        program_id=graphene.ID(description="The program's id.", required=True),
        filter=RetentionCouponFilterInput(description="Which coupons."),
        resolver=resolve_coupons,
        **paging.ARGUMENTS,
    ),
    "retention_coupon_batches": graphene.Field(
        RetentionCouponBatchConnection,
        description="The batches of coupons that were ordered, newest first. Requires "
        "MANAGE_DISCOUNTS.",
        program_id=graphene.ID(description="The program's id.", required=True),
        resolver=resolve_coupon_batches,
        **paging.ARGUMENTS,
    ),
    "retention_coupon_plans": graphene.Field(
        graphene.List(graphene.NonNull(RetentionCouponPlan)),
        description="What stands ready to be given in a program. Requires MANAGE_USERS.",
        program_id=graphene.ID(description="The program's id.", required=True),
        resolver=resolve_coupon_plans,
    ),
    "retention_coupon_lookup": graphene.Field(
        RetentionCoupon,
        description="The coupon that the logged-in customer typed, if that customer could use it "
        "now. Every other case is the same error, and look-ups are bounded by hour.",
        code=graphene.String(
            description="As it was typed; spaces and lower case do not matter.", required=True
        ),
        resolver=resolve_coupon_lookup,
    ),
    "retention_events": graphene.Field(
        RetentionEventConnection,
        description="What members of a program did besides ordering, newest first. Requires "
        "MANAGE_USERS.",
        program_id=graphene.ID(description="The program's id.", required=True),
        filter=RetentionEventFilterInput(description="Which events."),
        resolver=resolve_events,
        **paging.ARGUMENTS,
    ),
    "retention_referrals": graphene.Field(
        RetentionReferralConnection,
        description="Who referred whom in a program, newest first. Requires MANAGE_USERS.",
        program_id=graphene.ID(description="The program's id.", required=True),
        filter=RetentionReferralFilterInput(description="Which referrals."),
        resolver=resolve_referrals,
        **paging.ARGUMENTS,
    ),
    "retention_follow_ups": graphene.Field(
        RetentionFollowUpConnection,
        description="Tasks of staff about members, those that are due first at the top. Requires "
        "MANAGE_USERS.",
        filter=RetentionFollowUpFilterInput(description="Which tasks."),
        resolver=resolve_follow_ups,
        **paging.ARGUMENTS,
    ),
    "retention_survey_answers": graphene.Field(
        RetentionSurveyAnswerConnection,
        description="What customers of a program answered about their orders, or to one of "
        "its questionnaires, newest first. "
        "Requires MANAGE_USERS.",
        program_id=graphene.ID(description="The program's id.", required=True),
        filter=RetentionSurveyAnswerFilterInput(description="Which answers."),
        resolver=resolve_survey_answers,
        **paging.ARGUMENTS,
    ),
    "retention_survey_summary": graphene.Field(
        RetentionSurveySummary,
        description="What the answers to a program's survey come to: how many, the mean of "
        "ratings, the share of each choice. Reads all answers of the period. Requires "
        "MANAGE_USERS.",
        program_id=graphene.ID(description="The program's id.", required=True),
        since=graphene.Argument(DateTime, description="Answered at this time or later."),
        until=graphene.Argument(DateTime, description="Answered before this time."),
        survey=graphene.String(
            description="Of this questionnaire; of the survey about orders when left out."
        ),
        resolver=resolve_survey_summary,
    ),
    "retention_measures": graphene.Field(
        RetentionMeasures,
        description="Whether a program's customers come back: repurchase rate, order value, new "
        "against returning. Reads all of its orders. Requires MANAGE_USERS.",
        program_id=graphene.ID(description="The program's id.", required=True),
        since=graphene.Argument(
            Date, description="The first day, in the program's time zone.", required=True
        ),
        until=graphene.Argument(
            Date, description="The last day; 366 periods at most.", required=True
        ),
        interval=graphene.Argument(
            RetentionMeasuresInterval,
            description="How long a period is; a month when left out.",
        ),
        channel=graphene.String(
            description="Slug of a channel: its orders only. Who ordered before in another one "
            "returns all the same."
        ),
        segment_id=graphene.ID(
            description="A segment: orders of those who are in it now, whenever they were made."
        ),
        resolver=resolve_measures,
    ),
    "retention_report": graphene.Field(
        RetentionReport,
        description="What a program's points, offers and campaigns cost, customers by last order "
        "and by tier, and what experiments have shown. Reads all of its orders and its whole "
        "ledger. Requires MANAGE_USERS and MANAGE_DISCOUNTS.",
        args=REPORT_ARGUMENTS,
        resolver=resolve_report,
    ),
    "retention_experiments": graphene.Field(
        RetentionExperimentConnection,
        description="The experiments of a program, holdouts of campaigns among them, newest first. "
        "Requires MANAGE_USERS and MANAGE_DISCOUNTS.",
        program_id=graphene.ID(description="The program's id.", required=True),
        resolver=resolve_experiments,
        **paging.ARGUMENTS,
    ),
    "retention_experiment": graphene.Field(
        RetentionExperiment,
        description="One experiment. Requires MANAGE_USERS and MANAGE_DISCOUNTS.",
        id=graphene.ID(description="The experiment's id.", required=True),
        resolver=resolve_experiment,
    ),
    "retention_experiment_size": graphene.Field(
        graphene.Int,
        description="Customers in both arms together that would show a difference of shares four "
        "times of five. Requires MANAGE_USERS and MANAGE_DISCOUNTS.",
        held_out_per_mille=graphene.Int(
            description="How many of 1000 customers are held out.", required=True
        ),
        resolver=resolve_size,
        **SHARES,
    ),
    "retention_offer_fairness": graphene.Field(
        RetentionOfferFairness,
        description="Customers who paid more for an offer's goods in the days before it starts, "
        "and the points that make it good. Reads the orders of these days. Requires MANAGE_USERS.",
        args=fairness_arguments(),
        resolver=resolve_offer_fairness,
    ),
}

MUTATIONS: dict[str, Any] = {
    "retention_enrol": RetentionEnrol,
    "retention_leave": RetentionLeave,
    "retention_profile_update": RetentionProfileUpdate,
    "retention_consent_give": RetentionConsentGive,
    "retention_consent_withdraw": RetentionConsentWithdraw,
    "retention_consent_confirm": RetentionConsentConfirm,
    "retention_referral_code": RetentionReferralCode,
    "retention_referral_claim": RetentionReferralClaim,
    "retention_survey_submit": RetentionSurveySubmit,
    "retention_feedback_submit": RetentionFeedbackSubmit,
    "retention_redemption_set": RetentionRedemptionSet,
    "retention_redemption_clear": RetentionRedemptionClear,
    "retention_gift_pick": RetentionGiftPick,
    "retention_reorder": RetentionReorder,
    "retention_program_create": RetentionProgramCreate,
    "retention_program_update": RetentionProgramUpdate,
    "retention_program_retire": RetentionProgramRetire,
    "retention_tier_create": RetentionTierCreate,
    "retention_tier_update": RetentionTierUpdate,
    "retention_tier_retire": RetentionTierRetire,
    "retention_recency_bands_set": RetentionRecencyBandsSet,
    "retention_segment_create": RetentionSegmentCreate,
    "retention_segment_update": RetentionSegmentUpdate,
    "retention_segment_retire": RetentionSegmentRetire,
    "retention_offer_create": RetentionOfferCreate,
    "retention_offer_update": RetentionOfferUpdate,
    "retention_offer_duplicate": RetentionOfferDuplicate,
    "retention_offer_schedule": RetentionOfferSchedule,
    "retention_offer_switch": RetentionOfferSwitch,
    "retention_offer_retire": RetentionOfferRetire,
    "retention_campaign_create": RetentionCampaignCreate,
    "retention_campaign_update": RetentionCampaignUpdate,
    "retention_campaign_schedule": RetentionCampaignSchedule,
    "retention_campaign_start": RetentionCampaignStart,
    "retention_campaign_pause": RetentionCampaignPause,
    "retention_campaign_end": RetentionCampaignEnd,
    "retention_campaign_test": RetentionCampaignTest,
    "retention_experiment_create": RetentionExperimentCreate,
    "retention_experiment_deal": RetentionExperimentDeal,
    "retention_experiment_end": RetentionExperimentEnd,
    "retention_coupon_plan_set": RetentionCouponPlanSet,
    "retention_coupon_give": RetentionCouponGive,
    "retention_coupon_revoke": RetentionCouponRevoke,
    "retention_coupon_batch_create": RetentionCouponBatchCreate,
    "retention_coupon_batch_revoke": RetentionCouponBatchRevoke,
    "retention_points_adjust": RetentionPointsAdjust,
    "retention_tier_override": RetentionTierOverride,
    "retention_member_erase": RetentionMemberErase,
    "retention_address_suppress": RetentionAddressSuppress,
    "retention_address_release": RetentionAddressRelease,
    "retention_order_settle": RetentionOrderSettle,
    "retention_sale_record": RetentionSaleRecord,
    "retention_sale_reverse": RetentionSaleReverse,
    "retention_follow_up_create": RetentionFollowUpCreate,
    "retention_follow_up_update": RetentionFollowUpUpdate,
    "retention_follow_up_complete": RetentionFollowUpComplete,
    "retention_follow_up_drop": RetentionFollowUpDrop,
    "retention_event_record": RetentionEventRecord,
    "retention_event_reverse": RetentionEventReverse,
    "retention_offer_fairness_grant": RetentionOfferFairnessGrant,
}
