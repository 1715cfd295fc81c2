"""Points by hand: granted within a limit, corrected down, each with a reason and once per key."""

from __future__ import annotations

from typing import Any

import pytest

from saleor_retention.engine.facts import OrderState
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, MemberEvent, Note, Transaction
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.ledger import granting
from saleor_retention.services.ledger.posting import Posted
from saleor_retention.services.membership import events, members
from tests import ledger
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

NOON = at("2026-03-10 12:00")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """At most 500 points at once; points live 30 days."""
    return ledger.open_shop(
        monkeypatch, grants={"points_max": 500}, expiry={"policy": "days", "count": 30}
    )


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member without points."""
    return shop.member("ann")


def grant(account: Account, points: Any, **changes: Any) -> Posted:
    """Grant as a member of staff does."""
    given = {"reason": "Broken cup", "actor_ref": "user:7", "key": "k1", "now": NOON}
    return granting.grant(account_id=account.pk, points=points, **(given | changes))


def adjust(account: Account, points: Any, **changes: Any) -> Posted:
    """Adjust as a member of staff does."""
    given = {"reason": "Typed twice", "actor_ref": "user:7", "key": "k2", "now": NOON}
    return granting.adjust(account_id=account.pk, points=points, **(given | changes))


def owe(shop: Shop, account: Account, points: int) -> None:
    """Let the member owe points: bought, spent, canceled."""
    shop.buys(account, "owed", f"{points}.00")
    ledger.spend(ledger.lots(account)[0], points, now=at("2026-03-02"))
    shop.host.change_order("owed", state=OrderState.CANCELED)
    shop.settle("owed", at("2026-03-03"))


def test_a_grant_opens_a_lot_and_keeps_reason_and_actor(ann: Account) -> None:
    """Under the program's expiry, from now."""
    posted = grant(ann, 100)

    (lot,) = ledger.lots(ann)
    assert (lot.granted, lot.expires_at) == (100, at("2026-04-10"))
    row = Transaction.objects.get()
    assert (row.kind, row.key, row.actor_ref) == ("grant", "grant:k1", "user:7")
    assert posted.transaction == row
    assert Note.objects.get().text == "Broken cup"
    assert ledger.balances(ann) == (100, 0, 0, 0)


def test_a_repeated_grant_has_one_effect(shop: Shop, ann: Account) -> None:
    """Also when the limit was lowered since: the first answer is given again."""
    first = grant(ann, 100)
    shop.change_rules({"grants": {"points_max": 10}}, at("2026-03-10 12:01"))
    again = grant(ann, 100, now=at("2026-03-10 12:02"))

    assert (first.is_new, again.is_new) == (True, False)
    assert again.transaction == first.transaction
    assert ledger.balances(ann) == (100, 0, 0, 0)
    assert Note.objects.count() == 1


@pytest.mark.parametrize("change", [{"points": 101}, {"reason": "Late parcel"}])
def test_the_same_key_for_another_grant_is_refused(ann: Account, change: dict[str, Any]) -> None:
    """Other points or other words are another request."""
    grant(ann, 100)

    with pytest.raises(Refusal) as caught:
        grant(ann, **({"points": 100} | change))

    assert caught.value.code is Code.KEY_REUSED
    assert ledger.balances(ann) == (100, 0, 0, 0)


@pytest.mark.parametrize(
    ("points", "changes", "code", "field"),
    [
        (0, {}, Code.INVALID, "points"),
        (-5, {}, Code.INVALID, "points"),
        (1.5, {}, Code.INVALID, "points"),
        (True, {}, Code.INVALID, "points"),
        (501, {}, Code.LIMIT_REACHED, "points"),
        (10**30, {}, Code.LIMIT_REACHED, "points"),
        (5, {"reason": "  "}, Code.REQUIRED, "reason"),
        (5, {"reason": "x" * 1001}, Code.INVALID, "reason"),
        (5, {"key": ""}, Code.REQUIRED, "key"),
        (5, {"key": "k" * 101}, Code.INVALID, "key"),
    ],
)
def test_a_bad_grant_is_refused_and_changes_nothing(
    ann: Account, points: Any, changes: dict[str, Any], code: Code, field: str
) -> None:
    """With the field and the rule named."""
    with pytest.raises(Refusal) as caught:
        grant(ann, points, **changes)

    assert (caught.value.code, caught.value.field) == (code, field)
    assert Transaction.objects.count() == Note.objects.count() == 0
    assert ledger.balances(ann) == (0, 0, 0, 0)


def test_the_limit_is_named(ann: Account) -> None:
    """In the sentence that staff read."""
    with pytest.raises(Refusal, match=r"^At most 500 points can be granted at once\.$"):
        grant(ann, 501)


