"""Programs: one validation, versions that never change, at most one active in a channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from saleor_retention.errors import Refusal, Refusals
from saleor_retention.host.contract import ChannelFacts
from saleor_retention.models import OrderRecord, Program, ProgramChannel, ProgramVersion, TierChange
from saleor_retention.selectors.programs import active_program, rules_of
from saleor_retention.services.setting_up import programs
from tests.fakes import FakeHost, at, use
from tests.members import LADDER, NOON, RULES, counts_of_rows, make_member

pytestmark = pytest.mark.django_db

USD = {"reference": {"currency": "USD"}}


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop with a channel in dollars and one in euros."""
    shop = use(monkeypatch)
    shop.shop_channels.append(ChannelFacts("2", "europe", "Europe", "EUR"))
    return shop


def refusals_of(call: Callable[[], Any]) -> list[tuple[str, str | None, str]]:
    """Return what a call is refused for, having seen that nothing was changed."""
    before = counts_of_rows()
    with pytest.raises((Refusals, Refusal)) as caught, transaction.atomic():
        call()
    assert counts_of_rows() == before
    found = getattr(caught.value, "refusals", [caught.value])
    return [(refusal.code.value, refusal.field, refusal.message) for refusal in found]


def create(**given: Any) -> Program:
    """Create a program from what a test is about and defaults for the rest."""
    defaults = {"slug": "club", "name": "Club", "channels": ["1"], "document": RULES}
    return programs.create_program(**{**defaults, **given})


# --- creating -------------------------------------------------------------------------------------


def test_a_program_begins_with_version_one_in_its_channels(shop: FakeHost) -> None:
    """The document is stored in its canonical form, with who wrote it; carts are repriced."""
    shop.put_checkout("cart-1", 1000, user_ref=None)
    shop.put_checkout("cart-2", 1000, user_ref=None, channel_ref="2")

    program = create(actor_ref="user:7", now=NOON)

    version = ProgramVersion.objects.get()
    assert (version.number, version.actor_ref, version.created_at) == (1, "user:7", NOON)
    assert program.current_version == version
    assert active_program("1") == program
    assert active_program("2") is None
    assert version.document["earn"]["rates"] == {"USD": {"points": "1", "per": "1.00"}}
    assert version.document["redemption"]["hold_minutes"] == 60
    assert shop.repriced == ["cart-1"]


def test_every_problem_is_named_at_once() -> None:
    """Slug, name, channels and rules are judged together."""
    broken = {"earn": {"rates": {"USD": {"points": -1, "per": "1.00"}}}, "wellcome_points": 5}

    found = refusals_of(
        lambda: create(slug="No Slug", name=" ", channels=["1", "99"], document=broken)
    )

    assert [(code, field) for code, field, _ in found] == [
        ("INVALID", "slug"),
        ("REQUIRED", "name"),
        ("NOT_FOUND", "channels"),
        ("INVALID", "earn.rates.USD.points"),
        ("INVALID", "wellcome_points"),
    ]
    assert found[2][2] == 'There is no channel "99".'
    assert "did you mean welcome_points?" in found[4][2]


def test_a_channel_has_one_active_program() -> None:
    """The refusal names the channel and the other program; an inactive one is let in."""
    create(slug="first", name="First")

    found = refusals_of(lambda: create(slug="second", name="Second"))

    message = 'Channel "main" has the active program "first" already; a channel has at most one.'
    assert found == [("UNIQUE", "channels", message)]
    second = create(slug="second", name="Second", is_active=False)
    assert refusals_of(lambda: programs.activate(program=second)) == found
    programs.deactivate(program=Program.objects.get(slug="first"))
    programs.activate(program=second)
    assert active_program("1") == second


def test_the_database_holds_one_active_program_too() -> None:
    """What two requests at one moment could do is refused by a constraint."""
    create()
    other = create(slug="other", name="Other", is_active=False)

    with pytest.raises(IntegrityError), transaction.atomic():
        ProgramChannel.objects.filter(program=other).update(is_active=True)


