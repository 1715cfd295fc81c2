"""Many codes at once: made in pieces, gone on with, counted, exported and ended."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from saleor_retention import tasks
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import AuditEntry, Coupon, CouponBatch, CouponState
from saleor_retention.services.couponing import coupon_batches
from saleor_retention.services.couponing.coupon_batches import Order
from tests.coupons import terms, typed
from tests.factories.current import factories
from tests.graphql.world import IS_SALEOR_3, World, open_shop

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def world(db: None) -> World:  # noqa: ARG001
    """A shop with a program."""
    return open_shop()


def wanted(**changes: Any) -> Order:
    """Return an order of 25 codes, or as the changes say."""
    return Order(**{"key": "may", "size": 25, "terms": terms(), "valid_for_days": 30, **changes})


def order(world: World, **changes: Any) -> CouponBatch:
    """Order a batch."""
    return coupon_batches.order_batch(world.program, wanted(**changes), actor_ref="user:9")


def shop_codes() -> list[str]:
    """Return the codes that the shop knows, in order."""
    if IS_SALEOR_3:
        from saleor.discount.models import VoucherCode as Known
    else:
        from saleor.discount.models import Voucher as Known
    return sorted(Known.objects.values_list("code", flat=True))


def test_a_batch_is_made_in_pieces_and_gone_on_with(world: World) -> None:
    """A run that stopped after a piece lost nothing, and the next makes only what is missing."""
    batch = order(world)
    assert coupon_batches.fill(batch.pk, piece=10) == 10
    assert coupon_batches.unfilled() == [batch.pk]

    again = order(world)
    made = [coupon_batches.fill(again.pk, piece=10) for _ in range(3)]

    assert again.pk == batch.pk
    assert made == [10, 5, 0]
    assert coupon_batches.unfilled() == []
    ours = sorted(coupon.code for coupon in coupon_batches.codes_of(batch))
    assert len(ours) == 25
    assert shop_codes() == ours
    (entry,) = AuditEntry.objects.filter(action="coupon_batch")
    assert (entry.actor_ref, entry.changes) == ("user:9", ["25 coupons are ordered as may"])


def test_beat_goes_on_with_what_was_left(world: World) -> None:
    """The periodic task fills every batch that is short."""
    first, second = order(world), order(world, key="june", size=3)
    coupon_batches.fill(first.pk, piece=4)

    tasks.fill_batches.run()

    issued = CouponBatch.objects.order_by("pk").values_list("issued", flat=True)
    assert list(issued) == [25, 3]
    assert Coupon.objects.filter(batch=second).count() == 3


def test_codes_of_the_shop_are_drawn_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece that meets a code which the shop has already is undone and drawn anew."""
    batch = order(world, size=1)
    other = order(world, key="other", size=1)
    draws = iter("3" * 12 + "3" * 12 + "4" * 12)
    monkeypatch.setattr("secrets.choice", lambda _characters: next(draws))
    coupon_batches.fill(other.pk)
    Coupon.objects.all().delete()  # the shop's stays

    assert coupon_batches.fill(batch.pk) == 1

    assert shop_codes() == ["3" * 12, "4" * 12]
    assert Coupon.objects.get().code == "4" * 12


@pytest.mark.parametrize(
    "changes",
    [{"size": 26}, {"terms": terms(uses=2)}, {"campaign": "x"}, {"valid_for_days": 31}],
)
def test_a_key_is_for_one_batch(world: World, changes: dict[str, Any]) -> None:
    """The same key with anything else is refused."""
    order(world)

    with pytest.raises(Refusal) as refused:
        order(world, **changes)

    assert refused.value.code is Code.KEY_REUSED
    assert CouponBatch.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"size": 0}, "size"),
        ({"size": 1_000_001}, "size"),
        ({"prefix": "=A"}, "prefix"),
        ({"key": "single:x"}, "key"),
        ({"valid_for_days": 4000}, "validForDays"),
        ({"campaign": "x" * 65}, "campaign"),
    ],
)
def test_what_is_no_batch_is_named(world: World, changes: dict[str, Any], field: str) -> None:
    """And nothing is written."""
    with pytest.raises(Refusal) as refused:
        order(world, **changes)

    assert refused.value.field == field
    assert CouponBatch.objects.count() == 0


