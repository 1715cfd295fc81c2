"""Experiments of staff: begun, dealt, read with their results, and ended."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from saleor_retention.engine.experiments.assignment import arm_of
from saleor_retention.models import (
    Account,
    AccountState,
    Campaign,
    Experiment,
    ExperimentSubject,
    Segment,
    SegmentMember,
)
from saleor_retention.services.campaigning import experiments
from saleor_retention.services.membership.segments import change_list
from tests.customers import record_order
from tests.graphql.world import Actor, World, gid, open_shop, operation, staff

pytestmark = pytest.mark.django_db(databases="__all__")

STATED = {"slug": "spring", "name": "Spring", "heldOutPerMille": 400, "windowDays": 7}


@pytest.fixture
def manager() -> Actor:
    """Somebody who may see customers and discounts."""
    return staff("manage_users", "manage_discounts")


def members(world: World, count: int) -> list[Account]:
    """Add so many members without users."""
    now = timezone.now()
    made = [
        Account(
            program=world.program,
            member_number=f"m-{number}",
            joined_at=now,
            last_activity_at=now,
            state=AccountState.MEMBER,
        )
        for number in range(count)
    ]
    return Account.objects.bulk_create(made)


def made_list(world: World, slug: str, accounts: list[Account] | None = None) -> Segment:
    """Create an explicit list."""
    segment = Segment.objects.create(program=world.program, slug=slug, name=slug)
    if accounts:
        change_list(segment, add=[account.pk for account in accounts])
    return segment


def begun(world: World, manager: Actor, **changes: object) -> dict[str, Any]:
    """Begin an experiment."""
    asked = {"programId": world.program_id, "input": {**STATED, **changes}}
    found: dict[str, Any] = manager.do(operation("staff/experiment-create"), **asked)
    return found["experiment"]


def refused(manager: Actor, name: str, **asked: object) -> tuple[str, str, str]:
    """Return (field, code, message) of the only error of a mutation."""
    answer = manager.post(operation(f"staff/{name}"), **asked)
    ((error,),) = [payload["errors"] for payload in answer["data"].values()]
    return error["field"], error["code"], error["message"]


def test_an_experiment_is_dealt_read_and_ended(world: World, manager: Actor) -> None:
    """The treated are on the list, nobody else is; a second time deals those who came since."""
    accounts = members(world, 50)
    everybody = made_list(world, "everybody", accounts[:40])
    treated_list = made_list(world, "treated")

    experiment = begun(world, manager)
    asked = {
        "id": experiment["id"],
        "segmentId": gid("RetentionSegment", everybody),
        "treatedListId": gid("RetentionSegment", treated_list),
    }
    first = manager.do(operation("staff/experiment-deal"), **asked)
    change_list(everybody, add=[account.pk for account in accounts[40:]])
    second = manager.do(operation("staff/experiment-deal"), **asked)

    row = Experiment.objects.get(slug="spring")
    secret = bytes.fromhex(row.secret)
    arms = {
        account.pk: arm_of(secret, "spring", account.pk, held_out_per_mille=400).value
        for account in accounts
    }
    assert dict(ExperimentSubject.objects.values_list("account_id", "arm")) == arms
    listed = set(
        SegmentMember.objects.filter(segment=treated_list).values_list("account_id", flat=True)
    )
    assert listed == {pk for pk, arm in arms.items() if arm == "treated"}
    assert first["treated"] + first["heldOut"] == 40
    assert (second["treated"], second["heldOut"]) == (len(listed), 50 - len(listed))
    assert row.secret not in str(first)

    ended = manager.do(operation("staff/experiment-end"), id=experiment["id"])["experiment"]
    assert ended["endedAt"] is not None
    again = manager.do(operation("staff/experiment-end"), id=experiment["id"])["experiment"]
    assert again == ended
    assert refused(manager, "experiment-deal", **asked) == (
        "id",
        "INVALID",
        "This experiment has ended.",
    )


def test_a_page_of_experiments_with_their_results(world: World, manager: Actor) -> None:
    """The newest first; both arms, and how many customers a difference would take."""
    begun(world, manager)
    newest = begun(world, manager, slug="summer", heldOutPerMille=500)
    row = Experiment.objects.get(slug="summer")
    accounts = members(world, 100)
    then = timezone.now() - dt.timedelta(days=10)
    arms = experiments.assign(row, [account.pk for account in accounts], now=then)
    treated = [account for account in accounts if arms[account.pk].value == "treated"]
    for account in treated[:20]:
        record_order(account, then + dt.timedelta(days=1), 1000)

    listed = manager.ask(operation("staff/experiments"), programId=world.program_id, first=1)
    page = listed["retentionExperiments"]
    assert page["totalCount"] == 2
    assert page["pageInfo"]["hasNextPage"] is True
    (edge,) = page["edges"]
    assert (edge["node"]["slug"], edge["node"]["isOfCampaign"]) == ("summer", False)
    after = page["pageInfo"]["endCursor"]
    more = manager.ask(
        operation("staff/experiments"), programId=world.program_id, first=1, after=after
    )
    (older,) = more["retentionExperiments"]["edges"]
    assert (older["node"]["slug"], older["node"]["result"]["shares"]) == ("spring", None)

    found = manager.ask(
        operation("staff/experiment"), id=newest["id"], baseline=0.1, expected=0.15
    )["retentionExperiment"]
    assert found["customersNeeded"] == 1372
    result = found["result"]
    assert result == edge["node"]["result"]
    assert (result["treated"]["customers"], result["treated"]["buyers"]) == (len(treated), 20)
    assert (result["heldOut"]["customers"], result["heldOut"]["buyers"]) == (100 - len(treated), 0)
    assert 0 < float(result["shares"]["low"]) < float(result["shares"]["high"])
    assert float(result["smallestShare"]) > 0


def test_how_many_customers_an_experiment_takes(manager: Actor) -> None:
    """The published number; what is no question is refused by name."""
    open_shop()

    def asked(baseline: object, expected: object, share: int = 500) -> Any:
        return manager.post(
            operation("staff/experiment-size"),
            baseline=baseline,
            expected=expected,
            heldOutPerMille=share,
        )

    assert asked(0.1, 0.15)["data"]["retentionExperimentSize"] == 1372
    for wrong, message in (
        ((0.1, 0.1), "Two shares that are the same show no difference."),
        ((0.1, 1.5), "A share is from 0 to 1, with 6 decimals at most."),
        (("1e-400000", 0.1), "A share is from 0 to 1, with 6 decimals at most."),
        ((0.1, 0.15, 0), "From 1 to 999 of 1000 customers are held out."),
        ((0.5, 0.500001), "So small a difference takes more than 2147483647 customers."),
    ):
        assert asked(*wrong)["errors"][0]["message"] == message


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"slug": "not a slug"}, "slug", "INVALID"),
        ({"slug": "taken"}, "slug", "UNIQUE"),
        ({"slug": "mailed"}, "slug", "UNIQUE"),
        ({"name": " "}, "name", "INVALID"),
        ({"heldOutPerMille": 1000}, "heldOutPerMille", "INVALID"),
        ({"windowDays": 0}, "windowDays", "INVALID"),
    ],
)
def test_what_is_no_experiment_is_refused(
    world: World, manager: Actor, wrong: dict[str, object], field: str, code: str
) -> None:
    """By field; nothing is begun."""
    Campaign.objects.create(
        program=world.program, slug="mailed", name="Mailed", secret="00", created_at=timezone.now()
    )
    begun(world, manager, slug="taken")
    asked = {"programId": world.program_id, "input": {**STATED, **wrong}}

    assert refused(manager, "experiment-create", **asked)[:2] == (field, code)
    assert Experiment.objects.count() == 1


def test_a_campaign_s_holdout_is_left_to_it(world: World, manager: Actor) -> None:
    """It is listed as one, and neither dealt nor ended by hand."""
    Campaign.objects.create(
        program=world.program, slug="mailed", name="Mailed", secret="aa", created_at=timezone.now()
    )
    row = experiments.create_experiment(
        world.program,
        slug="mailed",
        name="Mailed",
        held_out_per_mille=100,
        window_days=7,
        secret="aa",
    )
    everybody, treated = made_list(world, "everybody", members(world, 1)), made_list(world, "with")
    of_id = {"id": gid("RetentionExperiment", row)}
    asked = {
        **of_id,
        "segmentId": gid("RetentionSegment", everybody),
        "treatedListId": gid("RetentionSegment", treated),
    }

    found = manager.ask(operation("staff/experiment"), **of_id, baseline=0.1, expected=0.2)
    assert found["retentionExperiment"]["isOfCampaign"] is True
    for name, given in (("experiment-end", of_id), ("experiment-deal", asked)):
        assert refused(manager, name, **given) == (
            "id",
            "INVALID",
            "This is a campaign's holdout: it begins and ends with the campaign.",
        )
    row.refresh_from_db()
    assert row.ended_at is None
    assert not ExperimentSubject.objects.exists()


def test_a_deal_needs_a_segment_and_another_list(world: World, manager: Actor) -> None:
    """A list of its own that is in use; nobody is assigned where it is refused."""
    everybody = made_list(world, "everybody", members(world, 3))
    ruled = Segment.objects.create(
        program=world.program, slug="ruled", name="Ruled", document={"orders": {"from": 1}}
    )
    experiment = begun(world, manager)

    def dealt_to(segment: Segment) -> tuple[str, str]:
        asked = {
            "id": experiment["id"],
            "segmentId": gid("RetentionSegment", everybody),
            "treatedListId": gid("RetentionSegment", segment),
        }
        return refused(manager, "experiment-deal", **asked)[:2]

    assert dealt_to(everybody) == ("treatedListId", "INVALID")
    assert dealt_to(ruled) == ("treatedListId", "INVALID")
    assert not ExperimentSubject.objects.exists()
