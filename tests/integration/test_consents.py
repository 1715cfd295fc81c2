"""Consents: asked, confirmed, withdrawn without a login, and outlived by the suppression list."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import override_settings

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Account,
    AccountState,
    ConsentEntry,
    ConsentSource,
    Suppression,
    SuppressionReason,
)
from saleor_retention.selectors import persons
from saleor_retention.selectors.consents import Refused, may_send_to
from saleor_retention.services.consenting import consent_links, consents
from saleor_retention.services.membership import erasing
from saleor_retention.services.ordering import settling
from saleor_retention.services.setting_up import programs
from tests import fakes
from tests.fakes import FakeHost, at, line, order
from tests.members import NOON, make_member, make_program

pytestmark = pytest.mark.django_db

NEWS = {"channel": "email", "purpose": "news"}
SALES = {"channel": "email", "purpose": "sales"}
TEXTED = {"channel": "sms", "purpose": "news"}
PHONE = "+12025550123"
TEXTS = {"version": "v1", "text": "Write to me."}
QUESTIONS = {
    "consents": [
        {**NEWS, **TEXTS, "double_opt_in": True},
        {**SALES, **TEXTS},
        {"channel": "sms", "purpose": "news", **TEXTS},
        {"channel": "profiling", "purpose": "habits", **TEXTS},
    ]
}
LATER = at("2026-03-10 13:00")
NEXT_DAY = at("2026-03-11 12:00")
NEXT_WEEK = at("2026-03-17 12:00")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop in memory."""
    return fakes.use(monkeypatch)


@pytest.fixture
def ann(shop: FakeHost) -> Account:
    """A member of a program that asks for four consents."""
    return make_member(shop, make_program(questions=QUESTIONS))


def states(account: Account) -> list[tuple[str, str, str, str]]:
    """Return the whole log: channel, purpose, state and source, in order."""
    rows = account.consents.order_by("id")
    return list(rows.values_list("channel", "purpose", "state", "source"))


def email_of(shop: FakeHost, account: Account) -> str:
    """Return the customer's address."""
    ref = str(account.user_id)
    return shop.users([ref])[ref].email


def reason(account: Account, what: dict[str, str], **more: Any) -> str | None:
    """Return why nothing may be sent to a member, or None where it may."""
    return consents.may_send(account.pk, **what, **{"at": NEXT_WEEK, **more}).reason


def unsubscribe(
    shop: FakeHost, account: Account, what: dict[str, str], now: Any, address: str = ""
) -> None:
    """Follow the link of a message."""
    to = address or email_of(shop, account)
    path = consent_links.unsubscribe_path(account.pk, address=to, **what)
    link = consent_links.unsubscription_in(path.rsplit("/", 1)[1])
    assert link is not None
    consents.unsubscribe(link, now=now)


def refusal_of(token: str, now: Any) -> tuple[str | None, Code]:
    """Return how a token is refused."""
    before = ConsentEntry.objects.count()
    with pytest.raises(Refusal) as caught:
        consents.confirm(token, now=now)
    assert ConsentEntry.objects.count() == before
    assert caught.value.message == "This link is not valid (any more). Ask for a new one."
    return caught.value.field, caught.value.code


def test_nothing_may_be_sent_before_somebody_agreed(shop: FakeHost, ann: Account) -> None:
    """Neither by a channel nor to an address."""
    assert reason(ann, NEWS) is Refused.NOT_ASKED
    assert reason(ann, {"channel": "profiling", "purpose": "habits"}) is Refused.NOT_ASKED
    by_address = consents.may_send(email_of(shop, ann), **NEWS, at=NOON)
    assert (bool(by_address), by_address.reason) == (False, Refused.NOT_ASKED)
    assert consents.may_send("x@example.com", **NEWS, at=NOON).reason is Refused.NOBODY


