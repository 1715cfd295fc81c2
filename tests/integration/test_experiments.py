"""Experiments: who is assigned stays so, and what came of it agrees with its definition."""

from __future__ import annotations

import datetime as dt
import random
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from saleor_retention.engine.experiments.assignment import Arm
from saleor_retention.engine.experiments.outcomes import Outcome, Subject, outcome_of
from saleor_retention.engine.experiments.samples import Sample
from saleor_retention.engine.measures.figures import Sale
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, Experiment, ExperimentSubject, OrderRecord, Program
from saleor_retention.selectors import persons
from saleor_retention.selectors.experiments import outcome
from saleor_retention.services.campaigning.experiments import (
    assign,
    create_experiment,
    end_experiment,
)
from saleor_retention.services.membership import erasing
from tests import ledger
from tests.customers import record_order
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

NOW = at("2026-03-01 12:00")
WINDOW = dt.timedelta(days=30)
NOBODY = Sample(0, 0, 0, 0)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop with a program."""
    return ledger.open_shop(monkeypatch)


def begin(shop: Shop, share: int = 300) -> Experiment:
    """Begin an experiment of thirty days."""
    return create_experiment(
        shop.program,
        slug="spring",
        name="Spring",
        held_out_per_mille=share,
        window_days=30,
        now=NOW,
    )


def people(shop: Shop, count: int) -> list[int]:
    """Open so many accounts without users."""
    numbered = [
        Account(
            program=shop.program, member_number=f"x-{number}", joined_at=NOW, last_activity_at=NOW
        )
        for number in range(count)
    ]
    return [account.pk for account in Account.objects.bulk_create(numbered)]


def test_an_assignment_is_written_once(shop: Shop) -> None:
    """A second call, with more customers and on another day, leaves the first as it was."""
    experiment = begin(shop)
    ids = people(shop, 400)
    first = assign(experiment, ids[:200], now=NOW)

    both = assign(experiment, ids, now=NOW + WINDOW)

    assert {pk: both[pk] for pk in ids[:200]} == first
    assert len(both) == ExperimentSubject.objects.filter(experiment=experiment).count() == 400
    assert ExperimentSubject.objects.filter(assigned_at=NOW).count() == 200
    assert 80 < sum(arm is Arm.HELD_OUT for arm in both.values()) < 160
    assert set(first.values()) == {Arm.TREATED, Arm.HELD_OUT}


def test_assigning_takes_the_same_statements_for_any_number(shop: Shop) -> None:
    """Four for new ones, one where all are known."""
    experiment = begin(shop)
    ids = people(shop, 300)

    for wanted, expected in ((ids[:1], 4), (ids, 4), (ids, 1)):
        with CaptureQueriesContext(connection) as statements:
            assign(experiment, wanted, now=NOW)
        assert len(statements) == expected


def test_whom_an_ended_experiment_takes(shop: Shop) -> None:
    """Nobody new; those who are in it keep their arms. Ending twice changes nothing."""
    experiment = begin(shop)
    old, new = people(shop, 2)
    arms = assign(experiment, [old], now=NOW)
    ended = end_experiment(experiment, now=NOW + WINDOW)

    assert end_experiment(ended, now=NOW + 2 * WINDOW).ended_at == NOW + WINDOW
    assert assign(ended, [old]) == arms
    with pytest.raises(Refusal) as refusal:
        assign(ended, [old, new])

    assert (refusal.value.code, refusal.value.message) == (
        Code.INVALID,
        "This experiment has ended.",
    )
    assert ExperimentSubject.objects.count() == 1


def test_a_stranger_is_refused_with_all_who_came_along(shop: Shop) -> None:
    """An account of another program, or of nobody: nothing is written."""
    experiment = begin(shop)
    (ours,) = people(shop, 1)
    other = Program.objects.create(slug="other", name="Other", created_at=NOW)
    stranger = Account.objects.create(
        program=other, member_number="s", joined_at=NOW, last_activity_at=NOW
    )

    for wrong in (stranger.pk, -1):
        with pytest.raises(Refusal) as refusal:
            assign(experiment, [ours, wrong], now=NOW)
        assert refusal.value.code is Code.NOT_FOUND

    assert not ExperimentSubject.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"held_out_per_mille": 0}, "heldOutPerMille", Code.INVALID),
        ({"held_out_per_mille": 1000}, "heldOutPerMille", Code.INVALID),
        ({"window_days": 0}, "windowDays", Code.INVALID),
        ({"window_days": 366}, "windowDays", Code.INVALID),
        ({"slug": "a b"}, "slug", Code.INVALID),
        ({"slug": "a" * 65}, "slug", Code.INVALID),
        ({"name": " "}, "name", Code.INVALID),
        ({"slug": "spring"}, "slug", Code.UNIQUE),
    ],
)
def test_an_experiment_that_shows_nothing_is_refused(
    shop: Shop, wrong: dict[str, object], field: str, code: Code
) -> None:
    """Each wrong value by its field; the first experiment stays the only one."""
    begin(shop)
    asked = {"slug": "other", "name": "Other", "held_out_per_mille": 100, "window_days": 30}

    with pytest.raises(Refusal) as refusal:
        create_experiment(shop.program, **{**asked, **wrong})  # type: ignore[arg-type]

    assert (refusal.value.field, refusal.value.code) == (field, code)
    assert Experiment.objects.count() == 1


def test_the_database_holds_the_share(shop: Shop) -> None:
    """Also against who writes past the service."""
    with pytest.raises(IntegrityError), transaction.atomic():
        Experiment.objects.create(
            program=shop.program, slug="x", name="x", secret="", held_out_per_mille=0, window_days=1
        )


@pytest.mark.parametrize("seed", range(4))
def test_the_outcome_agrees_with_its_definition(shop: Shop, seed: int) -> None:
    """Some buy before, at the instant, in the window, at its end, after; some windows are open."""
    draw = random.Random(seed)  # noqa: S311
    experiment = begin(shop, 400)
    ids = people(shop, 60)
    accounts = Account.objects.in_bulk(ids)
    for account_id in ids:
        assigned = NOW + dt.timedelta(days=draw.choice([0, 0, 1, 20]))
        assign(experiment, [account_id], now=assigned)
        for _ in range(draw.choice([0, 0, 1, 3])):
            offset = draw.choice([-1, 0, 1, 24 * 15, 24 * 30 - 1, 24 * 30, 24 * 31])
            record_order(
                accounts[account_id],
                assigned + dt.timedelta(hours=offset),
                draw.randrange(5000),
                is_counted=draw.random() < 0.9,
            )
    now = NOW + WINDOW + dt.timedelta(days=1)
    subjects = [
        Subject(row.account_id, Arm(row.arm), row.assigned_at)
        for row in ExperimentSubject.objects.filter(experiment=experiment)
    ]
    sales = [
        Sale(row.pk, row.account_id, row.created_at, row.spend_minor)
        for row in OrderRecord.objects.filter(is_counted=True)
    ]

    found = outcome(experiment, now=now)

    assert found == outcome_of(subjects, sales, WINDOW, now)
    assert found.treated.buyers
    assert found.held_out.customers
    assert found.waiting


def test_who_is_erased_goes_on_counting(shop: Shop) -> None:
    """Under the pseudonym: to leave them out would take them from one side more than the other."""
    experiment = begin(shop, 500)
    ann = shop.member("ann")
    assign(experiment, [ann.pk], now=NOW)
    record_order(ann, NOW, 700)
    before = outcome(experiment, now=NOW + WINDOW)

    erasing.erase(persons.of_account(ann), reason="Asked for", actor_ref="user:1", now=NOW)

    assert outcome(experiment, now=NOW + WINDOW) == before
    assert before.treated.total + before.held_out.total == 700
    assert persons.account_ids(persons.of_account(Account.objects.get(pk=ann.pk))) == []


def test_an_experiment_on_nobody(shop: Shop) -> None:
    """Zeros."""
    assert outcome(begin(shop), now=NOW) == Outcome(NOBODY, NOBODY, 0)


def test_the_migrations_make_what_the_models_say() -> None:
    """Nothing is left for another migration."""
    said = StringIO()

    call_command("makemigrations", "saleor_retention", "--check", "--dry-run", stdout=said)

    assert "No changes" in said.getvalue()
