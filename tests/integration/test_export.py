"""Everything held about a person, in words: complete, bounded, and of nobody else."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from saleor_retention.engine.coupons.terms import parse
from saleor_retention.export.records import record_of
from saleor_retention.export.staff import DONE
from saleor_retention.models import (
    Account,
    AuditAction,
    Campaign,
    CampaignVersion,
    Coupon,
    CouponKind,
    CouponUse,
    Dispatch,
    ExperimentSubject,
    FollowUp,
    FollowUpOutcome,
    LotExtension,
    Offer,
    OfferGrant,
    OfferUse,
    ReferralCode,
    SkippedSend,
    StoredQuote,
    Suppression,
    SuppressionReason,
)
from saleor_retention.selectors import holdings, persons
from saleor_retention.selectors.holdings import Section
from saleor_retention.services.campaigning import experiments
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.consenting import consents
from saleor_retention.services.couponing import coupons
from saleor_retention.services.ledger import granting
from saleor_retention.services.membership import (
    addresses,
    erasing,
    events,
    follow_ups,
    members,
    profiles,
    referrals,
    segments,
    surveys,
    tiering,
)
from saleor_retention.services.membership.segments import Draft
from saleor_retention.services.ordering import pos, settling
from saleor_retention.services.ordering.pos import MemberKey, SaleLine
from tests import fakes
from tests.fakes import CHANNEL, FakeHost, line, order
from tests.members import LADDER, NOON, give, make_member, make_program
from tests.offers import make_offer

pytestmark = pytest.mark.django_db

RECORDS = Path(__file__).with_name("export.jsonl")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop in memory."""
    return fakes.use(monkeypatch)


@pytest.fixture
def ann(shop: FakeHost) -> Account:
    """A member with something in every section."""
    news = {"channel": "email", "purpose": "news", "version": "v1", "text": "Write to me."}
    program = make_program(
        tiers=LADDER,
        reference={"currency": "USD"},
        questions={"consents": [news]},
        events={"review": {"points": 0}},
        referral={"advocate_points": 5},
        survey={
            "questions": [
                {"key": "stars", "label": "How was it?", "type": "number"},
                {"key": "more", "label": "Anything else?"},
            ]
        },
    )
    account = make_member(shop, program)
    profiles.update(account, {"birthday": {"month": 5, "day": 4}, "gender": "female"}, now=NOON)
    profiles.update(account, {"gender": None}, now=NOON)
    consents.give(account, channel="email", purpose="news", text_version="v1", now=NOON)
    consents.suppress(
        shop.users([str(account.user_id)])[str(account.user_id)].email,
        channel="email",
        reason=SuppressionReason.BOUNCED,
        now=NOON,
    )
    addresses.note(str(account.user_id), NOON)
    Account.objects.filter(pk=account.pk).update(member_number="1000000001")
    account.refresh_from_db()
    user_ref = str(account.user_id)
    card = make_offer(program, "card", "punch_card", {"select": {"products": ["p-1"]}, "buy": 6})
    shop.put_order(order("order-1", line("1", 5000), user_ref=user_ref, created_at=NOON))
    settling.settle(order_ref="order-1", now=NOON)
    granting.grant(
        account_id=account.pk,
        points=100,
        reason="Ann was kind",
        actor_ref="user:1",
        key="1",
        now=NOON,
    )
    tiering.override(
        account_id=account.pk,
        tier="vip",
        valid_until=None,
        reason="Ann is nice",
        actor_ref="user:1",
        now=NOON,
    )
    shop.put_checkout("cart-1", 5000, user_ref=user_ref)
    redeeming.set_redemption(checkout_ref="cart-1", user_ref=user_ref, points=70, now=NOON)
    pos.record_sale(
        source="till",
        receipt="R-1",
        channel=CHANNEL,
        member=MemberKey(number=account.member_number),
        sold_at=NOON,
        currency="USD",
        lines=[SaleLine(ref="a", quantity=1, gross=Decimal("20.00"))],
        now=NOON,
    )
    OfferUse.objects.create(
        offer=card,
        version=card.current_version,
        account=account,
        checkout_ref="cart-1",
        state="reserved",
        uses=1,
        amount_minor=500,
        currency="USD",
        created_at=NOON,
        lapses_at=NOON,
    )
    StoredQuote.objects.create(
        checkout_ref="cart-1",
        account=account,
        user_ref=user_ref,
        basket_fingerprint="",
        fingerprint="",
        payload={},
        points_applied=70,
        priced_at=NOON,
    )
    coupon = coupons.issue(
        program,
        CouponKind.PERSONAL,
        account,
        parse({"name": "Five off", "amounts": {"USD": 500}}),
        key="1",
        valid_for_days=30,
        now=NOON,
    )
    CouponUse.objects.create(
        coupon=coupon,
        checkout_ref="cart-0",
        order_ref="order-1",
        state="used",
        amount_minor=500,
        currency="USD",
        lapses_at=NOON,
        created_at=NOON,
    )
    LotExtension.objects.create(
        lot=account.lots.earliest("pk"),
        recorded_at=NOON,
        activity_at=NOON,
        from_at=NOON,
        to_at=NOON + dt.timedelta(days=365),
        cause="order:order-1",
    )
    draft = Draft("buyers", "Buyers", {"orders": {"from": 1}}, tag="buyer")
    segments.create_segment(program, draft, now=NOON)
    _tell_of_a_campaign(account)
    spring = experiments.create_experiment(
        program, slug="spring", name="Spring", held_out_per_mille=500, window_days=30, now=NOON
    )
    ExperimentSubject.objects.create(
        experiment=spring, account=account, arm="held_out", assigned_at=NOON
    )
    _tell_of_a_friend(shop, account)
    surveys.answer_survey(
        user_ref=user_ref, order_ref="order-1", given={"stars": 5, "more": "Nice, Bob"}, now=NOON
    )
    plan = follow_ups.Plan("Ann wants a call", NOON.date())
    task = follow_ups.open_task(account, plan, actor_ref="user:1", now=NOON)
    follow_ups.close_task(
        task, FollowUpOutcome.REACHED, note="Ann is glad", actor_ref="user:1", now=NOON
    )
    account.refresh_from_db()
    return account


