"""The whole table of docs/reference/permissions.md, cell by cell."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from saleor_retention.graphql.errors import PermissionDenied
from saleor_retention.graphql.queries import resolve_user_retention
from saleor_retention.models import (
    Campaign,
    CouponKind,
    CouponTrigger,
    Offer,
    OfferVersion,
    Segment,
    SuppressionReason,
)
from saleor_retention.services.campaigning import campaigns, trials
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.consenting import consent_links, consents
from saleor_retention.services.couponing.coupon_batches import Order, order_batch
from saleor_retention.services.couponing.coupon_plans import Draft, set_plan
from saleor_retention.services.membership import events, referrals
from saleor_retention.services.membership.follow_ups import Plan, open_task
from saleor_retention.services.setting_up import programs
from tests.campaigns import campaign_of
from tests.coupons import issue, terms
from tests.factories.current import factories
from tests.graphql.offers import five_off_from_fifty, make, ten_off
from tests.graphql.world import (
    ANONYMOUS,
    IS_SALEOR_3,
    Actor,
    World,
    app,
    bought,
    customer,
    gid,
    operation,
    parts,
    rows,
    sale,
    staff,
)

pytestmark = pytest.mark.django_db(databases="__all__")

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "reference" / "permissions.md"
CODENAMES = {
    "MANAGE_DISCOUNTS": "manage_discounts",
    "MANAGE_USERS": "manage_users",
    "MANAGE_ORDERS": "manage_orders",
    "MANAGE_CHECKOUTS": "manage_checkouts",
}
SOON = "2999-01-01T00:00:00+00:00"
QUESTIONS = {
    "consents": [
        {
            "channel": "email",
            "purpose": purpose,
            "version": "v1",
            "text": "Write to me.",
            "double_opt_in": purpose == "news",
        }
        for purpose in ("news", "sales")
    ]
    + [{"channel": "sms", "purpose": "marketing", "version": "v1", "text": "Text me."}]
}
TO_SALES = {"channel": "EMAIL", "purpose": "sales", "textVersion": "v1"}
REFUSALS = {"denied", "login", "not found"}


@dataclass(frozen=True)
class Row:
    """One documented operation: its permissions, and what each kind of requestor gets."""

    operation: str
    permissions: tuple[str, ...]
    cells: dict[str, str]


def documented() -> list[Row]:
    """Read the table from the document."""
    lines = DOCUMENT.read_text().split("## The whole table")[1].splitlines()
    table = [line.strip("|").split("|") for line in lines if line.startswith("|")]
    head, _rule, *body = [[cell.strip() for cell in line] for line in table]
    return [
        Row(
            operation=line[0].replace("`", ""),
            permissions=tuple(re.findall(r"`(\w+)`", line[1])),
            cells=dict(zip(head[2:], line[2:], strict=True)),
        )
        for line in body
    ]


def without(permissions: tuple[str, ...]) -> tuple[str, ...]:
    """Return every permission of ours but one of those needed."""
    return tuple(code for name, code in CODENAMES.items() if name not in permissions[:1])


@pytest.fixture
def people(world: World) -> Callable[[Row], dict[str, Actor]]:
    """Everybody who is named at the head of the table."""

    def made(row: Row) -> dict[str, Actor]:
        codes = tuple(CODENAMES[name] for name in row.permissions)
        lacking = without(row.permissions) if codes else ("manage_menus",)
        return {
            "Anonymous": ANONYMOUS,
            "Owner": world.owner,
            "Other": world.other,
            "Staff without": staff(*lacking),
            "Staff with": staff(*(codes or ("manage_menus",))),
            "App without": app(*lacking),
            "App with": app(*codes),
        }

    return made


def test_everybody_gets_what_the_document_says(
    world: World, people: Callable[[Row], dict[str, Actor]], settings: Any, tmp_path: Path
) -> None:
    """Every cell of the table; where something is refused, nothing was changed."""
    settings.RETENTION_SMS_FILE = str(tmp_path / "sms.jsonl")
    settings.RETENTION_PUBLIC_URL = "https://api.example.com"
    prepare(world)
    table = documented()
    found = {row.operation: walked(row, world, people(row)) for row in table}

    assert found == {row.operation: row.cells for row in table}


def walked(row: Row, world: World, actors: dict[str, Actor]) -> dict[str, str]:
    """Return what everybody gets, each on the same shop."""
    cells = {}
    for name, actor in actors.items():
        with transaction.atomic():
            before = rows()
            cells[name] = RUNS[row.operation](world, actor)
            if cells[name] in REFUSALS:
                assert rows() == before, f"{row.operation} was refused to {name}, and changed rows"
            transaction.set_rollback(True)
    return cells


def test_the_document_names_every_operation() -> None:
    """Every root field of ours and every field on the shop's types has a row."""
    from graphene.utils.str_converters import to_camel_case

    from saleor_retention.graphql.schema import EXTENSIONS, MUTATIONS, QUERIES

    names = {to_camel_case(name) for name in (*QUERIES, *MUTATIONS)}
    names |= {f"{name}.retention" for name in EXTENSIONS}

    assert names - {row.operation for row in documented()} == set()
    assert {row.operation for row in documented()} == set(RUNS)