def test_a_consent_holds_from_when_it_is_given(shop: FakeHost, ann: Account) -> None:
    """With its words, version, source and time."""
    entry = consents.give(ann, **SALES, text_version="v1", order_ref="order-1", now=NOON)

    assert reason(ann, SALES) is None
    assert consents.may_send(email_of(shop, ann), **SALES, at=NOON)
    assert reason(ann, SALES, at=at("2026-03-10 11:59")) is Refused.NOT_ASKED
    assert reason(ann, NEWS) is Refused.NOT_ASKED
    assert (entry.text_version, entry.version, entry.at, entry.order_ref) == (
        "v1",
        ann.program.current_version,
        NOON,
        "order-1",
    )


def test_the_same_answer_is_written_once(ann: Account) -> None:
    """Other words are another answer."""
    first = consents.give(ann, **SALES, text_version="v1", now=NOON)
    assert consents.give(ann, **SALES, text_version="v1", now=NEXT_DAY) == first

    changed = {"consents": [{**SALES, "version": "v2", "text": "Write to me daily."}]}
    programs.update_program(program=ann.program, changes={"questions": changed}, actor_ref="")

    with pytest.raises(Refusal) as caught:
        consents.give(ann, **SALES, text_version="v1", now=NEXT_DAY)
    assert (caught.value.code, caught.value.field) == (Code.INVALID, "textVersion")
    assert consents.give(ann, **SALES, text_version="v2", now=NEXT_DAY) != first


def test_what_is_not_asked_cannot_be_answered(ann: Account) -> None:
    """No consent can be made up, and none withdrawn that there is not."""
    with pytest.raises(Refusal) as caught:
        consents.give(ann, channel="email", purpose="gossip", text_version="v1", now=NOON)
    assert (caught.value.code, caught.value.field) == (Code.NOT_FOUND, "purpose")
    with pytest.raises(Refusal) as caught:
        consents.withdraw(ann, channel="email", purpose="gossip", now=NOON)
    assert caught.value.code is Code.NOT_FOUND
    assert states(ann) == []


def test_a_purchase_is_never_a_consent(shop: FakeHost, ann: Account) -> None:
    """An order is settled, earns, and nothing may be sent for it."""
    user_ref = str(ann.user_id)
    shop.put_order(order("order-1", line("1", 5000), user_ref=user_ref, created_at=NOON))
    record = settling.settle(order_ref="order-1", now=NOON)

    assert record is not None
    assert record.earned == 50
    assert states(ann) == []
    assert reason(ann, SALES) is Refused.NOT_ASKED


def test_a_double_opt_in_waits_for_its_link(shop: FakeHost, ann: Account) -> None:
    """The mail goes to the customer's address, and the link confirms once."""
    request = consents.give(ann, **NEWS, text_version="v1", now=NOON)

    assert reason(ann, NEWS) is Refused.NOT_CONFIRMED
    ((event, payload),) = shop.notified
    assert event == "retention_consent_requested"
    assert payload["recipient_email"] == email_of(shop, ann)
    assert payload["expires_at"] == "2026-03-12T12:00:00+00:00"
    assert payload["text"] == "Write to me."

    given = consents.confirm(payload["token"], now=LATER)
    again = consents.confirm(payload["token"], now=NEXT_DAY)

    assert given == again
    assert given.request == request
    assert reason(ann, NEWS) is None
    assert states(ann) == [
        ("email", "news", "requested", "storefront"),
        ("email", "news", "given", "confirmation"),
    ]


def test_a_link_is_void_when_it_is_late(shop: FakeHost, ann: Account) -> None:
    """After 48 hours, to the second."""
    consents.give(ann, **NEWS, text_version="v1", now=NOON)
    token = shop.notified[0][1]["token"]

    assert refusal_of(token, at("2026-03-12 12:00:01")) == ("token", Code.INVALID)
    assert consents.confirm(token, now=at("2026-03-12 12:00")).state == "given"