def _tell_of_a_friend(shop: FakeHost, account: Account) -> None:
    """Write down a review and a friend."""
    events.record_event(
        account=account,
        source="reviews",
        reference="r1",
        kind="review",
        object_ref="p-1",
        at=NOON,
        now=NOON,
    )
    referrals.code_of(account, now=NOON)
    ReferralCode.objects.update(code="ABC")
    friend = make_member(shop, account.program)
    referrals.claim(program=account.program, user_ref=str(friend.user_id), code="ABC", now=NOON)


def _tell_of_a_campaign(account: Account) -> None:
    """Write down a message that was left out and one that was sent."""
    campaign = Campaign.objects.create(
        program=account.program, slug="hello", name="Hello", secret="00", created_at=NOON
    )
    version = CampaignVersion.objects.create(
        campaign=campaign, number=1, document={}, created_at=NOON
    )
    common = {"campaign": campaign, "version": version, "account": account, "planned_at": NOON}
    times = {"not_before": NOON, "useful_until": NOON}
    left_out = Dispatch.objects.create(cycle="a", state="skipped", **common, **times)
    SkippedSend.objects.create(dispatch=left_out, reason="no_address", at=NOON)
    Dispatch.objects.create(cycle="b", state="sent", sending_at=NOON, **common, **times)
    OfferGrant.objects.create(
        offer=Offer.objects.get(slug="card"),
        account=account,
        campaign=campaign,
        key="campaign:1",
        granted_at=NOON,
        valid_until=NOON + dt.timedelta(days=7),
    )


def exported(*arguments: str) -> dict[str, Any]:
    """Return what the command writes."""
    out = StringIO()
    call_command("retention_export", *arguments, stdout=out)
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


def texts(document: dict[str, Any], section: str) -> list[str]:
    """Return the sentences of one section."""
    return [row["text"] for row in document["records"] if row["section"] == section]