# --- what each row does -------------------------------------------------------------------------


def prepare(world: World) -> None:
    """Give the owner points, a checkout with some of them set, an order and a tier by hand."""
    engagement = {
        "events": {"review": {"points": 0}},
        "referral": {"friend_points": 1},
        "survey": {"questions": [{"key": "stars", "label": "How was it?", "type": "number"}]},
        "feedback": {"program": {"questions": [{"key": "more", "label": "What is missing?"}]}},
    }
    programs.update_program(program=world.program, changes={"questions": QUESTIONS, **engagement})
    world.program.refresh_from_db()
    asked = consents.give(world.account(), channel="email", purpose="news", text_version="v1")
    world.consent_token = consent_links.confirmation_token(asked)
    bounced = SuppressionReason.BOUNCED
    consents.suppress("bounced@example.com", channel="email", reason=bounced)
    variant = factories().make_product("40.00")
    world.variant = variant
    world.segment = Segment.objects.create(program=world.program, slug="buyers", name="Buyers")
    world.treated_list = Segment.objects.create(program=world.program, slug="with", name="With")
    world.experiment = trials.begin(
        world.program, slug="spring", name="Spring", held_out_per_mille=500, window_days=30
    )
    world.account(world.other)
    world.give(900)
    staff("manage_users").do(
        operation("staff/tier-override"),
        memberId=world.member_id(),
        tier="vip",
        reason="A test needs it",
    )
    for slug, more in (("tagged", {"audience": {"tags": ["x"]}}), ("soon", {"startsAt": SOON})):
        world.offer_id = make(world, ten_off(variant, **more), slug=slug)["id"]
    world.order = bought(world, {variant: 1})
    world.dear_offer_id = dear_offer(world)
    prepare_coupons(world)
    prepare_campaigns(world)
    events.record_event(account=world.account(), source="reviews", reference="r1", kind="review")
    plan = Plan("Call", timezone.now().date())
    task = open_task(world.account(), plan, actor_ref="")
    world.task_id = gid("RetentionFollowUp", task)
    world.referral_code = referrals.code_of(world.account(customer())).code
    world.checkout_id = world.checkout({variant: 1})
    redeeming.set_redemption(
        checkout_ref=factories().pk_of(world.checkout_id)
        if IS_SALEOR_3
        else str(checkout_of(world).pk),
        user_ref=str(world.owner.user.pk),
        points=100,
    )


def prepare_coupons(world: World) -> None:
    """Have a plan, a batch, and a coupon for whoever has it."""
    draft = Draft("sorry", CouponTrigger.GOODWILL, terms(), valid_for_days=30)
    set_plan(world.program, draft, actor_ref="")
    wanted = Order(key="may", size=1, terms=terms(), valid_for_days=30)
    world.batch = order_batch(world.program, wanted, actor_ref="")
    world.coupon = issue(world, None, CouponKind.BEARER)


def prepare_campaigns(world: World) -> None:
    """Have a campaign that runs, one that does not, and the owner in it."""
    for slug in ("running", "draft"):
        campaign = campaign_of(
            world.program,
            {"kind": "once", "on": "2999-12-31"},
            slug=slug,
            message={"channel": "sms", "texts": {"en": {"text": "Hi"}}},
        )
        setattr(world, f"{slug}_id", gid("RetentionCampaign", campaign))
    campaigns.start_campaign(Campaign.objects.get(slug="running"))


def checkout_of(world: World) -> Any:
    """Return the owner's checkout."""
    from saleor.checkout.models import Checkout

    return Checkout.objects.get(user=world.owner.user)