def test_a_slug_is_taken_once() -> None:
    """Also by a program that is not active."""
    create(is_active=False)

    found = refusals_of(lambda: create(channels=["2"], document=_with_euro()))

    assert found == [("UNIQUE", "slug", 'There is a program "club" already.')]


def test_a_channel_in_a_currency_without_a_rate_is_refused() -> None:
    """The refusal names the channel, the currency and the key that is missing."""
    found = refusals_of(lambda: create(channels=["1", "2"]))

    message = 'Channel "europe" sells in EUR, which has no earn rate.'
    assert found == [("CURRENCY_WITHOUT_RATE", "earn.rates.EUR", message)]


def test_spend_in_a_currency_without_a_reference_rate_is_refused() -> None:
    """A ladder that counts spend has to know what a euro counts."""
    document = {**_with_euro(), "tiers": LADDER, "reference": {"currency": "USD"}}

    found = refusals_of(lambda: create(channels=["1", "2"], document=document))

    assert [(code, field) for code, field, _ in found] == [
        ("CURRENCY_WITHOUT_RATE", "reference.rates.EUR")
    ]


def test_a_benefit_that_the_host_cannot_give_is_refused_with_its_reason(shop: FakeHost) -> None:
    """The host says why; the path names the tier."""
    shop.refusals["free_shipping"] = "Shipping is priced elsewhere."
    ladder = {"ladder": [{"slug": "vip", "name": "V", "threshold": "1", "free_shipping": True}]}

    found = refusals_of(lambda: create(document={**RULES, **USD, "tiers": ladder}))

    assert found == [
        ("NOT_SUPPORTED", "tiers.ladder.0.free_shipping", "Shipping is priced elsewhere.")
    ]


def test_overlapping_tiers_and_an_unreachable_ladder_are_refused() -> None:
    """Equal thresholds, and points as a metric where nothing earns any."""
    overlapping = [
        {"slug": "a", "name": "A", "threshold": "10.00"},
        {"slug": "b", "name": "B", "threshold": "10.00"},
    ]
    nothing = {"rates": {"USD": {"points": 0, "per": "1.00"}}}
    points = {"metric": "points", "ladder": [{"slug": "a", "name": "A", "threshold": 10}]}

    assert [
        field
        for _, field, _ in refusals_of(
            lambda: create(document={**RULES, **USD, "tiers": {"ladder": overlapping}})
        )
    ] == ["tiers.ladder.1.threshold"]
    assert [
        field
        for _, field, _ in refusals_of(
            lambda: create(document={**RULES, "earn": nothing, "tiers": points})
        )
    ] == ["tiers.ladder.0.threshold"]


# --- changing -------------------------------------------------------------------------------------


def test_a_change_makes_the_next_version(shop: FakeHost) -> None:
    """Changes merge, None removes; the earlier version keeps what it said."""
    program = create(document={**RULES, "welcome_points": 50})
    shop.put_checkout("cart-1", 1000, user_ref=None)

    program = programs.update_program(
        program=program,
        changes={"point_value": {"USD": "0.02"}, "welcome_points": None},
        actor_ref="app:3",
    )

    first, second = ProgramVersion.objects.order_by("number")
    assert (second.number, second.actor_ref) == (2, "app:3")
    assert program.current_version == second
    assert (rules_of(first.pk).point_values["USD"], rules_of(first.pk).welcome_points) == (1, 50)
    assert (rules_of(second.pk).point_values["USD"], rules_of(second.pk).welcome_points) == (2, 0)
    assert shop.repriced == ["cart-1"]


def test_the_same_rules_in_other_words_make_no_version(shop: FakeHost) -> None:
    """Numbers for text, defaults spelled out: nothing to do."""
    program = create()
    same = {
        "earn": {"rates": {"USD": {"points": "1", "per": 1}}, "include_tax": True},
        "point_value": {"USD": 0.01},
    }
    shop.dispatched.clear()

    programs.update_program(program=program, document=same)

    assert ProgramVersion.objects.count() == 1
    assert shop.dispatched == []