def test_everything_is_there_in_words(ann: Account) -> None:
    """A sentence for each thing that is held, and its values."""
    document = exported("--user", str(ann.user_id))

    assert texts(document, "account") == [
        (
            'Member 1000000001 of "Club" since 2026-01-01. 100 points are available, 0 pending, '
            "70 set aside and 0 owed. The tier is vip."
        )
    ]
    assert texts(document, "address") == [
        "An e-mail address since 2026-03-10, of which a hash is kept."
    ]
    assert texts(document, "profile") == [
        '2026-03-10: birthday is {"day": 4, "month": 5}, said in the shop.',
        '2026-03-10: gender is "female", said in the shop.',
        "2026-03-10: gender is not known any more, said in the shop.",
    ]
    assert texts(document, "consent") == [
        '2026-03-10: consent was given (email, news) to "Write to me.", said in the shop.'
    ]
    assert texts(document, "suppression") == [
        "2026-03-10: nothing is sent by email for any purpose; messages could not be delivered."
    ]
    assert texts(document, "tier_change")[-1] == (
        "2026-03-10: the tier went from regular to vip; the shop set it."
    )
    assert texts(document, "lot")[0] == (
        "2026-03-10: 50 points of order order-1; 0 are left, 50 set aside, 0 used, 0 expired."
    )
    assert texts(document, "order")[0] == (
        "2026-03-10: order order-1 earned 50 points, of which 0 were taken back, and 0 points "
        "were spent on it, of which 0 were given back."
    )
    assert texts(document, "receipt") == [
        "2026-03-10: receipt R-1 of till till, 1 line, 0 reversals."
    ]
    assert texts(document, "cart") == [
        "2026-03-10: the benefits of cart cart-1, with 70 points spent."
    ]
    assert texts(document, "hold") == [
        (
            "2026-03-10: 70 points, worth 0.70 USD, were set aside for cart cart-1; "
            "they are set aside still."
        )
    ]
    assert texts(document, "customer") == ["2 orders on 1 day from 2026-03-10 to 2026-03-10."]
    assert texts(document, "segment") == ['In the segment "Buyers" since 2026-03-10.']
    assert texts(document, "segment_event") == ['2026-03-10: came into the segment "Buyers".']
    assert texts(document, "tag") == ['Bears the tag "buyer" since 2026-03-10.']
    code = Coupon.objects.get().code
    assert texts(document, "coupon") == [
        (
            f'2026-03-10: the coupon {code} "Five off", given by a campaign, it can be used until '
            "2026-04-10."
        )
    ]
    assert texts(document, "coupon_use") == [
        f"2026-03-10: the coupon {code}, 5.00 USD off, used by order order-1."
    ]
    assert texts(document, "lot_extension") == [
        (
            "2026-03-10: points that would have ended on 2026-03-10 last until 2027-03-10, "
            "by what was done on 2026-03-10."
        )
    ]
    assert texts(document, "dispatch") == [
        '2026-03-10: the campaign "Hello", left out: no_address.',
        '2026-03-10: the campaign "Hello", sent.',
    ]
    assert texts(document, "experiment") == [
        '2026-03-10: in the experiment "Spring", drawn to be left out.'
    ]
    assert texts(document, "event") == ["2026-03-10: review about p-1, told by reviews; 0 points."]
    assert texts(document, "referral_code") == ["2026-03-10: the code for friends is ABC."]
    assert texts(document, "referral") == [
        "2026-03-10: referred a friend; no first order was paid yet, 0 points."
    ]
    assert texts(document, "survey") == [
        (
            '2026-03-10: answered about order order-1: Anything else? "Nice, Bob"; '
            "How was it? 5; 0 points."
        )
    ]
    assert texts(document, "follow_up") == ["2026-03-10: a task of staff, due 2026-03-10, reached."]
    assert texts(document, "movement") == [
        "2026-03-10: +20 points. Earned by order R-1.",
        "2026-03-10: +0 points. Set aside for a checkout.",
        "2026-03-10: +100 points. Granted by the shop.",
        "2026-03-10: +50 points. Earned by order order-1.",
    ]
    task = FollowUp.objects.get().pk
    assert texts(document, "audit") == [
        "2026-03-10: points were given by hand (100 points are granted).",
        "2026-03-10: the tier was set by hand (tier changes from regular to vip).",
        "2026-03-10: a till sent a sale (20 points earned, 0 taken back).",
        "2026-03-10: a rewarded event was told of (review: 0 points, no points).",
        f"2026-03-10: a task of staff was opened (task {task}: due on 2026-03-10).",
        f"2026-03-10: a task of staff was closed (task {task}: reached).",
    ]
    notes = [row["data"].get("note") for row in document["records"]]
    assert "Ann was kind" in notes
    assert "Ann is nice" in notes
    assert "Ann is glad" in notes


