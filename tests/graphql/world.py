"""A shop with a program, seen only through its GraphQL endpoint by whoever is named.

Made once for a test; requests go through Django's test client and so through all of Saleor's own
middleware.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.test import Client, TestCase
from django.utils import timezone

from saleor_retention import models
from saleor_retention.services.ledger import granting
from saleor_retention.services.membership import members
from saleor_retention.services.setting_up import programs
from tests.factories.current import factories

IS_SALEOR_3 = os.environ.get("RETENTION_HOST", "").startswith("3.")
OPERATIONS = Path(__file__).parent.parent.parent / "graphql"
RULES: dict[str, Any] = {
    "earn": {"rates": {"USD": {"points": 1, "per": "1.00"}}, "include_tax": True},
    "point_value": {"USD": "0.01"},
    "reference": {"currency": "USD"},
    "welcome_points": 100,
    "tiers": {
        "metric": "spend",
        "window": "lifetime",
        "ladder": [
            {"slug": "regular", "name": "Regular", "threshold": "0"},
            {
                "slug": "vip",
                "name": "VIP",
                "threshold": "500.00",
                "earn_multiplier": "2",
                "prices": [{"percent": 10}],
                "return_window_days": 60,
                "perks": {"gift_wrap": "for free"},
            },
        ],
    },
}
_numbers = itertools.count(1)


def operation(path: str) -> str:
    """Return one of the ready operations."""
    return (OPERATIONS / f"{path}.graphql").read_text()


def parts(path: str) -> str:
    """Return the fragments of a ready operation, without the operation."""
    text = operation(path)
    return text[text.index("fragment ") :]


def gid(type_name: str, thing: Any) -> str:
    """Return a global id."""
    found: str = factories().gid(type_name, thing)
    return found


@dataclass(frozen=True)
class Actor:
    """Somebody who sends requests."""

    name: str
    user: Any = None
    app_token: str | None = None
    languages: str = ""  # as a browser sends them

    def post(self, query: str, **variables: Any) -> dict[str, Any]:
        """Send a request and return the whole body."""
        headers = self._headers()
        if self.languages:
            headers["HTTP_ACCEPT_LANGUAGE"] = self.languages
        body = json.dumps({"query": query, "variables": variables})
        response = Client().post("/graphql/", body, content_type="application/json", **headers)
        answer: dict[str, Any] = json.loads(response.content)
        return answer

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the data of a request that must succeed."""
        answer = self.post(query, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    def do(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the payload of one mutation that must be done."""
        (payload,) = self.ask(query, **variables).values()
        assert payload["errors"] == [], payload["errors"]
        done: dict[str, Any] = payload
        return done

    def refused(self, query: str, **variables: Any) -> list[tuple[str | None, str]]:
        """Return (field, code) of each refusal of one mutation, having seen that it did nothing."""
        before = rows()
        (payload,) = self.ask(query, **variables).values()
        assert payload["errors"], "it was done"
        assert rows() == before
        assert all(error["message"].endswith((".", "?")) for error in payload["errors"])
        return [(error["field"], error["code"]) for error in payload["errors"]]

    def _headers(self) -> dict[str, str]:
        if self.app_token is not None:
            return {"HTTP_AUTHORIZATION": f"Bearer {self.app_token}"}
        if self.user is None:
            return {}
        if IS_SALEOR_3:
            from saleor.core.jwt import create_access_token

            return {"HTTP_AUTHORIZATION": f"Bearer {create_access_token(self.user)}"}
        from graphql_jwt.shortcuts import get_token

        return {"HTTP_AUTHORIZATION": f"JWT {get_token(self.user)}"}


ANONYMOUS = Actor("anonymous")


def customer(email: str | None = None) -> Actor:
    """Return a new confirmed customer."""
    return Actor("customer", user=factories().make_user(email))


def staff(*codenames: str) -> Actor:
    """Return a new member of staff with these permissions and no others."""
    return Actor("staff", user=factories().make_staff(*(codenames or ("manage_menus",))))


def app(*codenames: str) -> Actor:
    """Return a new app with these permissions."""
    from saleor.app.models import App

    made = App.objects.create(name=f"App {next(_numbers)}", is_active=True)
    if IS_SALEOR_3:
        from saleor.permission.models import Permission
    else:
        from django.contrib.auth.models import Permission
    made.permissions.set(Permission.objects.filter(codename__in=codenames))
    token = made.tokens.create(name="Default")
    auth_token = token[1] if IS_SALEOR_3 else token.auth_token
    return Actor("app", app_token=auth_token)


@dataclass
class World:
    """A shop, its program, and who comes by."""

    program: models.Program
    channel: str
    owner: Actor = field(default_factory=customer)
    other: Actor = field(default_factory=customer)

    @property
    def program_id(self) -> str:
        """Return the program's global id."""
        return gid("RetentionProgram", self.program)

    def account(self, actor: Actor | None = None) -> models.Account:
        """Return a customer's account, opened now if there is none."""
        account = members.member_of(self.program, str((actor or self.owner).user.pk))
        assert account is not None
        return account

    def member_id(self, actor: Actor | None = None) -> str:
        """Return a customer's member id."""
        return gid("RetentionMember", self.account(actor))

    def give(self, points: int, actor: Actor | None = None) -> None:
        """Grant points to a customer."""
        granting.grant(
            account_id=self.account(actor).pk,
            points=points,
            reason="A test needs them",
            actor_ref="",
            key=f"test-{next(_numbers)}",
        )

    def checkout(self, lines: Mapping[Any, int], actor: Actor | None = None) -> str:
        """Return the id of a new checkout of a customer."""
        user = (actor or self.owner).user
        return gid("Checkout", factories().make_checkout(user, lines))


def open_shop(**rules: Any) -> World:
    """Return a shop with a program, its standard rules changed by section."""
    from saleor_retention import host

    factories().make_channel()
    (place,) = host.current().channels()
    program = programs.create_program(
        slug="club", name="Club", channels=[place.ref], document={**RULES, **rules}
    )
    return World(program=program, channel=place.slug)


def bought(world: World, lines: Mapping[Any, int], actor: Actor | None = None) -> Any:
    """Return a customer's paid order, with what happens after its commit."""
    with TestCase.captureOnCommitCallbacks(execute=True):
        checkout = factories().make_checkout((actor or world.owner).user, lines)
        if IS_SALEOR_3:
            factories().pay(checkout)
        return factories().complete(checkout)


def sale(world: World, **changes: Any) -> dict[str, Any]:
    """Return the input of a sale of 30.00 in two lines to the owner."""
    given = {
        "source": "till-1",
        "receipt": "R-1",
        "channel": world.channel,
        "member": {"number": world.account().member_number},
        "soldAt": timezone.now().isoformat(),
        "currency": "USD",
        "lines": [
            {"ref": "a", "quantity": 2, "gross": "20.00"},
            {"ref": "b", "quantity": 1, "gross": "10.00"},
        ],
    }
    return given | changes


def rows() -> dict[str, Any]:
    """Return how many rows each of our tables has, and every balance and tier.

    But for the look-ups at tills, which count those that were refused as well.
    """
    tables = [
        model
        for model in vars(models).values()
        if isinstance(model, type) and hasattr(model, "objects") and model is not models.LookupPace
    ]
    counts: dict[str, Any] = {table.__name__: table.objects.count() for table in tables}
    counts["accounts"] = sorted(
        models.Account.objects.values_list(
            "pk", "state", "available", "pending", "held", "deficit", "tier"
        )
    )
    counts["programs"] = sorted(
        models.Program.objects.values_list("pk", "name", "is_active", "current_version_id")
    )
    counts["holds"] = sorted(models.Hold.objects.values_list("pk", "state", "points"))
    return counts