def outcome(answer: dict[str, Any], *path: str) -> str:
    """Name what an answer says, in the document's words."""
    if answer.get("errors"):
        codes = {error["extensions"]["exception"]["code"] for error in answer["errors"]}
        return "denied" if codes == {"PermissionDenied"} else f"errors {answer['errors']}"
    found: Any = answer["data"]
    for step in path:
        found = found[step] if found is not None else None
    if found is None:
        return "null"
    if isinstance(found, dict) and found.get("errors"):
        code = found["errors"][0]["code"]
        return {"LOGIN_REQUIRED": "login", "NOT_FOUND": "not found"}.get(code, code)
    return "yes"


def run(path: str, **variables: Callable[[World], Any]) -> Callable[[World, Actor], str]:
    """Return a run of a ready operation."""

    def ready(world: World, actor: Actor) -> str:
        given = {name: value(world) for name, value in variables.items()}
        answer = actor.post(operation(path), **given)
        return outcome(answer, *(answer.get("data") or {}).keys())

    return ready


def user_retention(world: World, actor: Actor) -> str:
    """Ask for the owner's membership in whatever way the requestor can reach the owner."""
    if actor is world.owner:
        return outcome(actor.post(operation("storefront/membership")), "me", "retention")
    if actor is ANONYMOUS or actor is world.other:
        return asked_directly(world, actor)
    answer = actor.post(
        "query ($id: ID!) { user(id: $id) { id retention { number } } }",
        id=gid("User", world.owner.user),
    )
    return outcome(answer, "user", "retention")


def asked_directly(world: World, actor: Actor) -> str:
    """Call the resolver itself: Saleor never shows these requestors another's user object."""
    context = SimpleNamespace(user=actor.user, app=None, META={}, path="/graphql/")
    info = SimpleNamespace(
        context=context, parent_type=SimpleNamespace(name="User"), field_name="retention"
    )
    try:
        resolve_user_retention(world.owner.user, info).get()
    except PermissionDenied:
        return "denied"
    return "yes"


def as_saleor(query: str, root: str) -> Callable[[World, Actor], str]:
    """Return a run that compares with what Saleor itself shows of the object around."""

    def compared(world: World, actor: Actor) -> str:
        is_checkout = root == "checkout"
        if IS_SALEOR_3:
            variables = {"id": world.checkout_id if is_checkout else gid("Order", world.order)}
        else:
            token = checkout_of(world).pk if is_checkout else world.order.token
            variables = {"token": str(token)}
        plain = actor.post(query % "", **variables)["data"]
        ours = actor.post(query % "retention { __typename }", **variables)
        shown = (plain or {}).get(next(iter(plain or {"": None})))
        result = outcome(ours, next(iter(ours["data"] or {"": None})), "retention")
        if actor is world.owner:
            return result
        assert result == ("yes" if shown is not None else outcome(ours, next(iter(ours["data"]))))
        return "as Saleor"

    return compared


def order_questions(world: World, actor: Actor) -> str:
    """Ask what the owner's order asks; where Saleor hides the order, there is nothing."""
    given = {"id": gid("Order", world.order)} if IS_SALEOR_3 else {"token": world.order.token}
    answer = actor.post(ORDER % "retention { questions { motive } }", **given)
    return outcome(answer, *list(answer["data"] or {})[:1], "retention", "questions")


def order_survey(world: World, actor: Actor) -> str:
    """Ask what the owner's order asks about itself; where Saleor hides it, there is nothing."""
    given = {"id": gid("Order", world.order)} if IS_SALEOR_3 else {"token": world.order.token}
    answer = actor.post(ORDER % "retention { survey { intro } }", **given)
    return outcome(answer, *list(answer["data"] or {})[:1], "retention", "survey")


CHECKOUT = (
    "query ($id: ID!) { checkout(id: $id) { id %s } }"
    if IS_SALEOR_3
    else "query ($token: UUID!) { checkout(token: $token) { id %s } }"
)
ORDER = (
    "query ($id: ID!) { order(id: $id) { id %s } }"
    if IS_SALEOR_3
    else "query ($token: UUID!) { orderByToken(token: $token) { id %s } }"
)


