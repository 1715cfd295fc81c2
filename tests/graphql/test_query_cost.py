"""What a query of ours costs where Saleor counts it: every list has its price."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from graphql.type.definition import get_named_type

from saleor_retention.graphql import mount
from saleor_retention.graphql.costs import QUERY_COSTS
from tests.graphql.world import World, staff

pytestmark = pytest.mark.django_db(databases="__all__")

SIZES = {"first", "last"}


def test_every_list_that_is_paged_multiplies_what_is_below() -> None:
    """As found from the schema, so that a new list without a price is a failure."""
    types = mount.built_schema().get_type_map()
    paged = {
        (name, key): SIZES & set(field.args)
        for name, kind in types.items()
        for key, field in (getattr(kind, "fields", None) or {}).items()
        if SIZES & set(getattr(field, "args", None) or {})
        if name.startswith("Retention") or (name == "Query" and key.startswith("retention"))
    }

    assert len(paged) >= 5
    for (name, key), sizes in paged.items():
        cost = QUERY_COSTS.get(name, {}).get(key, {})
        assert set(cost.get("multipliers", ())) == sizes, f"{name}.{key}"
        assert cost["complexity"] >= 1


def test_every_price_is_of_a_field_that_exists() -> None:
    """One that is not makes Saleor refuse every query."""
    types = mount.built_schema().get_type_map()

    for name, fields in QUERY_COSTS.items():
        assert set(fields) <= set(types[name].fields), name


def test_every_list_is_bounded_without_a_size() -> None:
    """What returns a connection wants ``first`` or ``last``; plain lists are part of one row."""
    for name, kind in mount.built_schema().get_type_map().items():
        for key, field in (getattr(kind, "fields", None) or {}).items():
            if get_named_type(field.type).name.startswith("Retention") and "Connection" in str(
                field.type
            ):
                assert set(field.args) >= SIZES, f"{name}.{key}"


@pytest.mark.saleor3
def test_too_much_at_once_is_refused_before_it_runs(world: World) -> None:
    """A hundred members with a hundred entries each, five times over: nothing of it is read."""
    world.give(10)
    lists = " ".join(
        f"l{number}: history(first: 100) {{ edges {{ node {{ points }} }} }}" for number in range(6)
    )
    query = f"{{ retentionMembers(first: 100) {{ edges {{ node {{ number {lists} }} }} }} }}"
    actor = staff("manage_users")

    with CaptureQueriesContext(connection) as statements:
        answer = actor.post(query)

    (error,) = answer["errors"]
    assert error["extensions"]["exception"]["code"] == "QueryCostError"
    assert answer["extensions"]["cost"]["requestedQueryCost"] > 50_000
    assert [row["sql"] for row in statements if "saleor_retention_" in row["sql"]] == []
    assert actor.ask(query.replace("100", "10"))["retentionMembers"]["edges"]


@pytest.mark.saleor3
def test_members_of_members_cost_their_product(world: World) -> None:  # noqa: ARG001
    """Going round through the shop's own types is counted too."""
    inner = "number"
    for _ in range(4):
        inner = (
            f"user {{ retention {{ history(first: 100) {{ edges {{ node {{ id }} }} }} "
            f"{inner} }} }}"
        )
    query = (
        "{ retentionMembers(first: 100) { edges { node { tierChanges(first: 100) "
        "{ edges { node { at } } } " + inner + " } } } }"
    )

    answer = staff("manage_users").post(query)

    assert answer["extensions"]["cost"]["requestedQueryCost"] >= 5 * 100 * 100