def test_every_record_is_what_it_was(ann: Account) -> None:
    """Sections, sentences, names and values to the letter: a shop's own programs read them."""
    changing = {
        str(ann.pseudonym): "(pseudonym)",
        Suppression.objects.get().address_hash: "(hash)",
        Coupon.objects.get().code: "(code)",
        f'"lot": {LotExtension.objects.get().lot_id}': '"lot": "(id)"',
        f"task {FollowUp.objects.get().pk}": "task (id)",
    }

    records = exported("--user", str(ann.user_id))["records"]
    text = "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records)
    for value, name in changing.items():
        text = text.replace(value, name)

    assert text.splitlines() == RECORDS.read_text(encoding="utf-8").splitlines()


def test_the_customers_own_export_leaves_the_words_of_staff_out(ann: Account) -> None:
    """The rest is the same, record by record."""
    found = list(holdings.walk([ann.pk]))
    own = [record_of(holding, is_for_staff=False) for holding in found]
    whole = [record_of(holding, is_for_staff=True) for holding in found]

    assert [(record.section, record.text) for record in own] == [
        (record.section, record.text) for record in whole
    ]
    assert "Ann " not in json.dumps([record.data for record in own])
    assert "user:1" not in json.dumps([record.data for record in own])


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_pages_add_up_to_the_whole(shop: FakeHost, ann: Account, size: int) -> None:
    """Whatever the size: nothing twice, nothing missing, two accounts one after the other."""
    other = make_member(shop, ann.program)
    give(other, 5)
    ids = [ann.pk, other.pk]
    found: list[tuple[Section, int, Any]] = []
    after = None
    while True:
        page = holdings.page(ids, size, after)
        assert len(page.holdings) <= size
        found += [key(holding) for holding in page.holdings]
        after = page.end
        if after is None:
            break

    assert found == [key(holding) for holding in holdings.walk(ids)]
    assert len(found) == len(set(found))
    assert {section for section, _, _ in found} == set(Section)


def key(holding: holdings.Holding) -> tuple[Section, int, Any]:
    """Return what names a row."""
    row = holding.row
    return holding.section, holding.account.pk, getattr(row, "pk", None) or row.id


def test_a_long_history_is_read_in_pages(ann: Account) -> None:
    """Each statement reads a hundred postings at most, whatever comes before."""
    for number in range(250):
        granting.grant(
            account_id=ann.pk, points=1, reason="A test", actor_ref="", key=f"n{number}", now=NOON
        )

    with CaptureQueriesContext(connection) as captured:
        found = [item for item in holdings.walk([ann.pk]) if item.section is Section.MOVEMENT]

    assert len(found) == 254
    assert [item.row.id for item in found] == sorted((item.row.id for item in found), reverse=True)
    reads = [query["sql"] for query in captured if "moved" in query["sql"]]
    assert 3 <= len(reads) <= 8
    assert all("LIMIT" in statement for statement in reads)


def test_what_was_done_before_the_member_was_known_is_exported(
    shop: FakeHost, ann: Account
) -> None:
    """A reversal that came before its sale names an order alone; others' entries stay out."""
    other = make_member(shop, ann.program)
    for account, receipt in ((ann, "R-7"), (other, "R-8"), (None, "R-9")):
        pos.reverse_sale(source="till", receipt=receipt, reversal_id="1", now=NOON)
        if account is not None:
            pos.record_sale(
                source="till",
                receipt=receipt,
                channel=CHANNEL,
                member=MemberKey(number=account.member_number),
                sold_at=NOON,
                currency="USD",
                lines=[SaleLine(ref="a", quantity=1, gross=Decimal("20.00"))],
                now=NOON,
            )

    told = [
        (row["data"]["action"], row["data"]["order"])
        for row in exported("--user", str(ann.user_id))["records"]
        if row["section"] == "audit"
    ]

    assert told == [
        ("points_grant", ""),
        ("tier_override", ""),
        ("sale_record", "pos:till:R-1"),
        ("event_record", ""),
        ("follow_up_open", ""),
        ("follow_up_close", ""),
        ("sale_reverse", "pos:till:R-7"),
        ("sale_record", "pos:till:R-7"),
    ]


