"""Whatever anybody sends to our part of the schema: no fault, no change without permission.

``FUZZ=200`` sends that many requests of each operation instead of a few, and other ones each time.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from graphene.utils.str_converters import to_snake_case
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from saleor_retention import host
from saleor_retention.graphql import mount
from saleor_retention.graphql.schema import EXTENSIONS, MUTATIONS
from saleor_retention.models import LookupPace, Program
from saleor_retention.services.setting_up import programs
from tests.factories.current import factories
from tests.graphql import fuzzing
from tests.graphql.offers import make, ten_off
from tests.graphql.world import (
    ANONYMOUS,
    IS_SALEOR_3,
    RULES,
    Actor,
    World,
    app,
    bought,
    gid,
    sale,
    staff,
)

pytestmark = pytest.mark.django_db(databases="__all__")

FUZZ = int(os.environ.get("FUZZ", "0"))
EXAMPLES = FUZZ or 12
OURS = ("manage_discounts", "manage_users", "manage_orders", "manage_checkouts")
CLIENT_ERRORS = {"GraphQLError", "PermissionDenied", "QueryCostError"}
FAULT_LOGGERS = ("saleor_retention", "saleor.graphql.errors.unhandled", "django.request")
MISSING = "3f0c1c9e-2b0e-4b5c-9f39-5f3d0f7c1a11"
WITHOUT = ("anonymous", "customer", "other", "staff without", "app without")


@pytest.fixture
def people(world: World) -> dict[str, Actor]:
    """Everybody who might send something, by name."""
    return {
        "anonymous": ANONYMOUS,
        "customer": world.owner,
        "other": world.other,
        "staff without": staff("manage_menus"),
        "staff with": staff(*OURS),
        "app without": app("manage_menus"),
        "app with": app(*OURS),
    }


@pytest.fixture
def pool(world: World) -> fuzzing.Pool:
    """The ids and words of a shop with members, a checkout, an order and a receipt."""
    variant = factories().make_product("40.00")
    world.give(900)
    world.give(500, world.other)
    order = bought(world, {variant: 1})
    checkout = world.checkout({variant: 1})
    theirs = world.checkout({variant: 1}, world.other)
    till = staff("manage_orders")
    till.do(
        "mutation ($input: RetentionSaleInput!) { retentionSaleRecord(input: $input) "
        "{ errors { message } } }",
        input=sale(world),
    )
    offer = make(world, ten_off(variant, limits={"perCustomer": 3}))
    known = [
        world.program_id,
        offer["id"],
        world.member_id(),
        world.member_id(world.other),
        checkout,
        theirs,
        gid("Order", order),
        gid("User", world.owner.user),
        gid("ProductVariant", variant),
        gid("Product", variant.product),
    ]
    kinds = (
        "RetentionProgram",
        "RetentionMember",
        "RetentionOffer",
        "Checkout",
        "Order",
        "User",
        "Product",
    )
    hostile = (2**31, 2**63, 2**70, -1, 0, "", "\x00", "1\x00", "\u0663", "1 OR 1=1", "nonsense")
    known += [gid(kind, ref) for kind in kinds for ref in hostile]
    return fuzzing.Pool(
        ids=tuple(known),
        there={
            "Checkout": tuple(
                each if IS_SALEOR_3 else token_of(each) for each in (checkout, theirs)
            ),
            "Order": (gid("Order", order),),
            "Product": (gid("Product", variant.product),),
            "ProductVariant": (gid("ProductVariant", variant),),
        },
        texts={
            "channel": (world.channel,),
            "channels": (world.channel,),
            "currency": ("USD", "EUR", "XXX"),
            "slug": ("club", "vip", "gold"),
            "tier": ("vip", "regular", "gold"),
            "number": (world.account().member_number,),
            "email": (world.owner.user.email,),
            "phone": ("+12025550123",),
            "source": ("till-1", "till-2"),
            "receipt": ("R-1", "R-2"),
            "ref": ("a", "b"),
            "reversalId": ("back-1",),
            "timeZone": ("Europe/Paris", "UTC"),
        },
    )


def token_of(checkout: str) -> str:
    """Return the token of a checkout by its id."""
    return str(host.current().from_global_id(checkout, "Checkout"))


# --- what is held against every answer ------------------------------------------------------------


def our_tables() -> list[str]:
    """Return our tables but that of look-ups, which counts those that were refused as well."""
    models = apps.get_app_config("saleor_retention").get_models()
    return [model._meta.db_table for model in models if model is not LookupPace]


def rows_touched() -> int:
    """Return how many of our rows this database transaction has written so far, also in vain."""
    statement = (
        "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) "
        "FROM pg_stat_xact_user_tables WHERE relname = ANY(%s)"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [our_tables()])
        return int(cursor.fetchone()[0])


def checksums() -> dict[str, Any]:
    """Return each of our tables' number of rows and the digest of all that is in them."""
    tables = our_tables()
    parts = [
        f"SELECT '{table}', count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t"
        for table in tables
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return {table: (count, digest) for table, count, digest in cursor.fetchall()}


class _Faults(logging.Handler):
    """Keeps what is logged as an error; a fault behind a null field is a fault too."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        cause = record.exc_info[1] if record.exc_info else None
        self.records.append(f"{record.getMessage()} {cause!r}")


@contextmanager
def faults() -> Iterator[list[str]]:
    """Give the list of the faults that are logged meanwhile."""
    handler = _Faults()
    loggers = [logging.getLogger(name) for name in FAULT_LOGGERS]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield handler.records
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


def codes_of(answer: dict[str, Any]) -> set[str]:
    """Return the codes of the query's errors."""
    return {error["extensions"]["exception"]["code"] for error in answer.get("errors", [])}


def was_refused(answer: dict[str, Any]) -> bool:
    """Return whether the one operation was not done."""
    if answer.get("errors") and not any((answer.get("data") or {}).values()):
        return True
    payloads = (answer.get("data") or {}).values()
    return any(isinstance(payload, dict) and payload.get("errors") for payload in payloads)


def may_change(operation: fuzzing.Operation, name: str) -> bool:
    """Return whether this requestor may change anything by this operation.

    An operation without permissions is one of customers, for themselves. Looking at his own
    membership makes a customer a member, where every customer is one. A checkout that is looked at
    is priced.
    """
    if operation.path[0] == "checkout":
        return True
    if operation.path[0] == "me" or operation.root is not None:
        return name != "anonymous"
    if operation.kind == "query":
        return False
    permissions = MUTATIONS[to_snake_case(operation.path[0])].permissions
    return name not in WITHOUT if permissions else name != "anonymous"


# --- the properties -------------------------------------------------------------------------------


def test_every_mutation_of_the_schema_is_known() -> None:
    """The permissions that this module reads are those of every mutation that there is."""
    found = fuzzing.operations(mount.built_schema())

    assert {to_snake_case(each.name) for each in found if each.kind == "mutation"} == set(MUTATIONS)
    assert len(found) > len(MUTATIONS)


def test_every_type_of_saleors_with_a_field_of_ours_is_asked(pool: fuzzing.Pool) -> None:
    """But for the user, of whom everybody asks his own."""
    found = fuzzing.extensions(mount.built_schema(), pool)

    assert {str(each.root.type) for each in found} == set(EXTENSIONS) - {"User"}


def test_what_is_written_is_noticed(world: World) -> None:
    """What the next test relies on: each way to write is counted, and nothing that is read."""
    assert world.account().available  # opened now
    before, held = rows_touched(), checksums()
    assert world.account().available
    assert (rows_touched(), checksums()) == (before, held)

    world.give(5)

    assert rows_touched() > before
    assert checksums() != held
    before = rows_touched()
    with transaction.atomic():
        Program.objects.update(name="Other")
        transaction.set_rollback(True)
    assert rows_touched() > before


def test_no_request_breaks_anything(people: dict[str, Actor], pool: fuzzing.Pool) -> None:
    """Random and hostile requests, by everybody: proper errors, and changes by permission only."""
    before = checksums()
    broken: list[str] = []
    schema = mount.built_schema()
    for operation in (*fuzzing.operations(schema), *fuzzing.extensions(schema, pool)):
        try:
            _fuzz(operation, people, pool, before)
        except Exception as fault:  # noqa: BLE001 - so that one does not hide the others
            broken.append("\n".join([operation.name, str(fault), *getattr(fault, "__notes__", [])]))
    assert broken == [], "\n\n".join(broken)


def _fuzz(
    operation: fuzzing.Operation,
    people: dict[str, Actor],
    pool: fuzzing.Pool,
    before: dict[str, Any],
) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=not FUZZ,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(name=st.sampled_from(sorted(people)), request=fuzzing.requests(operation, pool))
    def sent(name: str, request: fuzzing.Request) -> None:
        with transaction.atomic(), faults() as found:
            touched = rows_touched()
            answer = people[name].post(request.query, **request.variables)
            after = before if rows_touched() == touched else checksums()
            transaction.set_rollback(True)
        assert found == []
        assert codes_of(answer) <= CLIENT_ERRORS, answer
        assert "Traceback" not in json.dumps(answer)
        if was_refused(answer) or not may_change(operation, name):
            assert after == before, answer

    sent()


def test_what_is_not_yours_looks_like_what_is_not_there(
    world: World, people: dict[str, Actor], pool: fuzzing.Pool
) -> None:
    """For whoever may not see it, an id of somebody else's gets the answer of a missing one."""
    hidden = programs.create_program(
        slug="hidden",
        name="Hidden",
        channels=[place.ref for place in host.current().channels()],
        document={key: RULES[key] for key in ("earn", "point_value")},
        is_active=False,
    )
    variant = factories().make_product("10.00")
    guests = factories().make_checkout(None, {variant: 1})
    pairs = {
        make(world, ten_off(variant), slug="two")["id"]: gid("RetentionOffer", 10**9),
        gid("RetentionProgram", hidden): gid("RetentionProgram", hidden.pk + 1000),
        world.member_id(): gid("RetentionMember", 10**9),
        world.checkout({variant: 1}): gid("Checkout", MISSING),
        gid("Checkout", guests): gid("Checkout", MISSING),
        gid("User", world.owner.user): gid("User", 10**9),
        gid("Order", bought(world, {variant: 1})): gid("Order", MISSING if IS_SALEOR_3 else 10**9),
    }
    told: list[str] = []
    asked = 0
    for operation in fuzzing.operations(mount.built_schema()):
        for foreign, missing in pairs.items():
            both = [fuzzing.with_id(operation, an_id, pool) for an_id in (foreign, missing)]
            for theirs, nobodys in zip(*both, strict=True):
                for name in WITHOUT:
                    if name == "customer":
                        continue  # they are hers
                    answers = [
                        _answer(people[name], request, an_id)
                        for request, an_id in ((theirs, foreign), (nobodys, missing))
                    ]
                    asked += 1
                    if answers[0] != answers[1]:
                        told.append(f"{operation.name} as {name}: {answers[0]} and {answers[1]}")

    assert asked > 100
    assert told == []


def _answer(actor: Actor, request: fuzzing.Request, an_id: str) -> str:
    """Return the whole answer with the id taken out of it, having undone what was done."""
    with transaction.atomic():
        answer = actor.post(request.query, **request.variables)
        transaction.set_rollback(True)
    for error in answer.get("errors", []):
        error.pop("locations", None)
    return json.dumps(answer, sort_keys=True).replace(an_id, "ID")