def test_a_refused_change_leaves_the_program_as_it_was() -> None:
    """Name, channels and version together or not at all."""
    program = create()

    found = refusals_of(
        lambda: programs.update_program(
            program=program, name="New", channels=["2"], changes={"welcome_points": "many"}
        )
    )

    assert [field for _, field, _ in found] == ["welcome_points"]
    program.refresh_from_db()
    assert program.name == "Club"
    assert [row.channel_ref for row in program.channels.all()] == ["1"]


def test_moving_to_other_channels_reprices_both(shop: FakeHost) -> None:
    """The old channel loses its prices, the new one gets them."""
    program = create(document=_with_euro())
    shop.put_checkout("old", 1000, user_ref=None)
    shop.put_checkout("new", 1000, user_ref=None, channel_ref="2")

    programs.update_program(program=program, channels=["2"])

    assert active_program("1") is None
    assert active_program("2") == program
    assert shop.repriced == ["new", "old"]
    assert ProgramVersion.objects.count() == 1


def test_a_program_is_switched_off_and_on(shop: FakeHost) -> None:
    """Its channel is free meanwhile; no version is made, nothing is validated anew."""
    program = create(document={**RULES, **USD, "tiers": LADDER})
    shop.refusals["line_discounts"] = "The seam is broken."

    programs.deactivate(program=program)
    assert active_program("1") is None
    programs.activate(program=program)
    assert active_program("1") == program
    assert ProgramVersion.objects.count() == 1


def test_a_retired_program_stays_as_history() -> None:
    """It cannot be changed or switched on again; its channel is free."""
    program = create()

    programs.retire(program=program, now=NOON)
    programs.retire(program=program, now=at("2027-01-01"))

    program.refresh_from_db()
    assert (program.retired_at, program.is_active) == (NOON, False)
    assert active_program("1") is None
    found = refusals_of(lambda: programs.activate(program=program))
    assert found == [("INVALID", "program", 'Program "club" is retired.')]
    create(slug="next", name="Next")


def test_a_version_is_never_changed_or_deleted() -> None:
    """The database refuses it."""
    create()

    with pytest.raises(IntegrityError), transaction.atomic():
        ProgramVersion.objects.update(number=5)
    with pytest.raises(IntegrityError), transaction.atomic():
        ProgramVersion.objects.all().delete()


def test_the_reference_currency_stays_once_it_was_counted_in(shop: FakeHost) -> None:
    """Spend that was counted in dollars cannot become euros."""
    euro = {"reference": {"currency": "EUR", "rates": {"USD": "0.90"}}}
    program = create(document={**_with_euro(), **euro})
    account = make_member(shop, program)
    programs.update_program(
        program=program,
        changes={"reference": {"currency": "USD", "rates": {"USD": None, "EUR": "1.10"}}},
    )
    OrderRecord.objects.create(
        order_ref="1",
        program=program,
        account=account,
        version=program.current_version,
        channel_ref="1",
        currency="USD",
        created_at=NOON,
        is_counted=True,
    )
    program.refresh_from_db()

    found = refusals_of(
        lambda: programs.update_program(program=program, document={**_with_euro(), **euro})
    )

    message = "reference.currency cannot change: orders were counted in USD."
    assert found == [("INVALID", "reference.currency", message)]


# --- tiers ----------------------------------------------------------------------------------------


def test_tiers_are_added_changed_and_retired() -> None:
    """A new step finds its place by threshold; None takes a benefit away."""
    program = create(document={**RULES, **USD, "tiers": LADDER})
    silver = {"slug": "silver", "name": "Silver", "threshold": "200.00", "free_shipping": True}

    program = programs.update_program(program=program, edit=programs.add_tier(silver))
    assert [(t.slug, t.threshold) for t in _tiers(program)] == [
        ("regular", 0),
        ("silver", 20000),
        ("vip", 50000),
    ]

    edit = programs.change_tier("silver", {"name": "Argent", "free_shipping": None})
    program = programs.update_program(program=program, edit=edit)
    assert (_tiers(program)[1].name, _tiers(program)[1].has_free_shipping) == ("Argent", False)

    program = programs.update_program(program=program, edit=programs.retire_tier("silver"))
    assert [tier.slug for tier in _tiers(program)] == ["regular", "vip"]