NOT_READ = {
    "Entry": "the movements are read from the postings that they belong to",
    "Erasure": "is about those of whom nothing is held any more",
    "OfferCounter": "a sum of the uses, which are there",
    "Profile": "the newest of the facts, which are there one by one",
}
"""Models that name an account and are not read by an export, with what tells of it instead."""


def test_every_model_that_names_an_account_is_exported(ann: Account) -> None:
    """A new one has to be put into a section, or to say here what tells of it."""
    with CaptureQueriesContext(connection) as captured:
        exported("--user", str(ann.user_id))
    asked = " ".join(query["sql"] for query in captured.captured_queries)
    unread = {
        model.__name__
        for model in apps.get_app_config("saleor_retention").get_models()
        if any(each.related_model is Account for each in model._meta.concrete_fields)
        and f'"{model._meta.db_table}"' not in asked
    }

    assert sorted(unread ^ set(NOT_READ)) == []


def test_every_action_about_a_customer_has_words() -> None:
    """All but those of programs, offers, campaigns, segments and experiments, or the ledger."""
    kinds = ("program_", "offer_", "campaign_", "coupon_plan", "coupon_batch", "segment_")
    kinds += ("points_import", "backfill_", "ledger_", "experiment_")
    about_programs = {action for action in AuditAction if action.value.startswith(kinds)}

    assert set(DONE) == set(AuditAction) - about_programs


def test_the_guest_he_was_is_exported_too(shop: FakeHost) -> None:
    """By user and by address; others of the address are not known."""
    program = make_program()
    shop.put_order(
        order("order-1", line("1", 5000), user_ref=None, email="ada@example.com", created_at=NOON)
    )
    settling.settle(order_ref="order-1", now=NOON)
    guest = exported("--email", "Ada@example.com")
    account = make_member(shop, program)
    shop.put_user(str(account.user_id), "ada@example.com")
    both = exported("--user", str(account.user_id))
    shop.put_user(str(account.user_id), "ada@example.com", is_confirmed=False)
    unconfirmed = exported("--user", str(account.user_id))

    shadow = (
        'Orders placed as a guest in "Club", known by a hash of the e-mail address. 0 points are '
        "available, 50 pending, 0 set aside and 0 owed."
    )
    assert texts(guest, "account") == [shadow]
    assert len(texts(both, "account")) == 2
    assert shadow in texts(both, "account")
    assert shadow not in texts(unconfirmed, "account")
    with pytest.raises(CommandError, match="Nothing is held about this person"):
        exported("--email", "somebody@example.com")


def test_nothing_is_found_after_an_erasure(ann: Account) -> None:
    """Neither by user nor by number; a new membership begins empty, but for the address's list."""
    user_ref, number = str(ann.user_id), ann.member_number
    erasing.erase(persons.of_account(ann), reason="Asked for", actor_ref="user:1")

    for who in (("--user", user_ref), ("--member", number), ("--member", f"erased-{ann.pk}")):
        with pytest.raises(CommandError):
            exported(*who)
    ann.refresh_from_db()
    assert persons.account_ids(persons.of_account(ann)) == []
    members.member_of(ann.program, user_ref, now=timezone.now())
    assert {row["section"] for row in exported("--user", user_ref)["records"]} <= {
        "account",
        "address",
        "suppression",
        "tier_change",
    }


def test_it_is_written_to_a_file(ann: Account, tmp_path: Path) -> None:
    """The same text as on standard output; a folder that is not there is said."""
    target = tmp_path / "ann.json"
    call_command("retention_export", "--member", ann.member_number, "--out", str(target))

    document = json.loads(target.read_text(encoding="utf-8"))
    *again, reading = exported("--member", ann.member_number)["records"]
    assert document["records"] == again
    assert reading["data"]["action"] == "member_export"
    assert document["about"].startswith("Everything that the loyalty program holds")
    with pytest.raises(CommandError, match="No such file"):
        exported("--member", ann.member_number, "--out", str(tmp_path / "no" / "ann.json"))
