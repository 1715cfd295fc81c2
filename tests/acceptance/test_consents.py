"""From the form of registration to the link that ends it all: what a customer tells and agrees to.

The shop confirms addresses by mail, as most shops do. What is mailed goes to an app that listens to
Saleor's notify events, as a mail provider's does.
"""

from __future__ import annotations

import datetime as dt
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import paths
from tests.acceptance.backroom import PASSWORD
from tests.acceptance.client import Client
from tests.acceptance.retention import member, open_program
from tests.acceptance.services import MAILS, Services
from tests.acceptance.shop import Channel, Shop
from tests.acceptance.storefront import Cart, fill_cart, sign_up
from tests.acceptance.worlds import World

NEWS = {"channel": "EMAIL", "purpose": "news", "version": "2026-01", "text": "Write to me."}
HABITS = {"channel": "PROFILING", "purpose": "habits", "version": "1", "text": "Look at it."}
QUESTIONS: dict[str, Any] = {
    "motive": "So that we can greet you.",
    "enrolment": "Members earn points with every order.",
    "interests": ["coffee", "tea"],
    "fields": [{"key": "roast", "label": "Roast", "type": "CHOICE", "options": ["dark", "light"]}],
    "consents": [{**NEWS, "motive": "Once a month.", "doubleOptIn": True}, HABITS],
}
ORDER_WITH_QUESTIONS = """
mutation ($id: ID!) {
  checkoutComplete(id: $id) {
    order {
      retention {
        enrolment { text needsAccount welcomePoints points }
        questions { motive consents { purpose } }
      }
    }
    errors { field message code }
  }
}
"""


def operation(name: str) -> str:
    """Return a ready operation of storefronts."""
    return (paths.ROOT / "graphql" / "storefront" / f"{name}.graphql").read_text()


@pytest.fixture
def mailer(shop: Shop) -> Iterator[Services]:
    """An app that is told of mails, in a shop that has addresses confirmed by mail."""
    service = Services()
    app = shop.owner.do(
        """mutation ($input: AppInput!) {
          appCreate(input: $input) { app { id } errors { field message code } }
        }""",
        input={"name": "mailer", "permissions": ["MANAGE_USERS"]},
    )["app"]["id"]
    hook = shop.owner.do(
        """mutation ($input: WebhookCreateInput!) {
          webhookCreate(input: $input) { webhook { id } errors { field message code } }
        }""",
        input={
            "name": "mails",
            "app": app,
            "targetUrl": f"{service.url}{MAILS}",
            "asyncEvents": ["NOTIFY_USER"],
            "isActive": True,
        },
    )["webhook"]["id"]
    set_confirmation(shop, by_mail=True)
    yield service
    set_confirmation(shop, by_mail=False)
    shop.owner.do(
        "mutation ($id: ID!) { webhookDelete(id: $id) { errors { field message code } } }", id=hook
    )
    service.close()


def set_confirmation(shop: Shop, *, by_mail: bool) -> None:
    """Have new customers confirm their addresses by mail, or not."""
    shop.owner.do(
        """mutation ($input: ShopSettingsInput!) {
          shopSettingsUpdate(input: $input) { errors { field message code } }
        }""",
        input={"enableAccountConfirmationByEmail": by_mail},
    )


def register(shop: Shop, channel: Channel, email: str, answers: dict[str, Any]) -> None:
    """Send the form of registration, with the answers as metadata."""
    shop.anonymous.do(
        """mutation ($input: AccountRegisterInput!) {
          accountRegister(input: $input) { requiresConfirmation errors { field message code } }
        }""",
        input={
            "email": email,
            "password": PASSWORD,
            "channel": channel.slug,
            "redirectUrl": "http://localhost/confirm",
            "metadata": [{"key": "saleor.retention", "value": json.dumps(answers)}],
        },
    )