def redeemable_max(world: World, actor: Actor) -> str:
    """Ask how many points could be set; where Saleor hides the checkout, ask the resolver."""
    variables = {"id": world.checkout_id} if IS_SALEOR_3 else {"token": str(checkout_of(world).pk)}
    answer = actor.post(CHECKOUT % "retention { redeemableMax }", **variables)
    (checkout,) = answer["data"].values()
    if checkout is None:
        assert not IS_SALEOR_3
        return "zero"
    points = checkout["retention"]["redeemableMax"]
    return "yes" if points == 1072 else {0: "zero"}.get(points, f"{points} points")


def verdicts_of(offer: str) -> Callable[[World, Actor], str]:
    """Return a run that asks whether the verdict of an offer is shown in the owner's checkout."""

    def shown(world: World, actor: Actor) -> str:
        if IS_SALEOR_3:
            variables = {"id": world.checkout_id}
        else:
            variables = {"token": str(checkout_of(world).pk)}
        answer = actor.post(CHECKOUT % "retention { offers { verdicts { name } } }", **variables)
        (checkout,) = answer["data"].values()
        if checkout is None:
            assert not IS_SALEOR_3
            return "zero"
        verdicts = checkout["retention"]["offers"]["verdicts"]
        return "yes" if offer in [row["name"] for row in verdicts] else "zero"

    return shown


def goods(root: str, query: str) -> Callable[[World, Actor], str]:
    """Return a run of a query for goods."""

    def shown(world: World, actor: Actor) -> str:
        variant = world.variant
        key = (
            gid("Product", variant.product) if root == "product" else gid("ProductVariant", variant)
        )
        place = f', channel: "{world.channel}"' if IS_SALEOR_3 else ""
        text = query.replace("CHANNEL", place) + parts("storefront/product")
        return outcome(actor.post(text, id=key), root, "retention")

    return shown


def program_at_rest(world: World, actor: Actor) -> str:
    """Ask for a program that does not run."""
    type(world.program).objects.update(is_active=False)
    answer = actor.post(
        "query ($id: ID!) { retentionProgram(id: $id) { slug } }", id=world.program_id
    )
    return outcome(answer, "retentionProgram")


def program_field(field: str) -> Callable[[World, Actor], str]:
    """Return a run that asks for a field of the running program."""

    def shown(_world: World, actor: Actor) -> str:
        answer = actor.post(f"{{ retentionProgram {{ slug {field} }} }}")
        assert answer["data"]["retentionProgram"]["slug"] == "club"
        return outcome(answer, "retentionProgram", field.split(maxsplit=1)[0])

    return shown


def staff_field(path: str, field: str) -> Callable[[World, Actor], str]:
    """Return a run that asks for a staff-only field of the owner's own account."""
    query = f"retention {{ {path}(first: 1) {{ edges {{ node {{ {field} }} }} }} }}"

    def shown(world: World, actor: Actor) -> str:
        if actor is world.owner:
            answer = actor.post(f"{{ me {{ {query} }} }}")
        elif actor is ANONYMOUS or actor is world.other:
            return asked_directly(world, actor)
        else:
            answer = actor.post(
                f"query ($id: ID!) {{ user(id: $id) {{ {query} }} }}",
                id=gid("User", world.owner.user),
            )
        return outcome(answer)

    return shown


def member_field(field: str) -> Callable[[World, Actor], str]:
    """Return a run that asks for a field of the owner's own membership."""
    query = f"retention {{ {field} }}"

    def shown(world: World, actor: Actor) -> str:
        if actor is world.owner:
            answer = actor.post(f"{{ me {{ {query} }} }}")
        elif actor is ANONYMOUS or actor is world.other:
            return asked_directly(world, actor)
        else:
            answer = actor.post(
                f"query ($id: ID!) {{ user(id: $id) {{ {query} }} }}",
                id=gid("User", world.owner.user),
            )
        return outcome(answer)

    return shown


def audited(action: str) -> Callable[[World, Actor], str]:
    """Return a run that asks whether an action is shown in the audit trail."""

    def shown(_world: World, actor: Actor) -> str:
        answer = actor.post(operation("staff/audit-trail"), first=10, filter={"actions": [action]})
        result = outcome(answer, "retentionAuditTrail")
        if result != "yes":
            return result
        return "yes" if answer["data"]["retentionAuditTrail"]["edges"] else "null"

    return shown


def leave_after_joining(world: World, actor: Actor) -> str:
    """Leave as somebody who has an account."""
    if actor.user is not None:
        world.account(actor)
    return run("storefront/leave")(world, actor)


