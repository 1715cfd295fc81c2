"""What we add to Saleor's schema: checked in, the same on every host, described, and additive."""

from __future__ import annotations

import re
from pathlib import Path

import graphene
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from saleor_retention import __version__
from saleor_retention.graphql import mount, schema
from saleor_retention.graphql.sdl import print_additions

SDL = Path(__file__).parent.parent.parent / "graphql" / "schema.graphql"


def test_the_schema_is_the_one_that_is_checked_in(capsys: pytest.CaptureFixture[str]) -> None:
    """``manage.py retention_schema > graphql/schema.graphql`` brings it up to date."""
    call_command("retention_schema")

    assert capsys.readouterr().out == SDL.read_text()


def test_everything_of_ours_bears_our_name() -> None:
    """Types, root fields and extensions can be told from the shop's own."""
    heads = re.findall(
        r"^(?:extend )?(?:type|input|enum|scalar) (\w+)", SDL.read_text(), re.MULTILINE
    )
    extended = re.findall(r"^extend type (\w+)", SDL.read_text(), re.MULTILINE)

    assert [name for name in heads if not name.startswith("Retention")] == extended
    assert sorted(extended) == [
        "Checkout",
        "Mutation",
        "Order",
        "Product",
        "ProductVariant",
        "Query",
        "User",
    ]


def test_connections_have_the_arguments_of_relay() -> None:
    """Every connection is paged in both directions, with a count on request."""
    types = mount.built_schema().get_type_map()
    connections = {
        f"{name}.{key}": field
        for name, kind in types.items()
        if name.startswith("Retention") or name == "Query"
        for key, field in (getattr(kind, "fields", None) or {}).items()
        if key.startswith("retention") or name.startswith("Retention")
        if re.fullmatch(r"Retention\w+Connection!?", str(field.type))
    }

    assert sorted(connections) == [
        "Query.retentionAuditTrail",
        "Query.retentionCampaigns",
        "Query.retentionCouponBatches",
        "Query.retentionCoupons",
        "Query.retentionDispatches",
        "Query.retentionEvents",
        "Query.retentionExperiments",
        "Query.retentionFollowUps",
        "Query.retentionMembers",
        "Query.retentionOffers",
        "Query.retentionPrograms",
        "Query.retentionReferrals",
        "Query.retentionSegments",
        "Query.retentionSurveyAnswers",
        "RetentionCampaignDryRun.members",
        "RetentionMember.consentLog",
        "RetentionMember.coupons",
        "RetentionMember.history",
        "RetentionMember.tierChanges",
        "RetentionOffer.versions",
        "RetentionSegment.members",
    ]
    for name, field in connections.items():
        assert {"first", "after", "last", "before"} <= set(field.args), name
        assert "totalCount" in types[str(field.type).rstrip("!")].fields, name


def test_every_mutation_answers_with_typed_errors() -> None:
    """``errors { field message code }`` is there, and never null."""
    payloads = [field.type for field in mutations().values()]

    assert len(payloads) == len(schema.MUTATIONS)
    assert {str(payload.fields["errors"].type) for payload in payloads} == {"[RetentionError!]!"}


def test_an_error_code_for_every_refusal() -> None:
    """A service may refuse with any code; each of them can be said."""
    from saleor_retention.errors import Code

    codes = mount.built_schema().get_type_map()["RetentionErrorCode"].values

    assert sorted(value.name for value in codes) == sorted(code.name for code in Code)


def test_a_field_without_a_description_is_a_fault() -> None:
    """The printer refuses what does not say what it is."""

    class RetentionSilent(graphene.ObjectType):
        number = graphene.Int()

    class Query(graphene.ObjectType):
        retention_silent = graphene.Field(RetentionSilent, description="Says nothing.")

    class Mutation(graphene.ObjectType):
        retention_nothing = graphene.Int(description="Does nothing.")

    with pytest.raises(ValueError, match="says what it is"):
        print_additions(graphene.Schema(query=Query, mutation=Mutation))


def test_mounting_again_changes_nothing() -> None:
    """An app that is made ready twice has its fields once."""
    before = print_additions(mount.built_schema())

    mount.mount()

    assert print_additions(mount.built_schema()) == before


def test_mounting_too_late_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A schema that is built without our fields is worse than a shop that does not start."""
    built = mount.built_schema()
    user = mount.fields_of(mount.host.current().graphql_types()["User"])
    monkeypatch.delitem(user, mount.FIELD)

    with pytest.raises(ImproperlyConfigured, match=r"before saleor\.graphql\.api is imported"):
        mount.mount()

    assert mount.FIELD not in user
    assert built.get_type_map()["User"].fields[mount.FIELD] is not None


def test_introspection_is_cached_by_our_version() -> None:
    """An update of the plugin shows in the schema that clients fetch (from Saleor 3.22 on)."""
    from django.conf import settings

    suffix = getattr(settings, "GRAPHQL_CACHE_SUFFIX", None)
    if suffix is None:
        pytest.skip("left out: this Saleor has no suffix for its cached introspection")

    assert suffix == f"retention-{__version__}"


def mutations() -> dict:
    """Return our root mutations as built."""
    fields = mount.built_schema().get_mutation_type().fields
    return {name: field for name, field in fields.items() if name.startswith("retention")}
