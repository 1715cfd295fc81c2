"""Tiers: climbed at once, kept to the end of the next period, lost with warning, set by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from saleor_retention.errors import Refusal
from saleor_retention.models import Account, OrderRecord, Program, TierChange
from saleor_retention.selectors import qualifying
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.ledger.locking import lock_account
from saleor_retention.services.membership import tiering
from saleor_retention.services.setting_up import programs
from tests.fakes import FakeHost, at, use
from tests.members import NOON, counts_of_rows, make_member, make_program

pytestmark = pytest.mark.django_db

REASON = {"reason": "Goodwill", "actor_ref": "user:7"}


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop in memory."""
    return use(monkeypatch)


def program_of(**ladder: Any) -> Program:
    """Create a program with three steps at 0, 200.00 and 500.00."""
    steps = [("regular", "0"), ("silver", "200.00"), ("vip", "500.00")]
    tiers: dict[str, Any] = {
        "metric": "spend",
        "window": "calendar_year",
        "ladder": [{"slug": slug, "name": slug, "threshold": value} for slug, value in steps],
    }
    return make_program(tiers=tiers | ladder, reference={"currency": "USD"})


def buy(account: Account, spend: int, when: str, ref: str = "", **fields: Any) -> OrderRecord:
    """Let the member have spent so many dollars, and settle what follows for the tier."""
    paid_at = at(when)
    record = OrderRecord.objects.create(
        order_ref=ref or f"order-{OrderRecord.objects.count()}",
        program=account.program,
        account=account,
        version=account.program.current_version,
        channel_ref="1",
        currency="USD",
        created_at=paid_at,
        paid_at=paid_at,
        **{"spend_minor": spend * 100, "is_counted": True, **fields},
    )
    settle(account, record, paid_at)
    return record


def reverse(account: Account, record: OrderRecord, when: str) -> None:
    """Take an order back as a whole."""
    record.spend_minor, record.is_counted = 0, False
    record.save()
    settle(account, record, at(when))


def settle(account: Account, record: OrderRecord, when: dt.datetime) -> None:
    """Do what settling does last."""
    with transaction.atomic():
        tiering.after_order(lock_account(account.pk), record, when)
    account.refresh_from_db()


def tier_of(account: Account) -> tuple[str, dt.datetime | None]:
    """Return the member's tier and until when it is valid."""
    account.refresh_from_db()
    return account.tier, account.tier_valid_until


def history(account: Account) -> list[tuple[str, str, str, int | None]]:
    """Return the changes, oldest first: kind, from, to, the sum behind it."""
    changes = TierChange.objects.filter(account=account).order_by("id")
    return list(changes.values_list("kind", "from_tier", "to_tier", "metric_value"))


def evaluate(when: str, **options: Any) -> tiering.Swept:
    """Run the evaluation at an instant."""
    return tiering.evaluate_due(at(when), **options)


# --- climbing -------------------------------------------------------------------------------------


def test_an_upgrade_is_at_once_and_lasts_to_the_end_of_the_next_period(shop: FakeHost) -> None:
    """500.00 within 2026 make a VIP until the end of 2027; the history has the sum."""
    account = make_member(shop, program_of())

    buy(account, 300, "2026-02-01")
    assert tier_of(account) == ("silver", at("2028-01-01"))
    buy(account, 200, "2026-03-01", ref="order-b")

    assert tier_of(account) == ("vip", at("2028-01-01"))
    assert account.tier_since == at("2026-03-01")
    assert history(account) == [
        ("upgrade", "", "silver", 30000),
        ("upgrade", "silver", "vip", 50000),
    ]
    assert TierChange.objects.last().order_ref == "order-b"
    assert ("reprice_members", ([account.pk],)) in shop.dispatched