def enrol_after_leaving(world: World, actor: Actor) -> str:
    """Enrol as somebody who left before."""
    if actor.user is not None:
        account = world.account(actor)
        type(account).objects.filter(pk=account.pk).update(state="left")
    return run("storefront/enrol")(world, actor)


SHARES: dict[str, Callable[[World], Any]] = {
    "baseline": lambda _world: 0.1,
    "expected": lambda _world: 0.15,
}
TRIAL: dict[str, Callable[[World], Any]] = {
    "program": lambda world: world.program_id,
    "channel": lambda world: world.channel,
    "lines": lambda world: [{"variantId": gid("ProductVariant", world.variant), "quantity": 1}],
}


def dear_offer(world: World) -> str:
    """Return the id of an offer that makes the owner's order look dear."""
    document = {"kind": "member_price", "member_price": {"percent": 50}}
    made = Offer.objects.create(
        program=world.program, slug="half", name="Half", kind="member_price", is_active=False
    )
    made.current_version = OfferVersion.objects.create(offer=made, number=1, document=document)
    made.save()
    return gid("RetentionOffer", made)


RUNS: dict[str, Callable[[World, Actor], str]] = {
    "User.retention": user_retention,
    "Checkout.retention": as_saleor(CHECKOUT, "checkout"),
    "RetentionCheckout.redeemableMax": redeemable_max,
    "RetentionCheckoutOffers.verdicts that tell of the customer": verdicts_of("Tagged"),
    "RetentionCheckoutOffers.verdicts of offers to come": verdicts_of("Soon"),
    "Order.retention": as_saleor(ORDER, "order"),
    "Product.retention": goods(
        "product",
        "query ($id: ID!) { product(id: $id CHANNEL) { retention { ...RetentionGoodsParts } } }",
    ),
    "ProductVariant.retention": goods(
        "productVariant",
        "query ($id: ID!) { productVariant(id: $id CHANNEL) { retention "
        "{ ...RetentionGoodsParts } } }",
    ),
    "retentionProgram": run("storefront/program"),
    "retentionProgram that does not run": program_at_rest,
    "RetentionProgram.rules": program_field("rules { timeZone }"),
    "RetentionProgram.recencyBands": program_field("recencyBands { best }"),
    "RetentionProgram.createdAt": program_field("createdAt"),
    "retentionPrograms": run("staff/programs"),
    "retentionMembers": run("staff/members", first=lambda _world: 10),
    "retentionMember": run("staff/member-ledger", id=lambda world: world.member_id()),
    "retentionMemberExport": run("staff/member-export", id=lambda world: world.member_id()),
    "retentionMyExport": run("storefront/export"),
    "RetentionHistoryEntry.audit": staff_field("history", "audit { key }"),
    "RetentionMember.customer": member_field("customer { orders }"),
    "RetentionTierChange.note": staff_field("tierChanges", "note"),
    "RetentionTierChange.actorId": staff_field("tierChanges", "actorId"),
    "retentionAuditTrail": audited("PROGRAM_CREATE"),
    "retentionAuditTrail of members": audited("TIER_OVERRIDE"),
    "retentionOffers": run(
        "staff/offers", program=lambda world: world.program_id, first=lambda _world: 10
    ),
    "retentionOffer": run("staff/offer", id=lambda world: world.offer_id),
    "retentionOfferTemplates": run("staff/offer-templates", program=lambda world: world.program_id),
    "retentionOfferPreview": run("staff/offer-preview", **TRIAL),
    "retentionOfferPreview of a member": run(
        "staff/offer-preview", **TRIAL, memberId=lambda world: world.member_id()
    ),
    "retentionVerify": run("staff/verify"),
    "retentionLiability": run(
        "staff/liability",
        programId=lambda world: world.program_id,
        **{name: lambda _world: "2026-01-01" for name in ("from", "to")},
    ),
    "retentionSegments": run("staff/segments", programId=lambda world: world.program_id),
    "retentionSegment": run(
        "staff/segment", id=lambda world: gid("RetentionSegment", world.segment)
    ),
    "retentionEvents": run("staff/events", programId=lambda world: world.program_id),
    "retentionReferrals": run("staff/referrals", programId=lambda world: world.program_id),
    "retentionMeasures": run(
        "staff/measures",
        programId=lambda world: world.program_id,
        since=lambda _world: "2026-01-01",
        until=lambda _world: "2026-03-31",
    ),
    "retentionReport": run(
        "staff/report",
        programId=lambda world: world.program_id,
        since=lambda _world: "2026-01-01",
        until=lambda _world: "2026-03-31",
    ),
    "retentionExperiments": run("staff/experiments", programId=lambda world: world.program_id),
    "retentionExperiment": run(
        "staff/experiment", id=lambda world: gid("RetentionExperiment", world.experiment), **SHARES
    ),
    "retentionExperimentSize": run(
        "staff/experiment-size", heldOutPerMille=lambda _world: 500, **SHARES
    ),
    "retentionOfferFairness": run(
        "staff/offer-fairness", offerId=lambda world: world.dear_offer_id
    ),
    "retentionOfferFairnessGrant": run(
        "staff/offer-fairness-grant", offerId=lambda world: world.dear_offer_id
    ),
    "retentionEnrol": enrol_after_leaving,
    "retentionLeave": leave_after_joining,
    "retentionProfileUpdate": run(
        "storefront/profile-update", input=lambda _world: {"gender": "OTHER"}
    ),
    "retentionProfileUpdate of a member": run(
        "staff/member-profile-update",
        memberId=lambda world: world.member_id(),
        input=lambda _world: {"gender": "OTHER"},
    ),
    "retentionConsentGive": run("storefront/consent-give", input=lambda _world: TO_SALES),
    "retentionConsentGive of a member": run(
        "staff/member-consent-give",
        memberId=lambda world: world.member_id(),
        input=lambda _world: TO_SALES,
    ),
    "retentionConsentWithdraw": run(
        "storefront/consent-withdraw",
        consentChannel=lambda _world: "EMAIL",
        purpose=lambda _world: "sales",
    ),
    "retentionConsentWithdraw of a member": run(
        "staff/member-consent-withdraw",
        memberId=lambda world: world.member_id(),
        consentChannel=lambda _world: "EMAIL",
        purpose=lambda _world: "sales",
    ),
    "retentionAddressSuppress": run(
        "staff/address-suppress",
        channel=lambda _world: "EMAIL",
        address=lambda _world: "gone@example.com",
        reason=lambda _world: "BOUNCED",
    ),
    "retentionAddressRelease": run(
        "staff/address-release",
        channel=lambda _world: "EMAIL",
        address=lambda _world: "bounced@example.com",
    ),
    "retentionConsentConfirm": run(
        "storefront/consent-confirm", token=lambda world: world.consent_token
    ),
    "RetentionOrder.questions": order_questions,
    "RetentionOrder.survey": order_survey,
    "retentionSurveySubmit": run(
        "storefront/survey-submit",
        orderId=lambda world: gid("Order", world.order),
        answers=lambda _world: [{"key": "stars", "number": 5}],
    ),
    "retentionFeedbackSubmit": run(
        "storefront/feedback-submit",
        survey=lambda _world: "program",
        answers=lambda _world: [{"key": "more", "text": "Nothing"}],
    ),
    "retentionSurveyAnswers": run("staff/survey-answers", programId=lambda world: world.program_id),
    "retentionFollowUps": run("staff/follow-ups"),
    "retentionFollowUpCreate": run(
        "staff/follow-up-create",
        input=lambda world: {
            "memberId": world.member_id(),
            "reason": "Call",
            "dueOn": "2030-01-01",
        },
    ),
    "retentionFollowUpUpdate": run(
        "staff/follow-up-update",
        id=lambda world: world.task_id,
        input=lambda _world: {"reason": "Write"},
    ),
    "retentionFollowUpComplete": run(
        "staff/follow-up-complete",
        id=lambda world: world.task_id,
        outcome=lambda _world: "REACHED",
    ),
    "retentionFollowUpDrop": run("staff/follow-up-drop", id=lambda world: world.task_id),
    "retentionSurveySummary": run("staff/survey-summary", programId=lambda world: world.program_id),
    "retentionReferralCode": run("storefront/referral-code"),
    "retentionReferralCode of a member": run(
        "staff/member-referral-code", memberId=lambda world: world.member_id()
    ),
    "retentionReferralClaim": run(
        "storefront/referral-claim", code=lambda world: world.referral_code
    ),
    "retentionRedemptionSet": run(
        "storefront/redemption-set",
        checkoutId=lambda world: world.checkout_id,
        points=lambda _world: 200,
    ),
    "retentionRedemptionClear": run(
        "storefront/redemption-clear", checkoutId=lambda world: world.checkout_id
    ),
    "retentionGiftPick": run(
        "storefront/gift-pick",
        checkoutId=lambda world: world.checkout_id,
        offerId=lambda world: world.offer_id,
    ),
    "retentionReorder": run("storefront/reorder"),
    "retentionProgramCreate": run(
        "staff/program-create",
        input=lambda world: {
            "slug": "second",
            "name": "Second",
            "channels": [world.channel],
            "isActive": False,
            "rules": {
                "earn": {"rates": [{"currency": "USD", "points": 1, "per": 1}]},
                "pointValues": [{"currency": "USD", "amount": 0.01}],
            },
        },
    ),
    "retentionProgramUpdate": run(
        "staff/program-update",
        id=lambda world: world.program_id,
        input=lambda _world: {"name": "Other", "rules": {"welcomePoints": 7}},
    ),
    "retentionProgramUpdate, dry run": run(
        "staff/program-update",
        id=lambda world: world.program_id,
        input=lambda _world: {"rules": {"welcomePoints": 7}},
        dryRun=lambda _world: True,
    ),
    "retentionProgramRetire": run("staff/program-retire", id=lambda world: world.program_id),
    "retentionTierCreate": run(
        "staff/tier-create",
        programId=lambda world: world.program_id,
        input=lambda _world: {"slug": "gold", "name": "Gold", "threshold": 1000},
    ),
    "retentionTierUpdate": run(
        "staff/tier-update",
        programId=lambda world: world.program_id,
        slug=lambda _world: "vip",
        input=lambda _world: {"threshold": 600},
    ),
    "retentionTierRetire": run(
        "staff/tier-retire",
        programId=lambda world: world.program_id,
        slug=lambda _world: "vip",
    ),
    "retentionRecencyBandsSet": run(
        "staff/recency-bands-set",
        programId=lambda world: world.program_id,
        bands=lambda _world: {"active": 4},
    ),
    "retentionSegmentCreate": run(
        "staff/segment-create",
        programId=lambda world: world.program_id,
        input=lambda _world: {"slug": "all", "name": "All", "rule": {"orders": {"from": 0}}},
    ),
    "retentionSegmentCreate, dry run": run(
        "staff/segment-create",
        programId=lambda world: world.program_id,
        input=lambda _world: {"slug": "all", "name": "All", "rule": {"orders": {"from": 0}}},
        dryRun=lambda _world: True,
    ),
    "retentionSegmentUpdate": run(
        "staff/segment-update",
        id=lambda world: gid("RetentionSegment", world.segment),
        input=lambda _world: {"name": "Everybody"},
    ),
    "retentionSegmentRetire": run(
        "staff/segment-retire", id=lambda world: gid("RetentionSegment", world.segment)
    ),
    "retentionExperimentCreate": run(
        "staff/experiment-create",
        programId=lambda world: world.program_id,
        input=lambda _world: {
            "slug": "trial",
            "name": "Trial",
            "heldOutPerMille": 500,
            "windowDays": 30,
        },
    ),
    "retentionExperimentDeal": run(
        "staff/experiment-deal",
        id=lambda world: gid("RetentionExperiment", world.experiment),
        segmentId=lambda world: gid("RetentionSegment", world.segment),
        treatedListId=lambda world: gid("RetentionSegment", world.treated_list),
    ),
    "retentionExperimentEnd": run(
        "staff/experiment-end", id=lambda world: gid("RetentionExperiment", world.experiment)
    ),
    "retentionOfferCreate": run(
        "staff/offer-create",
        programId=lambda world: world.program_id,
        input=lambda _world: {"slug": "five", "name": "Five", "offer": five_off_from_fifty()},
    ),
    "retentionOfferUpdate": run(
        "staff/offer-update",
        id=lambda world: world.offer_id,
        input=lambda _world: {"name": "Other", "offer": {"priority": 1}},
    ),
    "retentionOfferDuplicate": run(
        "staff/offer-duplicate", id=lambda world: world.offer_id, slug=lambda _world: "copy"
    ),
    "retentionOfferSchedule": run("staff/offer-schedule", id=lambda world: world.offer_id),
    "retentionOfferSwitch": run(
        "staff/offer-switch", id=lambda world: world.offer_id, isActive=lambda _world: False
    ),
    "retentionOfferRetire": run("staff/offer-retire", id=lambda world: world.offer_id),
    "retentionCampaigns": run("staff/campaigns", programId=lambda world: world.program_id),
    "retentionCampaignTemplates": run(
        "staff/campaign-templates", program=lambda world: world.program_id
    ),
    "retentionCampaign": run("staff/campaign", id=lambda world: world.draft_id),
    "retentionDispatches": run(
        "staff/campaign-dispatches", campaignId=lambda world: world.running_id
    ),
    "retentionCampaignDryRun": run("staff/campaign-dry-run", id=lambda world: world.draft_id),
    "retentionCampaignCreate": run(
        "staff/campaign-create",
        programId=lambda world: world.program_id,
        input=lambda _world: {
            "slug": "new",
            "name": "New",
            "campaign": {"trigger": {"kind": "WELCOME"}, "benefit": {"points": 5}},
        },
    ),
    "retentionCampaignUpdate": run(
        "staff/campaign-update",
        id=lambda world: world.draft_id,
        input=lambda _world: {"name": "Other"},
    ),
    "retentionCampaignSchedule": run(
        "staff/campaign-schedule", id=lambda world: world.draft_id, startsAt=lambda _world: SOON
    ),
    "retentionCampaignStart": run("staff/campaign-start", id=lambda world: world.draft_id),
    "retentionCampaignPause": run("staff/campaign-pause", id=lambda world: world.running_id),
    "retentionCampaignEnd": run("staff/campaign-end", id=lambda world: world.running_id),
    "retentionCampaignTest": run(
        "staff/campaign-test",
        id=lambda world: world.draft_id,
        to=lambda _world: "+12025550123",
    ),
    "retentionCoupons": run("staff/coupons", programId=lambda world: world.program_id),
    "retentionCouponBatches": run("staff/coupon-batches", programId=lambda world: world.program_id),
    "retentionCouponPlans": run("staff/coupon-plans", programId=lambda world: world.program_id),
    "retentionCouponLookup": run("storefront/coupon-lookup", code=lambda world: world.coupon.code),
    "retentionCouponPlanSet": run(
        "staff/coupon-plan-set",
        programId=lambda world: world.program_id,
        input=lambda _world: {
            "slug": "sorry",
            "trigger": "GOODWILL",
            "terms": {"name": "Ten off", "percent": 10},
            "validForDays": 30,
        },
    ),
    "retentionCouponGive": run(
        "staff/coupon-give",
        memberId=lambda world: world.member_id(),
        plan=lambda _world: "sorry",
        reason=lambda _world: "Late",
        key=lambda _world: "t1",
    ),
    "retentionCouponRevoke": run(
        "staff/coupon-revoke",
        id=lambda world: gid("RetentionCoupon", world.coupon),
        reason=lambda _world: "Over",
    ),
    "retentionCouponBatchCreate": run(
        "staff/coupon-batch-create",
        programId=lambda world: world.program_id,
        input=lambda _world: {
            "key": "june",
            "size": 1,
            "terms": {"name": "Ten off", "percent": 10},
            "validForDays": 30,
        },
    ),
    "retentionCouponBatchRevoke": run(
        "staff/coupon-batch-revoke",
        id=lambda world: gid("RetentionCouponBatch", world.batch),
        reason=lambda _world: "Over",
    ),
    "retentionPointsAdjust": run(
        "staff/points-adjust",
        memberId=lambda world: world.member_id(),
        points=lambda _world: -10,
        reason=lambda _world: "A mistake",
        key=lambda _world: "once",
    ),
    "retentionTierOverride": run(
        "staff/tier-override",
        memberId=lambda world: world.member_id(),
        tier=lambda _world: "regular",
        reason=lambda _world: "A mistake",
    ),
    "retentionMemberErase": run(
        "staff/member-erase",
        id=lambda world: world.member_id(),
        reason=lambda _world: "Asked for",
    ),
    "retentionOrderSettle": run(
        "staff/order-settle", orderId=lambda world: gid("Order", world.order)
    ),
    "retentionSaleRecord": run("staff/sale-record", input=sale),
    "retentionEventRecord": run(
        "staff/event-record",
        input=lambda world: {
            "source": "reviews",
            "reference": "r2",
            "kind": "review",
            "memberId": world.member_id(),
        },
    ),
    "retentionEventReverse": run(
        "staff/event-reverse", source=lambda _world: "reviews", reference=lambda _world: "r1"
    ),
    "retentionSaleReverse": run(
        "staff/sale-reverse",
        input=lambda _world: {"source": "till-1", "receipt": "R-1", "reversalId": "back-1"},
    ),
}