@pytest.mark.saleor3
def test_codes_begin_with_the_prefix(world: World) -> None:
    """Where the shop has room for one."""
    coupon_batches.fill(order(world, size=1, prefix="MAY-").pk)

    assert Coupon.objects.get().code.startswith("MAY-")


@pytest.mark.saleor2
def test_a_prefix_is_refused_with_the_reason(world: World) -> None:
    """A voucher of 2.10 has twelve characters, and fewer would be too easy to find."""
    with pytest.raises(Refusal) as refused:
        order(world, prefix="MAY-")

    assert (refused.value.code, refused.value.field) == (Code.NOT_SUPPORTED, "prefix")
    assert "12 characters" in refused.value.message


def test_a_revoked_batch_ends_and_makes_no_more(world: World) -> None:
    """Every code of it, typed at a checkout or not; the trail tells it once."""
    batch = order(world)
    coupon_batches.fill(batch.pk, piece=10)
    code = Coupon.objects.first().code

    ended = [
        coupon_batches.revoke_batch(batch, actor_ref="", reason="Printed wrong") for _ in range(2)
    ]

    assert ended == [10, 0]
    assert coupon_batches.fill(batch.pk) == 0
    assert set(Coupon.objects.values_list("state", flat=True)) == {CouponState.REVOKED}
    assert AuditEntry.objects.filter(action="coupon_revoke").count() == 1
    variant = factories().make_product("40.00")
    checkout = factories().make_checkout(world.owner.user, {variant: 1})
    assert len(typed(checkout, code, world.owner.user)) == 1


def test_the_command_issues_exports_and_revokes(world: World, tmp_path: Path) -> None:
    """A second run makes nothing more, and the file has every code with its state."""
    file = tmp_path / "may.csv"
    arguments = ["issue", "--program", "club", "--key", "may", "--size", "12", "--name", "Ten off"]
    arguments += ["--days", "30", "--percent", "10", "--minimum", "USD=50.00", "--csv", str(file)]

    said = [run(*arguments), run(*arguments)]
    ended = run("revoke", "--program", "club", "--key", "may", "--reason", "Over")
    listed = run("export", "--program", "club", "--key", "may")

    assert said[0].splitlines()[0] == 'Batch "may": 12 codes made, 0 were there.'
    assert said[1].splitlines()[0] == 'Batch "may": 0 codes made, 12 were there.'
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert sorted(row["code"] for row in rows) == shop_codes()
    assert {(row["state"], row["uses"], row["uses_max"]) for row in rows} == {("active", "0", "1")}
    assert ended == 'Batch "may": 12 codes ended.\n'
    assert {row["state"] for row in csv.DictReader(io.StringIO(listed))} == {"revoked"}
    assert CouponBatch.objects.get().terms == {
        "name": "Ten off",
        "percent": "10",
        "minimums": {"USD": 5000},
        "uses": 1,
    }
    assert world.program.slug == "club"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--amount", "USD5"], "--amount: USD5 is no amount such as USD=5.00."),
        (["--percent", "0"], "percent is above 0 and at most 100."),
        ([], "Give either percent or amounts."),
        (["--amount", "EUR=5"], "No channel of the program sells in a currency of these amounts."),
    ],
)
def test_the_command_says_what_is_wrong(world: World, more: list[str], said: str) -> None:
    """In the words of the service."""
    arguments = ["issue", "--program", world.program.slug, "--key", "may", "--size", "1"]

    with pytest.raises(CommandError, match=said):
        run(*arguments, "--name", "Off", "--days", "1", *more)

    assert CouponBatch.objects.count() == 0


def run(*arguments: str) -> str:
    """Run the command and return what it says."""
    out = io.StringIO()
    call_command("retention_coupons", *arguments, stdout=out)
    return out.getvalue()
