"""The page behind the link of a message, over HTTP as mail programs and browsers reach it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import include, path

from saleor_retention.models import ConsentEntry, Suppression
from saleor_retention.selectors import persons
from saleor_retention.services.consenting import consent_links, consents
from saleor_retention.services.membership import erasing
from tests.graphql.world import IS_SALEOR_3, World, open_shop, rows

pytestmark = pytest.mark.django_db(databases="__all__")

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
NEWS = {"channel": "email", "purpose": "news"}
QUESTIONS = {"consents": [{**NEWS, "version": "v1", "text": "Write to me."}]}

urlpatterns = [path("", include("saleor_retention.urls"))]
"""What a shop on Saleor 2.10 adds to its own."""


@pytest.fixture
def world(db: None) -> World:  # noqa: ARG001
    """A shop whose owner agreed to news."""
    made = open_shop(questions=QUESTIONS)
    consents.give(made.account(), **NEWS, text_version="v1")
    return made


@pytest.fixture
def client() -> Any:
    """A browser that a cross-site check would stop, on the shop as it is set up for its Saleor."""
    strict = Client(enforce_csrf_checks=True)
    if IS_SALEOR_3:
        yield strict
    else:
        with override_settings(ROOT_URLCONF=__name__):
            yield strict


def link(world: World) -> str:
    """Return the link of a message to the owner."""
    address = world.owner.user.email
    return consent_links.unsubscribe_path(world.account().pk, address=address, **NEWS)


def state(world: World) -> str:
    """Return what holds of the owner's consent."""
    entry = ConsentEntry.objects.filter(account=world.account()).latest("id")
    return str(entry.state)


def test_looking_changes_nothing(world: World, client: Client) -> None:
    """A program that follows every link unsubscribes nobody; a person gets a button."""
    url, before = link(world), rows()

    page = client.get(url)
    head = client.head(url)

    assert (page.status_code, head.status_code) == (200, 200)
    assert rows() == before
    assert state(world) == "given"
    text = page.content.decode()
    assert '<input type="hidden" name="List-Unsubscribe" value="One-Click">' in text
    assert "<button>Unsubscribe</button>" in text
    assert world.owner.user.email not in text
    assert page["Cache-Control"] == "no-store"
    assert page["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart"])
def test_one_click_unsubscribes(world: World, client: Client, content_type: str) -> None:
    """As RFC 8058 has it, in either encoding, as often as it is posted; nobody logs in."""
    url = link(world)
    for _ in range(2):
        if content_type == "multipart":
            answer = client.post(url, ONE_CLICK)
        else:
            answer = client.post(url, "List-Unsubscribe=One-Click", content_type=content_type)
        assert answer.status_code == 200
        assert "Unsubscribed" in answer.content.decode()

    assert state(world) == "withdrawn"
    assert Suppression.objects.count() == 1
    assert ConsentEntry.objects.count() == 2


def test_a_customer_who_is_gone_gets_the_same_answer(world: World, client: Client) -> None:
    """And the address is on the list, should he come back."""
    url = link(world)
    address = world.owner.user.email
    of_present = client.post(link(world), ONE_CLICK).content
    Suppression.objects.all().delete()
    person = persons.of_account(world.account())
    erasing.erase(person, reason="Asked for it", actor_ref="")
    world.owner.user.delete()

    page, answer = client.get(url), client.post(url, ONE_CLICK)

    assert (page.status_code, answer.status_code) == (200, 200)
    assert answer.content == of_present
    assert consents.is_suppressed(address, **NEWS)


def test_what_is_no_link_of_ours_does_nothing(world: World, client: Client) -> None:
    """Another link, another method, another content."""
    url, before = link(world), rows()

    answers = {
        "changed": client.post(url[:-1], ONE_CLICK).status_code,
        "noise": client.get(url.rsplit("/", 1)[0] + "/x").status_code,
        "content": client.post(url, {"List-Unsubscribe": "x"}).status_code,
        "empty": client.post(url).status_code,
        "method": client.delete(url).status_code,
    }

    assert answers == {"changed": 404, "noise": 404, "content": 400, "empty": 400, "method": 405}
    assert rows() == before


def test_the_page_speaks_the_readers_language(world: World, client: Client) -> None:
    """As the browser asks for it."""
    page = client.get(link(world), HTTP_ACCEPT_LANGUAGE="zh-Hant-TW,zh;q=0.9")

    assert '<html lang="zh-hant">' in page.content.decode()
    assert "取消訂閱" in page.content.decode()


@pytest.mark.saleor3
def test_it_works_while_the_plugin_is_off(world: World, client: Client) -> None:
    """Nobody has to wait for the shop to be asked no more."""
    from saleor.plugins.models import PluginConfiguration

    PluginConfiguration.objects.update_or_create(
        identifier="saleor.retention", defaults={"active": False, "name": "Retention"}
    )

    assert client.post(link(world), ONE_CLICK).status_code == 200
    assert state(world) == "withdrawn"


@pytest.mark.saleor3
def test_other_paths_below_the_plugin_are_not_found(client: Client) -> None:
    """As Saleor answers for a plugin without pages."""
    assert client.get("/plugins/saleor.retention/other").status_code == 404