def confirm(shop: Shop, email: str, token: str) -> Client:
    """Follow the link of Saleor's own mail, and sign in."""
    shop.anonymous.do(
        """mutation ($email: String!, $token: String!, $password: String) {
          confirmAccount(email: $email, token: $token, password: $password) {
            errors { field message code }
          }
        }""",
        email=email,
        token=token,
        password=PASSWORD,
    )
    return shop.login(email)


def seen(client: Client, channel: Channel) -> dict[str, Any]:
    """Return what the customer's own page shows."""
    answer = client.ask(operation("profile"), channel=channel.slug)
    found: dict[str, Any] = answer["me"]["retention"]
    return found


def states(client: Client, channel: Channel) -> dict[str, tuple[str, str]]:
    """Return what holds of each purpose, and where the answer came from."""
    return {
        row["purpose"]: (row["state"], row["source"]) for row in seen(client, channel)["consents"]
    }


def post(url: str, **fields: str) -> tuple[int, str]:
    """Post a form as a mail program does: without a login, a cookie or a referrer."""
    body = urllib.parse.urlencode(fields).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body)) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.saleor3
def test_from_the_form_of_registration_to_the_link_that_ends_it(
    shop: Shop, mailer: Services
) -> None:
    """Nothing holds that the owner of the address did not confirm, and one click ends it."""
    # given
    channel = shop.open_channel()
    open_program(shop, [channel], {"questions": QUESTIONS})
    email = "answers@example.com"
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    asked = shop.anonymous.ask(operation("registration-questions"), channel=channel.slug)
    (news, habits) = asked["retentionProgram"]["questions"]["consents"]
    assert (news["motive"], news["doubleOptIn"], habits["text"]) == (
        "Once a month.",
        True,
        "Look at it.",
    )

    # when: she registers, tells her birthday and agrees to news
    register(
        shop,
        channel,
        email,
        {
            "channel": channel.slug,
            "profile": {"birthday": {"month": tomorrow.month, "day": tomorrow.day}},
            "consents": [
                {"channel": "email", "purpose": "news", "text_version": news["version"]},
            ],
        },
    )
    confirmation = mailer.mail_to(email, "account_confirmation")
    assert not [mail for mail in mailer.mails if mail["notify_event"].startswith("retention")]
    ada = confirm(shop, email, confirmation["token"])

    # then: it is kept, as told at registration, and asked for no more
    told = seen(ada, channel)
    assert states(ada, channel) == {"news": ("REQUESTED", "REGISTRATION")}
    assert (told["profile"]["birthday"]["month"], told["profile"]["birthday"]["day"]) == (
        tomorrow.month,
        tomorrow.day,
    )
    assert told["profile"]["birthday"]["next"] > (tomorrow + dt.timedelta(days=300)).isoformat()
    assert told["questions"]["asksBirthday"] is False
    assert ada.ask("{ me { metadata { key } } }")["me"]["metadata"] == []

    # when: she follows the link of our mail
    request = mailer.mail_to(email, "retention_consent_requested")
    assert (request["purpose"], request["text"]) == ("news", "Write to me.")
    shop.anonymous.do(operation("consent-confirm"), token=request["token"])

    # then
    assert states(ada, channel) == {"news": ("GIVEN", "CONFIRMATION")}

    # when: one click, without a login
    number = member(ada, channel)["number"]
    path = shop.processes.backroom.call(
        "unsubscribe_path", number=number, channel="email", purpose="news", address=email
    )
    url = urllib.parse.urljoin(shop.processes.url, path)
    looked, page = urllib.request.urlopen(url).status, urllib.request.urlopen(url).read().decode()
    assert (looked, "One-Click" in page) == (200, True)
    assert states(ada, channel) == {"news": ("GIVEN", "CONFIRMATION")}
    status, page = post(url, **{"List-Unsubscribe": "One-Click"})

    # then: it holds at once, and stays so however often it is posted
    assert (status, "Unsubscribed" in page) == (200, True)
    assert states(ada, channel) == {"news": ("WITHDRAWN", "UNSUBSCRIBE")}
    assert post(url, **{"List-Unsubscribe": "One-Click"})[0] == 200
    assert post(f"{url}x", **{"List-Unsubscribe": "One-Click"})[0] == 404
    assert shop.rows("SELECT count(*) FROM saleor_retention_suppression") == [[1]]


