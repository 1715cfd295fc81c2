"""Text that no database keeps is refused by name, wherever it is sent."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.graphql.world import ANONYMOUS, IS_SALEOR_3, World, sale, staff

pytestmark = pytest.mark.django_db(databases="__all__")

NUL, HALF = "a\x00b", "\ud800"
REFUSES = "Argument `slug` holds a character that cannot be stored"
# Saleor 3.23 stops half of a pair before any resolver; older ones leave it to the plugin.
STOPS_HALF = ("Unable to parse query.", REFUSES)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (NUL, REFUSES),
        (HALF, STOPS_HALF if IS_SALEOR_3 else REFUSES),
    ],
)
def test_a_query_names_the_argument(world: World, text: str, says: str | tuple[str, ...]) -> None:  # noqa: ARG001
    """It is an error of the query, and not an internal one."""
    answer = ANONYMOUS.post(
        "query ($slug: String) { retentionProgram(slug: $slug) { id } }", slug=text
    )

    (error,) = answer["errors"]
    assert error["message"].startswith(says)


@pytest.mark.parametrize(
    "given",
    [
        {"search": NUL},
        {"tiers": ["vip", NUL]},
        {"program": NUL},
        {"channel": NUL},
    ],
)
def test_a_filter_names_its_field(world: World, given: dict[str, Any]) -> None:  # noqa: ARG001
    """However deep it stands."""
    answer = staff("manage_users").post(
        "query ($filter: RetentionMemberFilterInput) "
        "{ retentionMembers(first: 1, filter: $filter) { totalCount } }",
        filter=given,
    )

    (error,) = answer["errors"]
    assert error["message"].startswith(f"Argument `filter.{next(iter(given))}")


def test_a_mutation_refuses_the_field(world: World) -> None:
    """And does nothing."""
    lines = [{"ref": "a", "quantity": 1, "gross": "1.00", "sku": NUL}]
    refused = staff("manage_orders").refused(
        "mutation ($input: RetentionSaleInput!) { retentionSaleRecord(input: $input) "
        "{ errors { field message code } } }",
        input=sale(world, lines=lines),
    )

    assert refused == [("input.lines.0.sku", "INVALID")]


@pytest.mark.parametrize("content", ["[" * 5000, '["\\u0000", 1]', '["\\ud800", 1]'])
def test_a_cursor_is_no_way_around(world: World, content: str) -> None:  # noqa: ARG001
    """What stands inside of it is read as carefully; a deep one is refused too."""
    cursor = base64.urlsafe_b64encode(content.encode()).decode()
    answer = staff("manage_users").post(
        "query ($after: String) { retentionMembers(first: 1, after: $after, "
        "sortBy: {field: NUMBER, direction: ASC}) { totalCount } }",
        after=cursor,
    )

    assert [error["message"] for error in answer["errors"]] == ["Received cursor is invalid."]


def test_a_program_that_does_not_run_is_like_none(world: World) -> None:
    """By id as by slug: nothing tells that it exists."""
    query = "query ($id: ID) { retentionProgram(id: $id) { slug } }"
    type(world.program).objects.update(is_active=False)
    missing = world.program_id[:-4] + "OTk5"

    answers = [ANONYMOUS.post(query, id=an_id) for an_id in (world.program_id, missing, "junk")]

    assert all(answer["data"] == {"retentionProgram": None} for answer in answers)
    assert len({str(answer.get("errors")) for answer in answers}) == 1