def test_only_present_members_are_granted_points(shop: Shop, ann: Account) -> None:
    """Not those who left, nor nobody."""
    members.leave(shop.program, str(ann.user_id), now=NOON)
    with pytest.raises(Refusal) as left:
        grant(ann, 5)
    with pytest.raises(Refusal) as unknown:
        granting.grant(account_id=-1, points=5, reason="r", actor_ref="", key="k", now=NOON)

    assert (left.value.code, unknown.value.code) == (Code.NOT_A_MEMBER, Code.NOT_FOUND)


def test_goodwill_does_not_vanish_into_a_debt_unless_the_program_says_so(
    shop: Shop, ann: Account
) -> None:
    """By default a grant to a member who owes is refused with the debt; a setting lets it repay."""
    owe(shop, ann, 30)
    with pytest.raises(Refusal) as caught:
        grant(ann, 50)
    owing = ledger.balances(ann)
    shop.change_rules({"deficit": {"policy": "deficit", "goodwill_repays": True}}, NOON)
    grant(Account.objects.get(pk=ann.pk), 50)

    assert caught.value.code is Code.IN_DEFICIT
    assert caught.value.message == (
        "This member owes 30 points after a return, "
        "and granted points do not repay them in this program."
    )
    assert owing == (0, 0, 0, 30)
    assert ledger.balances(ann) == (20, 0, 0, 0)
    assert breaches() == []


def test_a_correction_down_takes_what_expires_first(ann: Account) -> None:
    """Available points only; pending ones and the longer-lived stay."""
    ledger.give(ann, 50, expires_at=at("2026-08-01"))
    ledger.give(ann, 50, expires_at=at("2026-05-01"))
    ledger.give(ann, 50, valid_from=at("2026-04-01"), expires_at=at("2026-04-02"))
    adjust(ann, -60)

    assert [lot.adjusted for lot in ledger.lots(ann)] == [10, 50, 0]
    assert ledger.balances(ann) == (40, 50, 0, 0)
    assert ledger.book("adjustment") == 60
    assert breaches() == []


def test_no_more_is_taken_than_there_is(ann: Account) -> None:
    """Dead points are none; the refusal names what is left."""
    ledger.give(ann, 50)
    ledger.give(ann, 50, expires_at=at("2026-03-10 11:59"))

    with pytest.raises(Refusal) as caught:
        adjust(ann, -51)

    assert caught.value.code is Code.NOT_ENOUGH_POINTS
    assert caught.value.message == "51 points cannot be taken: 50 are available."
    assert Note.objects.count() == 0


def test_a_repeated_correction_has_one_effect(ann: Account) -> None:
    """As a grant; and a positive one is a grant."""
    ledger.give(ann, 50)
    taken = [adjust(ann, -20).is_new, adjust(ann, -20).is_new]
    given = adjust(ann, 5, key="k3")

    assert taken == [True, False]
    assert given.transaction.kind == "grant"
    assert ledger.balances(ann) == (35, 0, 0, 0)


def test_a_correction_by_zero_is_none(ann: Account) -> None:
    """Refused by name."""
    with pytest.raises(Refusal, match="cannot be zero"):
        adjust(ann, 0)


# --- limits by role -------------------------------------------------------------------------------


@pytest.fixture
def roles(shop: Shop) -> Shop:
    """Support may give more than others, leads more at once, the help desk's app less."""
    groups = {
        "Support": {"points_max": 600, "points_per_day_max": 1000},
        "Leads": {"points_max": 900},
        "Trainees": {"points_max": 5},
    }
    grants = {
        "points_max": 500,
        "points_per_day_max": 800,
        "groups": groups,
        "apps": {"Help desk": {"points_max": 20}},
    }
    shop.change_rules({"grants": grants}, NOON)
    shop.host.groups = {
        "1": {"Support", "Translators"},
        "2": {"Support", "Leads", "Trainees"},
        "3": {"Trainees"},
        "4": {"Translators"},
    }
    shop.host.apps = {"1": "Help desk", "2": "Support"}
    return shop


@pytest.mark.parametrize(
    ("actor_ref", "points_max", "role"),
    [
        ("user:1", 600, ' as "Support"'),
        ("user:2", 900, ' as "Leads"'),
        ("user:3", 5, ' as "Trainees"'),
        ("user:4", 500, ""),
        ("user:9", 500, ""),
        ("app:1", 20, ' as "Help desk"'),
        ("app:2", 500, ""),
        ("app:9", 500, ""),
        ("", 500, ""),
    ],
)
def test_what_is_granted_at_once_depends_on_the_role(
    roles: Shop, actor_ref: str, points_max: int, role: str
) -> None:
    """The highest of the actor's groups counts; no group, and an app called like one, is nobody."""
    ann = roles.member("ann")

    with pytest.raises(Refusal) as refused:
        grant(ann, points_max + 1, actor_ref=actor_ref)
    assert refused.value.code is Code.LIMIT_REACHED
    assert refused.value.message == f"At most {points_max} points can be granted at once{role}."
    assert ledger.balances(ann) == (0, 0, 0, 0)

    assert grant(ann, points_max, actor_ref=actor_ref).is_new