def test_an_order_that_changes_nothing_writes_nothing(shop: FakeHost) -> None:
    """The tier is reached already."""
    account = make_member(shop, program_of())
    buy(account, 250, "2026-02-01")
    before = counts_of_rows()

    record = OrderRecord.objects.get()
    settle(account, record, at("2026-02-02"))

    assert counts_of_rows() == before


def test_last_years_orders_do_not_count(shop: FakeHost) -> None:
    """A calendar year begins at midnight of the program's time zone."""
    program = program_of()
    account = make_member(shop, program)
    buy(account, 300, "2025-12-31 23:59")
    buy(account, 250, "2026-01-01 00:00")

    assert qualifying.present_values([account], rules_of(program.current_version_id), NOON) == {
        account.pk: 25000
    }
    assert tier_of(account)[0] == "silver"


@pytest.mark.parametrize(
    ("metric", "values", "thresholds"),
    [
        ("orders", {"spend_minor": 1}, ("1", "2", "3")),
        ("points", {"earned": 120, "clawed": 20}, ("100", "200", "300")),
    ],
)
def test_other_metrics(
    shop: FakeHost, metric: str, values: dict[str, int], thresholds: tuple[str, ...]
) -> None:
    """Orders are counted, points are net of what was clawed back."""
    steps = zip("abc", thresholds, strict=True)
    ladder = [{"slug": slug, "name": slug, "threshold": least} for slug, least in steps]
    account = make_member(shop, program_of(metric=metric, ladder=ladder))

    reached = []
    for month in (1, 2, 3):
        buy(account, 0, f"2026-0{month}-10", **values)
        reached.append(tier_of(account)[0])

    assert reached == ["a", "b", "c"]


def test_a_lifetime_tier_never_lapses(shop: FakeHost) -> None:
    """There is no period to end."""
    account = make_member(shop, program_of(window="lifetime"))

    buy(account, 500, "2026-02-01")

    assert tier_of(account) == ("vip", None)


def test_a_membership_year_begins_with_the_day_of_joining(shop: FakeHost) -> None:
    """Joined on 10 March: an order of 9 March counts for the year before."""
    program = program_of(window="membership_year")
    account = make_member(shop, program, joined_at=at("2024-03-10 15:00"))
    other = make_member(shop, program, joined_at=at("2024-05-01"))
    for member in (account, other):
        buy(member, 150, "2026-03-09")
        buy(member, 150, "2026-03-11")

    assert tier_of(account)[0] == "regular"
    assert tier_of(other) == ("silver", at("2027-05-01"))


def test_a_rolling_window_forgets_by_the_day(shop: FakeHost) -> None:
    """Twelve months: an order of 1 March 2025 counts until 1 March 2026 is over."""
    account = make_member(shop, program_of(window="rolling_months", months=12))
    buy(account, 100, "2025-03-01 10:00")

    buy(account, 100, "2026-03-01 20:00")
    assert tier_of(account) == ("silver", at("2027-03-02"))

    second = make_member(shop, account.program)
    buy(second, 100, "2025-03-01 10:00")
    buy(second, 100, "2026-03-02 00:00")
    assert tier_of(second)[0] == "regular"


def test_a_rolling_tier_fallen_to_lasts_as_long_as_one_climbed_to(shop: FakeHost) -> None:
    """Down to silver, which the window gave: orders that leave it are no orders reversed."""
    account = make_member(shop, program_of(window="rolling_months", months=12))
    buy(account, 500, "2026-01-10")
    buy(account, 150, "2026-04-10")
    last = buy(account, 100, "2026-12-10")
    assert tier_of(account) == ("vip", at("2027-01-11"))

    evaluate("2027-01-11 00:00")
    assert tier_of(account) == ("silver", at("2028-01-12"))
    settle(account, last, at("2027-06-01"))  # the order of April counts no more: 100.00 are left

    assert tier_of(account) == ("silver", at("2028-01-12"))
    reverse(account, last, "2027-06-02")
    assert tier_of(account) == ("regular", None)
    assert [kind for kind, *_ in history(account)] == ["upgrade", "downgrade", "withdraw"]