def test_a_link_is_void_at_another_address(shop: FakeHost, ann: Account) -> None:
    """It proves that somebody reads the mail of the one that it was sent to."""
    consents.give(ann, **NEWS, text_version="v1", now=NOON)
    shop.put_user(str(ann.user_id), "new@example.com")

    assert refusal_of(shop.notified[0][1]["token"], LATER) == ("token", Code.INVALID)


def test_a_link_is_void_after_a_withdrawal(shop: FakeHost, ann: Account) -> None:
    """The latest word holds."""
    consents.give(ann, **NEWS, text_version="v1", now=NOON)
    consents.withdraw(ann, **NEWS, now=LATER)

    assert refusal_of(shop.notified[0][1]["token"], NEXT_DAY) == ("token", Code.INVALID)


def test_tokens_cannot_be_made_up(shop: FakeHost, ann: Account) -> None:
    """Whatever is sent, it is one answer."""
    request = consents.give(ann, **NEWS, text_version="v1", now=NOON)
    token = shop.notified[0][1]["token"]
    wrong = ("", ".", "x", f"{request.pk}", f"{request.pk}.", token[:-1], f"{token}0", "9" * 500)
    other = f"{request.pk + 1}.{token.split('.')[1]}"

    for text in (*wrong, other, f"{request.pk}.ä", "²." + token):
        assert refusal_of(text, LATER) == ("token", Code.INVALID)


def test_the_mail_is_sent_again_after_a_while_only(shop: FakeHost, ann: Account) -> None:
    """Nobody's mailbox is filled by asking; the newest link is the one that works."""
    for now in (NOON, at("2026-03-10 12:14:59"), at("2026-03-10 12:15")):
        consents.give(ann, **NEWS, text_version="v1", now=now)

    old, new = (payload["token"] for _, payload in shop.notified)
    assert refusal_of(old, LATER) == ("token", Code.INVALID)
    assert consents.confirm(new, now=LATER).state == "given"


def test_a_withdrawal_holds_at_once_whatever_the_instant(ann: Account) -> None:
    """A campaign that began before it does not send either."""
    consents.give(ann, **SALES, text_version="v1", now=NOON)
    consents.withdraw(ann, **SALES, source=ConsentSource.STAFF, actor_ref="user:7", now=NEXT_DAY)
    consents.withdraw(ann, **SALES, now=NEXT_WEEK)

    assert reason(ann, SALES, at=LATER) is Refused.WITHDRAWN
    assert states(ann)[1:] == [("email", "sales", "withdrawn", "staff")]


def test_leaving_the_program_withdraws_nothing(ann: Account) -> None:
    """Membership and consents are separate things."""
    consents.give(ann, **SALES, text_version="v1", now=NOON)
    Account.objects.filter(pk=ann.pk).update(state=AccountState.LEFT)

    assert reason(ann, SALES) is None


def test_unsubscribing_puts_the_address_on_the_list(shop: FakeHost, ann: Account) -> None:
    """For its purpose, as often as the link is followed."""
    for what in (SALES, NEWS):
        consents.give(ann, **what, text_version="v1", now=NOON)
    consents.confirm(shop.notified[0][1]["token"], now=NOON)

    unsubscribe(shop, ann, SALES, LATER)
    unsubscribe(shop, ann, SALES, NEXT_DAY)

    assert reason(ann, SALES) is Refused.SUPPRESSED
    assert reason(ann, NEWS) is None
    assert states(ann)[3:] == [("email", "sales", "withdrawn", "unsubscribe")]
    (row,) = Suppression.objects.all()
    assert email_of(shop, ann) not in row.address_hash
    assert (row.channel, row.purpose, row.at) == ("email", "sales", NEXT_DAY)


def test_who_agrees_again_hears_again(shop: FakeHost, ann: Account) -> None:
    """With a double opt-in, when the link was followed; not by a link from before."""
    consents.give(ann, **NEWS, text_version="v1", now=NOON)
    unsubscribe(shop, ann, NEWS, LATER)
    consents.give(ann, **NEWS, text_version="v1", now=NEXT_DAY)

    assert reason(ann, NEWS) is Refused.SUPPRESSED
    consents.confirm(shop.notified[1][1]["token"], now=NEXT_DAY)
    assert reason(ann, NEWS) is None