@pytest.mark.saleor3
def test_a_purchase_asks_and_is_no_consent(shop: Shop) -> None:
    """The confirmation of an order asks what is open; the answers keep where they were given."""
    # given
    channel = shop.open_channel()
    open_program(shop, [channel], {"questions": QUESTIONS})
    ada = sign_up(shop, channel, "asked")
    cart = fill_cart(shop, channel, ada, A=1)

    # when
    order = _complete(cart)

    # then: her confirmation page has the questions, with the merchant's motive
    assert order["enrolment"] is None
    assert order["questions"] == {
        "motive": "So that we can greet you.",
        "consents": [{"purpose": "news"}, {"purpose": "habits"}],
    }
    assert states(ada.client, channel) == {}

    # when: she answers there
    (edge,) = ada.client.ask(operation("order-questions"))["me"]["orders"]["edges"]
    here = {"orderId": edge["node"]["id"], "channel": channel.slug}
    ada.client.do(
        operation("profile-update"),
        input={"answers": [{"key": "roast", "choices": ["dark"]}]},
        **here,
    )
    ada.client.do(
        operation("consent-give"),
        input={"channel": "PROFILING", "purpose": "habits", "textVersion": "1"},
        **here,
    )

    # then
    assert states(ada.client, channel) == {"habits": ("GIVEN", "ORDER")}
    (edge,) = ada.client.ask(operation("order-questions"))["me"]["orders"]["edges"]
    questions = edge["node"]["retention"]["questions"]
    assert [row["purpose"] for row in questions["consents"]] == ["news"]
    rows = shop.rows(
        "SELECT fact, value #>> '{}', source FROM saleor_retention_profileentry "
        "WHERE fact = 'custom.roast'"
    )
    assert rows == [["custom.roast", "dark", "order"]]


@pytest.mark.saleor3
def test_a_guest_is_reminded_to_join(shop: Shop) -> None:
    """With the merchant's words and what waits for him; a guest is asked nothing else."""
    # given
    channel = shop.open_channel()
    open_program(shop, [channel], {"questions": QUESTIONS})

    # when
    order = _complete(fill_cart(shop, channel, email="guest-asked@example.com", A=1))

    # then
    assert order["questions"] is None
    assert order["enrolment"] == {
        "text": "Members earn points with every order.",
        "needsAccount": True,
        "welcomePoints": 100,
        "points": 80,
    }


def test_answers_after_the_first_login(world: World) -> None:
    """As a storefront on Saleor 2.10 sends those of its form, and any other may."""
    # given
    channel = world.channel
    open_program(world, [channel], {"questions": QUESTIONS})
    ada = world.sign_up("late")
    here = {"channel": channel.slug, "atRegistration": True}

    # when
    ada.client.do(operation("profile-update"), input={"interests": ["tea"]}, **here)
    ada.client.do(
        operation("consent-give"),
        input={"channel": "PROFILING", "purpose": "habits", "textVersion": "1"},
        **here,
    )

    # then
    assert states(ada.client, channel) == {"habits": ("GIVEN", "REGISTRATION")}
    told = seen(ada.client, channel)
    assert told["profile"]["interests"] == ["tea"]
    assert told["questions"]["interests"] == []

    # when: she thinks again
    ada.client.do(
        operation("consent-withdraw"),
        consentChannel="PROFILING",
        purpose="habits",
        channel=channel.slug,
    )

    # then
    assert states(ada.client, channel) == {"habits": ("WITHDRAWN", "STOREFRONT")}


def _complete(cart: Cart) -> dict[str, Any]:
    """Buy a cart and return what the plugin says of the order, as its confirmation page asks."""
    cart.ship()
    cart.pay()
    payload = cart.client.do(ORDER_WITH_QUESTIONS, id=cart.id)
    found: dict[str, Any] = payload["order"]["retention"]
    return found