def test_a_rolling_tier_that_the_ladder_gave_lasts_by_the_orders_behind_it(shop: FakeHost) -> None:
    """The step is replaced when half of what reached it has left the window already."""
    program = program_of(window="rolling_months", months=12)
    account = make_member(shop, program)
    buy(account, 200, "2025-03-01")
    order = buy(account, 300, "2026-01-10")
    assert tier_of(account) == ("vip", at("2027-01-11"))
    gold = {"slug": "gold", "name": "Gold", "threshold": "400.00"}
    tiers = program.current_version.document["tiers"]
    ladder = {"tiers": tiers | {"ladder": [*tiers["ladder"][:2], gold]}}
    programs.update_program(program=program, changes=ladder, now=at("2026-05-01"))

    tiering.apply_ladder(program.pk, at("2026-05-01"))
    assert tier_of(account) == ("gold", at("2027-01-11"))
    buy(account, 10, "2026-06-01")

    assert tier_of(account) == ("gold", at("2027-01-11"))
    reverse(account, order, "2026-06-02")
    assert tier_of(account) == ("silver", at("2027-01-11"))
    assert [kind for kind, *_ in history(account)] == [
        "upgrade",
        "upgrade",
        "ladder",
        "withdraw",
    ]


def test_who_never_ordered_has_no_orders(shop: FakeHost) -> None:
    """A tier for the first order is not given for none, and progress says that one is missing."""
    steps = [{"slug": "fan", "name": "Fan", "threshold": "1"}]
    account = make_member(shop, program_of(metric="orders", ladder=steps))
    rules = rules_of(account.program.current_version_id)

    tiering.apply_ladder(account.program_id, NOON)

    assert qualifying.present_values([account], rules, NOON) == {account.pk: 0}
    assert qualifying.progress_of([account], rules, NOON)[account.pk].missing == 1
    assert tier_of(account) == ("", None)


# --- losing ---------------------------------------------------------------------------------------


def test_a_tier_reached_only_by_orders_since_reversed_is_withdrawn_at_once(
    shop: FakeHost,
) -> None:
    """The return of the order that made the VIP, ten months later."""
    account = make_member(shop, program_of())
    buy(account, 250, "2026-02-01")
    record = buy(account, 250, "2026-03-01")
    assert tier_of(account)[0] == "vip"

    reverse(account, record, "2027-01-10")

    assert tier_of(account) == ("silver", at("2028-01-01"))
    assert history(account)[-1] == ("withdraw", "vip", "silver", 25000)


def test_a_return_that_the_tier_survives_changes_nothing(shop: FakeHost) -> None:
    """600.00 less 100.00 are still enough."""
    account = make_member(shop, program_of())
    buy(account, 500, "2026-02-01")
    record = buy(account, 100, "2026-03-01")

    reverse(account, record, "2026-04-01")

    assert tier_of(account) == ("vip", at("2028-01-01"))


def test_validity_ends_after_grace_one_step_or_recomputed(shop: FakeHost) -> None:
    """VIP by 2026, nothing in 2027: valid to the end of 2027 and 30 days of grace."""
    stepping = make_member(shop, program_of(downgrade="one_step", grace_days=30))
    buy(stepping, 500, "2026-02-01")

    assert evaluate("2028-01-30 23:59").changed == 0
    assert tier_of(stepping)[0] == "vip"
    assert evaluate("2028-01-31").changed == 1
    assert tier_of(stepping)[0] == "silver"
    assert evaluate("2028-01-31").changed == 0
    assert history(stepping)[-1] == ("downgrade", "vip", "silver", 0)


def test_recomputed_downgrade_falls_to_where_the_orders_put_him(shop: FakeHost) -> None:
    """From VIP to the step that asks for nothing."""
    account = make_member(shop, program_of(downgrade="recompute"))
    buy(account, 500, "2026-02-01")

    evaluate("2028-01-01")

    assert tier_of(account) == ("regular", None)