def test_who_agrees_again_to_text_messages_gets_them_again(shop: FakeHost, ann: Account) -> None:
    """After the link of one was followed; it is the number that messages go to."""
    shop.phones[PHONE] = [str(ann.user_id)]
    consents.give(ann, **TEXTED, text_version="v1", now=NOON)
    unsubscribe(shop, ann, TEXTED, LATER, address=PHONE)
    assert reason(ann, TEXTED, address=PHONE) is Refused.SUPPRESSED

    consents.give(ann, **TEXTED, text_version="v1", now=NEXT_DAY)

    assert reason(ann, TEXTED, address=PHONE) is None


def test_only_who_unsubscribed_a_number_lifts_that(shop: FakeHost, ann: Account) -> None:
    """A number is not confirmed as an address is: a stranger may have typed it."""
    bob = make_member(shop, ann.program)
    shop.phones[PHONE] = [str(ann.user_id), str(bob.user_id)]
    consents.give(ann, **TEXTED, text_version="v1", now=NOON)
    unsubscribe(shop, ann, TEXTED, LATER, address=PHONE)

    consents.give(bob, **TEXTED, text_version="v1", now=NEXT_DAY)

    assert reason(bob, TEXTED, address=PHONE) is Refused.SUPPRESSED


def test_no_consent_lifts_a_number_that_staff_suppressed(shop: FakeHost, ann: Account) -> None:
    """As with addresses."""
    shop.phones[PHONE] = [str(ann.user_id)]
    unsubscribe(shop, ann, TEXTED, NOON, address=PHONE)
    consents.withdraw(ann, **TEXTED, now=NOON)
    by_staff = SuppressionReason.STAFF
    consents.suppress(PHONE, channel="sms", purpose="news", reason=by_staff, now=LATER)

    consents.give(ann, **TEXTED, text_version="v1", now=NEXT_DAY)

    assert reason(ann, TEXTED, address=PHONE) is Refused.SUPPRESSED


def test_who_unsubscribes_before_confirming_stays_unsubscribed(
    shop: FakeHost, ann: Account
) -> None:
    """Also where the list had the address from before the request."""
    unsubscribe(shop, ann, NEWS, NOON)
    consents.give(ann, **NEWS, text_version="v1", now=LATER)
    unsubscribe(shop, ann, NEWS, NEXT_DAY)

    assert refusal_of(shop.notified[0][1]["token"], NEXT_DAY) == ("token", Code.INVALID)
    assert reason(ann, NEWS) is Refused.SUPPRESSED


def test_no_consent_lifts_what_bounced(shop: FakeHost, ann: Account) -> None:
    """Nor a complaint, even where the customer had unsubscribed before."""
    unsubscribe(shop, ann, SALES, NOON)
    address = email_of(shop, ann).upper()
    bounced = SuppressionReason.BOUNCED
    consents.suppress(address, channel="email", purpose="sales", reason=bounced, now=LATER)

    consents.give(ann, **SALES, text_version="v1", now=NEXT_DAY)

    assert reason(ann, SALES) is Refused.SUPPRESSED


def test_an_address_can_be_suppressed_for_every_purpose(shop: FakeHost, ann: Account) -> None:
    """Of one channel."""
    for what in (SALES, {"channel": "sms", "purpose": "news"}):
        consents.give(ann, **what, text_version="v1", now=NOON)
    reason_why = SuppressionReason.COMPLAINT
    consents.suppress(email_of(shop, ann), channel="email", reason=reason_why, now=NOON)

    assert consents.is_suppressed(email_of(shop, ann), "email", "anything")
    assert reason(ann, SALES) is Refused.SUPPRESSED
    assert reason(ann, {"channel": "sms", "purpose": "news"}) is Refused.NO_ADDRESS
    assert reason(ann, {"channel": "sms", "purpose": "news"}, address="+12025550123") is None