def test_what_is_granted_in_a_day_depends_on_the_role(roles: Shop) -> None:
    """Support has a limit of its own; of leads, who are in support too, it is the higher one."""
    ann = roles.member("ann")
    grant(ann, 600, actor_ref="user:1", key="a")
    with pytest.raises(Refusal) as own:
        grant(ann, 401, actor_ref="user:1", key="b")
    grant(ann, 900, actor_ref="user:2", key="c")
    with pytest.raises(Refusal) as highest:
        grant(ann, 101, actor_ref="user:2", key="d")
    grant(ann, 500, actor_ref="user:4", key="e")
    with pytest.raises(Refusal) as of_all:
        grant(ann, 301, actor_ref="user:4", key="f")

    a_day = "You can grant {} points a day in this program{}: {} are left."
    assert [refused.value.message for refused in (own, highest, of_all)] == [
        a_day.format(1000, ' as "Support"', 400),
        a_day.format(1000, ' as "Support"', 100),
        a_day.format(800, "", 300),
    ]
    assert ledger.balances(ann) == (2000, 0, 0, 0)


def test_the_shop_is_asked_for_roles_only_where_they_count(shop: Shop, ann: Account) -> None:
    """A program without them asks nothing, so that a grant costs what it did."""
    shop.host.group_names = None  # type: ignore[method-assign, assignment]

    assert grant(ann, 500).is_new


# --- what staff bring members otherwise -----------------------------------------------------------


def told(account: Account, reference: str, actor_ref: str = "user:1", **changes: Any) -> int:
    """Tell of a review; return its points."""
    given = {"source": "dashboard", "kind": "review", "object_ref": f"p-{reference}"} | changes
    recorded = events.record_event(
        account=account, reference=reference, actor_ref=actor_ref, **({"now": NOON} | given)
    )
    return int(recorded.event.points)


@pytest.fixture
def reviews(roles: Shop) -> Shop:
    """A review brings 300 points, and staff without a group may grant 800 a day."""
    rewarded = {"review": {"points": 300}, "glance": {"points": 0, "name": "A glance"}}
    roles.change_rules({"events": rewarded}, NOON)
    return roles


def test_events_that_staff_tell_of_count_as_granted(reviews: Shop) -> None:
    """In one allowance with grants, whichever comes first, of all members; the day after anew."""
    ann, bob = reviews.member("ann"), reviews.member("bob")
    assert told(ann, "r1", "user:4") == 300
    grant(bob, 250, actor_ref="user:4", key="a")

    with pytest.raises(Refusal) as refused:
        told(bob, "r2", "user:4")
    with pytest.raises(Refusal) as granted:
        grant(ann, 251, actor_ref="user:4", key="b")

    message = "You can grant 800 points a day in this program: 250 are left."
    assert (refused.value.code, refused.value.message) == (Code.LIMIT_REACHED, message)
    assert granted.value.message == message
    assert not MemberEvent.objects.filter(reference="r2").exists()
    assert [ledger.balances(each)[0] for each in (ann, bob)] == [300, 250]
    assert told(bob, "r2", "user:4", now=at("2026-03-11 00:00")) == 300


def test_what_an_event_brings_is_within_what_one_grant_may_be(reviews: Shop) -> None:
    """Trainees may give 5 points at once, and do not get around that."""
    ann = reviews.member("ann")

    with pytest.raises(Refusal) as refused:
        told(ann, "r1", "user:3")

    assert refused.value.message == 'At most 5 points can be granted at once as "Trainees".'
    assert ledger.balances(ann) == (0, 0, 0, 0)
    assert told(ann, "r1", "user:3", kind="glance") == 0


def test_an_event_told_again_needs_no_allowance(reviews: Shop) -> None:
    """And one that was reversed gives none back."""
    ann = reviews.member("ann")
    for reference in ("r1", "r2"):
        told(ann, reference, "user:4")
        told(ann, reference, "user:4")
    events.reverse_event(source="dashboard", reference="r2", actor_ref="user:4", now=NOON)

    with pytest.raises(Refusal) as refused:
        told(ann, "r3", "user:4")

    assert refused.value.message.endswith(": 200 are left.")
    assert ledger.balances(ann) == (300, 0, 0, 0)


def test_apps_tell_of_what_they_see(reviews: Shop) -> None:
    """They are no staff: reviews are their trade, and leave what they may grant as it is."""
    ann = reviews.member("ann")
    assert sum(told(ann, f"r{number}", "app:1") for number in range(5)) == 1500
    assert told(ann, "own", "", source="survey", is_own_act=True) == 300

    assert grant(ann, 20, actor_ref="app:1").is_new
    assert grant(ann, 500, actor_ref="user:4", key="k3").is_new