def test_a_tier_reached_again_is_renewed(shop: FakeHost) -> None:
    """500.00 in 2027 too: valid to the end of 2028, at once."""
    account = make_member(shop, program_of())
    buy(account, 500, "2026-02-01")

    buy(account, 500, "2027-06-01")

    assert tier_of(account) == ("vip", at("2029-01-01"))
    assert history(account)[-1] == ("renew", "vip", "vip", 50000)
    assert account.tier_since == at("2026-02-01")


def test_grace_is_time_to_qualify(shop: FakeHost) -> None:
    """An order within the days of grace keeps the tier."""
    account = make_member(shop, program_of(grace_days=30))
    buy(account, 500, "2026-02-01")

    buy(account, 500, "2028-01-20")
    evaluate("2028-02-15")

    assert tier_of(account) == ("vip", at("2030-01-01"))


def test_a_warning_comes_once_and_names_the_gap(shop: FakeHost) -> None:
    """Thirty days before the end: 200.00 spent in 2027, 300.00 are missing."""
    account = make_member(shop, program_of(warning_days=30))
    buy(account, 500, "2026-02-01")
    buy(account, 200, "2027-03-01")

    assert evaluate("2027-12-01", warns=True).warned == 0
    assert evaluate("2027-12-02", warns=True).warned == 1
    assert evaluate("2027-12-02", warns=True).warned == 0

    account.refresh_from_db()
    assert account.tier_warned_at == at("2027-12-02")
    rules = rules_of(account.program.current_version_id)
    assert qualifying.gap_to_keep([account], rules, at("2027-12-02")) == {account.pk: 30000}
    assert tier_of(account)[0] == "vip"


def test_who_will_keep_the_tier_is_not_warned(shop: FakeHost) -> None:
    """500.00 in 2027 renew it, there is nothing to say."""
    account = make_member(shop, program_of(warning_days=30))
    buy(account, 500, "2026-02-01")
    buy(account, 500, "2027-03-01")

    assert evaluate("2027-12-15", warns=True).warned == 0


def test_evaluation_runs_in_batches(shop: FakeHost) -> None:
    """Two at a time, in id order, until there is no more."""
    program = program_of()
    members = [make_member(shop, program) for _ in range(5)]
    for member in members:
        buy(member, 500, "2026-02-01")

    after_id, sizes = 0, []
    while True:
        swept = evaluate("2028-01-01", limit=2, after_id=after_id)
        sizes.append(swept.changed)
        if swept.last_id is None:
            break
        after_id = swept.last_id

    assert sizes == [2, 2, 1]
    assert {tier_of(member)[0] for member in members} == {"regular"}