def test_the_list_outlives_the_keys_it_was_made_with(shop: FakeHost, ann: Account) -> None:
    """As long as a key is still configured, old hashes and old links are known."""
    consents.give(ann, **SALES, text_version="v1", now=NOON)
    with override_settings(RETENTION_EMAIL_HASH_KEYS={"a": "a" * 32}):
        path = consent_links.unsubscribe_path(ann.pk, address=email_of(shop, ann), **SALES)
    with override_settings(RETENTION_EMAIL_HASH_KEYS={"a": "a" * 32, "b": "b" * 32}):
        link = consent_links.unsubscription_in(path.rsplit("/", 1)[1])
        assert link is not None
        consents.unsubscribe(link, now=LATER)
        assert reason(ann, SALES) is Refused.SUPPRESSED
        assert link.address_hash.startswith("a:")


def test_the_log_and_the_list_survive_an_erasure(shop: FakeHost, ann: Account) -> None:
    """The proof stays under the pseudonym, nothing may be sent, and the old link works still."""
    consents.give(ann, **SALES, text_version="v1", now=NOON)
    address = email_of(shop, ann)
    erasing.erase(persons.of_account(ann), reason="Asked for it", actor_ref="", now=LATER)

    assert reason(ann, SALES, address=address) is Refused.NOBODY
    path = consent_links.unsubscribe_path(ann.pk, address=address, **SALES)
    link = consent_links.unsubscription_in(path.rsplit("/", 1)[1])
    assert link is not None
    consents.unsubscribe(link, now=NEXT_DAY)
    assert consents.is_suppressed(address, "email", "sales")
    assert len(states(ann)) == 2


def test_many_are_looked_at_in_a_few_statements(
    shop: FakeHost, ann: Account, django_assert_num_queries: Any
) -> None:
    """Each with the own answer, in the order of the question."""
    others = [make_member(shop, ann.program) for _ in range(4)]
    for member in (ann, *others[:2]):
        consents.give(member, **SALES, text_version="v1", now=NOON)
    consents.withdraw(others[0], **SALES, now=LATER)
    unsubscribe(shop, others[1], SALES, LATER)
    Account.objects.filter(pk=others[2].pk).update(state=AccountState.SHADOW, user=None)
    ids = [ann.pk, *(other.pk for other in others), -1]

    with django_assert_num_queries(3):
        found = may_send_to(ids, **SALES, at=NEXT_DAY)

    assert [found[account_id].reason for account_id in ids] == [
        None,
        Refused.WITHDRAWN,
        Refused.SUPPRESSED,
        Refused.NO_ADDRESS,
        Refused.NOT_ASKED,
        Refused.NOBODY,
    ]


def test_the_log_cannot_be_changed(ann: Account) -> None:
    """The database refuses it, to everybody."""
    entry = consents.give(ann, **SALES, text_version="v1", now=NOON)

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        ConsentEntry.objects.update(state="withdrawn")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        entry.delete()


def test_links_of_others_are_none(shop: FakeHost, ann: Account) -> None:
    """A changed link, a confirmation as an unsubscription, or noise."""
    address = email_of(shop, ann)
    token = consent_links.unsubscribe_path(ann.pk, address=address, **SALES).rsplit("/", 1)[1]
    content, digest = token.split(".")
    request = consents.give(ann, **NEWS, text_version="v1", now=NOON)
    mailed = shop.notified[0][1]["token"]

    assert consent_links.unsubscription_in(token) is not None
    for text in (
        "",
        ".",
        content,
        f"{content}.",
        f"{content[:-2]}.{digest}",
        mailed,
        "ä.ä",
        "A" * 999,
    ):
        assert consent_links.unsubscription_in(text) is None
    assert request.pk is not None