def test_unknown_and_taken_tiers_are_refused() -> None:
    """The refusal lists what there is."""
    program = create(document={**RULES, **USD, "tiers": LADDER})

    def update(edit: programs.Edit) -> Callable[[], Program]:
        return lambda: programs.update_program(program=program, edit=edit)

    taken = programs.add_tier({"slug": "vip", "name": "V2", "threshold": "900.00"})
    missing = 'There is no tier "gold"; there are: regular, vip.'
    assert refusals_of(update(taken)) == [("UNIQUE", "tier.slug", 'There is a tier "vip" already.')]
    assert refusals_of(update(programs.retire_tier("gold"))) == [("NOT_FOUND", "slug", missing)]
    assert refusals_of(update(programs.change_tier("gold", {}))) == [("NOT_FOUND", "slug", missing)]


def test_a_preview_says_who_would_move_and_writes_nothing(shop: FakeHost) -> None:
    """Members with 300.00 spent this year would climb if VIP began at 250.00."""
    program = create(document={**RULES, **USD, "tiers": LADDER})
    spenders = [_spent(shop, program, 30000) for _ in range(3)]
    _spent(shop, program, 10000)
    before = counts_of_rows()

    change = programs.change_tier("vip", {"threshold": "250.00"})
    preview = programs.preview_update(program=program, edit=change, now=NOON)

    assert preview.is_change
    assert counts_of_rows() == before
    (move,) = preview.moves
    assert (move.from_tier, move.to_tier, move.members) == ("regular", "vip", 3)
    assert sorted(move.examples) == sorted(account.member_number for account in spenders)


def test_a_new_ladder_moves_its_members(shop: FakeHost) -> None:
    """Who climbs, climbs at once; who stood on a step that is gone goes where he belongs."""
    program = create(document={**RULES, **USD, "tiers": LADDER})
    climber, faller = _spent(shop, program, 30000), _spent(shop, program, 100, tier="vip")

    three = {
        "ladder": [
            {"slug": "regular", "name": "Regular", "threshold": "0"},
            {"slug": "silver", "name": "Silver", "threshold": "250.00"},
        ]
    }
    programs.update_program(program=program, changes={"tiers": three}, now=NOON)

    climber.refresh_from_db()
    faller.refresh_from_db()
    assert (climber.tier, faller.tier) == ("silver", "regular")
    kinds = TierChange.objects.values_list("account_id", "kind")
    assert set(kinds) == {(climber.pk, "upgrade"), (faller.pk, "ladder")}


def test_a_raised_threshold_takes_nothing_away_at_once(shop: FakeHost) -> None:
    """The tier stays until it lapses; only the merchant changed his mind."""
    program = create(document={**RULES, **USD, "tiers": LADDER})
    account = _spent(shop, program, 60000)
    programs.update_program(program=program, changes={"welcome_points": 1}, now=NOON)
    account.refresh_from_db()
    assert account.tier == "vip"

    change = programs.change_tier("vip", {"threshold": "900.00"})
    programs.update_program(program=program, edit=change, now=NOON)

    account.refresh_from_db()
    assert account.tier == "vip"


def _tiers(program: Program) -> Any:
    return rules_of(program.current_version_id).ladder.tiers


def _with_euro() -> dict[str, Any]:
    rates = {"USD": {"points": 1, "per": "1.00"}, "EUR": {"points": 1, "per": "1.00"}}
    return {"earn": {"rates": rates}, "point_value": {"USD": "0.01", "EUR": "0.01"}}


def _spent(shop: FakeHost, program: Program, spend_minor: int, tier: str = "regular") -> Any:
    """Create a member who spent this much in March 2026."""
    account = make_member(shop, program, tier=tier)
    OrderRecord.objects.create(
        order_ref=f"order-{account.pk}",
        program=program,
        account=account,
        version=program.current_version,
        channel_ref="1",
        currency="USD",
        created_at=at("2026-03-01"),
        paid_at=at("2026-03-01"),
        spend_minor=spend_minor,
        is_counted=True,
    )
    return account