def test_evaluating_a_batch_takes_few_statements(
    shop: FakeHost, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    """Sums are read for all members at once; only changes cost more."""
    program = program_of(warning_days=90)
    for _ in range(20):
        buy(make_member(shop, program), 500, "2026-02-01")
    evaluate("2027-12-01", warns=True)

    with django_assert_max_num_queries(12):
        assert evaluate("2027-12-02", warns=True).looked_at == 0


# --- by hand --------------------------------------------------------------------------------------


def test_a_tier_set_by_hand_holds_until_it_runs_out(shop: FakeHost) -> None:
    """Up for a year, with reason and actor in the history; then back to what the orders say."""
    account = make_member(shop, program_of())
    buy(account, 250, "2026-02-01")

    change = tiering.override(
        account_id=account.pk, tier="vip", valid_until=at("2026-12-31"), now=NOON, **REASON
    )
    buy(account, 10, "2026-04-01")

    assert tier_of(account) == ("vip", at("2026-12-31"))
    assert (change.note.text, change.actor_ref, change.kind) == ("Goodwill", "user:7", "override")
    evaluate("2026-12-30")
    assert tier_of(account)[0] == "vip"
    evaluate("2026-12-31")
    assert tier_of(account) == ("silver", at("2028-01-01"))
    assert history(account)[-1] == ("override_end", "vip", "silver", 26000)


def test_a_tier_can_be_set_lower_and_ended(shop: FakeHost) -> None:
    """A VIP is put back by hand, and ending that gives him what he earned."""
    account = make_member(shop, program_of())
    buy(account, 500, "2026-02-01")

    tiering.override(account_id=account.pk, tier="silver", valid_until=None, now=NOON, **REASON)
    assert tier_of(account) == ("silver", None)
    buy(account, 10, "2026-04-01")
    assert tier_of(account)[0] == "silver"

    tiering.end_override(account_id=account.pk, now=at("2026-05-01"), **REASON)
    assert tier_of(account) == ("vip", at("2028-01-01"))
    assert not account.is_tier_manual


def test_a_climb_above_a_tier_set_by_hand_counts(shop: FakeHost) -> None:
    """Given silver, then he spends 500.00 by himself."""
    account = make_member(shop, program_of())
    tiering.override(account_id=account.pk, tier="silver", valid_until=None, now=NOON, **REASON)

    buy(account, 500, "2026-04-01")

    assert tier_of(account) == ("vip", at("2028-01-01"))
    assert not account.is_tier_manual


def test_the_same_override_twice_is_one(shop: FakeHost) -> None:
    """A second click changes nothing."""
    account = make_member(shop, program_of())
    given = {"account_id": account.pk, "tier": "vip", "valid_until": None, "now": NOON, **REASON}

    first = tiering.override(**given)
    before = counts_of_rows()
    second = tiering.override(**given)

    assert first == second
    assert counts_of_rows() == before


def test_refusals_of_an_override(shop: FakeHost) -> None:
    """Unknown tier and member, no reason, a time that is over, a member who left."""
    program = program_of()
    account = make_member(shop, program)
    left = make_member(shop, program, state="left")

    def refused(**changes: Any) -> tuple[str, str | None, str]:
        before = counts_of_rows()
        given: dict[str, Any] = {
            "account_id": account.pk,
            "tier": "vip",
            "valid_until": None,
            "now": NOON,
            **REASON,
        }
        with pytest.raises(Refusal) as caught, transaction.atomic():
            tiering.override(**(given | changes))
        assert counts_of_rows() == before
        return caught.value.code.value, caught.value.field, caught.value.message

    there = 'There is no tier "gold"; there are: regular, silver, vip.'
    assert refused(tier="gold") == ("NOT_FOUND", "tier", there)
    assert refused(reason=" ") == ("REQUIRED", "reason", "Say why the tier is changed.")
    assert refused(reason="x" * 1001)[:2] == ("INVALID", "reason")
    assert refused(valid_until=NOON)[:2] == ("INVALID", "validUntil")
    assert refused(valid_until=dt.datetime(2027, 1, 1))[:2] == ("INVALID", "validUntil")  # noqa: DTZ001
    assert refused(account_id=-1)[0] == "NOT_FOUND"
    assert refused(account_id=left.pk)[:2] == ("NOT_A_MEMBER", "memberId")
    with pytest.raises(Refusal, match="was not given by hand"):
        tiering.end_override(account_id=account.pk, now=NOON, **REASON)


# --- concurrency ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_evaluations_at_the_same_time_change_each_member_once(shop: FakeHost) -> None:
    """Four workers on thirty members: one change each, none forgotten."""
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connections

    program = program_of()
    members = [make_member(shop, program) for _ in range(30)]
    for member in members:
        buy(member, 500, "2026-02-01")

    def work(_: int) -> int:
        try:
            return evaluate("2028-01-01").changed
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        changed = sum(pool.map(work, range(4)))

    changed += evaluate("2028-01-01").changed
    assert changed == 30
    assert TierChange.objects.filter(kind="downgrade").count() == 30
    assert set(Account.objects.values_list("tier", flat=True)) == {"regular"}
