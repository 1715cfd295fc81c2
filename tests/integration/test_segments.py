"""Segments: who is in them, who comes and goes, tags, lists, and what offers may ask."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from saleor_retention import tasks
from saleor_retention.engine.periods import local_date
from saleor_retention.engine.phrases import render
from saleor_retention.engine.segments.bands import Limits
from saleor_retention.engine.segments.matching import matches
from saleor_retention.engine.segments.rfm import Scores
from saleor_retention.engine.segments.rules import Customer, Not, Rule, Setting, Told
from saleor_retention.engine.segments.stages import NO_DEEDS, stage_of
from saleor_retention.engine.segments.statement import to_sql
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.models import (
    Account,
    AccountState,
    AuditAction,
    AuditEntry,
    BandLimits,
    ConsentEntry,
    CustomerRollup,
    CustomerTag,
    Profile,
    Program,
    Segment,
    SegmentEvent,
    SegmentMember,
)
from saleor_retention.selectors.consents import consents_of
from saleor_retention.selectors.segments import limits_of, segments_and_tags_of, sentence_of
from saleor_retention.selectors.stages import deeds_of_accounts
from saleor_retention.services.consenting import consents
from saleor_retention.services.membership import segments
from saleor_retention.services.membership.segments import Draft, Moved
from tests import ledger
from tests.customers import kept, record_event, record_order, refer
from tests.fakes import at
from tests.ledger import Shop
from tests.members import counts_of_rows
from tests.rule_trees import ANSWERS, CONSENTS, rule_tree

pytestmark = pytest.mark.django_db

NOW = at("2026-03-31 12:00")
PARIS = "Europe/Paris"
TIERS: dict[str, Any] = {
    "metric": "orders",
    "window": "lifetime",
    "ladder": [
        {"slug": "regular", "name": "Regular", "threshold": 0},
        {"slug": "vip", "name": "VIP", "threshold": 100},
    ],
}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose program counts in Paris and has two tiers."""
    return ledger.open_shop(monkeypatch, time_zone=PARIS, tiers=TIERS)


def buyer(shop: Shop, name: str, *days: str) -> Account:
    """Add a member who bought for 10.00 at noon of these days, summed up."""
    account = shop.member(name)
    for day in days:
        record_order(account, at(f"{day} 12:00"), 1000)
    return account


def members_of(segment: Segment) -> set[int]:
    """Return the accounts in a segment."""
    return set(SegmentMember.objects.filter(segment=segment).values_list("account_id", flat=True))


def said(segment: Segment) -> str:
    """Return the segment's sentence in English."""
    return render(sentence_of(segment, limits_of(segment.program), {}))


def events_of(segment: Segment) -> list[tuple[int, str]]:
    """Return who came and went, oldest first."""
    rows = SegmentEvent.objects.filter(segment=segment).order_by("pk")
    return list(rows.values_list("account_id", "kind"))


# --- by a rule ------------------------------------------------------------------------------------


def test_a_segment_has_its_members_at_once(shop: Shop) -> None:
    """The rule is stored as it was meant, said in a sentence, and its members are there."""
    ann = buyer(shop, "ann", "2026-03-20")
    buyer(shop, "bob", "2025-06-01")
    segments.nightly(shop.program, now=NOW)

    draft = Draft("active", " Active ", {"band": ["active"]})
    preview = segments.preview_segment(shop.program, draft, now=NOW)
    before = Segment.objects.count()
    segment = segments.create_segment(shop.program, draft, now=NOW)

    assert (preview.size, before) == (1, 0)
    assert members_of(segment) == {ann.pk}
    assert events_of(segment) == [(ann.pk, "entered")]
    assert (segment.name, segment.document) == ("Active", {"band": ["active"]})
    assert said(segment) == "Customers who ordered within 3 months."
    segment.refresh_from_db()
    assert segment.refreshed_at == NOW


def test_who_takes_back_the_consent_to_profiling_is_found_by_no_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """He leaves the segments of rules, not the lists, and comes back when he agrees again."""
    words = {"channel": "profiling", "purpose": "habits", "version": "1", "text": "Look at it."}
    shop = ledger.open_shop(monkeypatch, time_zone=PARIS, questions={"consents": [words]})
    ann, bob = (buyer(shop, name, "2026-03-20") for name in ("ann", "bob"))
    segments.nightly(shop.program, now=NOW)
    draft = Draft("active", "Active", {"band": ["active"]})
    ruled = segments.create_segment(shop.program, draft, now=NOW)
    listed = segments.create_segment(shop.program, Draft("friends", "Friends"), now=NOW)
    segments.change_list(listed, add=[ann.pk], now=NOW)
    answer = {"channel": "profiling", "purpose": "habits", "now": NOW}

    consents.give(ann, text_version="1", **answer)
    consents.withdraw(ann, **answer)
    asked = [name for name, args in shop.host.dispatched if args == (shop.program.pk, [ann.pk])]
    segments.refresh(shop.program, [ann.pk], now=NOW)
    after = (
        members_of(ruled),
        members_of(listed),
        segments.preview_segment(shop.program, replace(draft, slug="other"), now=NOW).size,
    )
    consents.give(ann, text_version="1", **answer)
    segments.refresh(shop.program, [ann.pk], now=NOW)

    assert asked == ["refresh_customers", "refresh_customers"]
    assert after == ({bob.pk}, {ann.pk}, 1)
    assert members_of(ruled) == {ann.pk, bob.pk}


def test_time_moves_people_between_segments(shop: Shop) -> None:
    """Nobody ordered: what was active sleeps a day after three months."""
    ann = buyer(shop, "ann", "2026-03-20")
    segments.nightly(shop.program, now=NOW)
    active = segments.create_segment(
        shop.program, Draft("active", "Active", {"band": ["active"]}), now=NOW
    )
    sleeping = segments.create_segment(
        shop.program, Draft("sleeping", "Sleeping", {"band": ["sleeping"]}), now=NOW
    )

    last_day = segments.nightly(shop.program, now=at("2026-06-20 03:25"))
    next_day = segments.nightly(shop.program, now=at("2026-06-21 03:25"))

    assert last_day.moved == Moved({}, {})
    assert next_day.moved == Moved({sleeping.pk: 1}, {active.pk: 1})
    assert events_of(active) == [(ann.pk, "entered"), (ann.pk, "left")]
    assert SegmentEvent.objects.get(segment=sleeping).at == at("2026-06-21 03:25")


def test_an_order_moves_its_customer_at_once(shop: Shop) -> None:
    """Not at night: the task that settling dispatches does it, for that customer alone."""
    ann, bob = shop.member("ann"), shop.member("bob")
    again = segments.create_segment(
        shop.program, Draft("again", "Again", {"novelty": ["returning"]}), now=NOW
    )
    shop.buys(ann, "o1", "10.00")
    record_order(bob, NOW, 100)
    record_order(bob, NOW, 100)
    shop.buys(ann, "o2", "10.00")

    assert members_of(again) == {ann.pk}
    tasks.refresh_segments.run()
    assert members_of(again) == {ann.pk, bob.pk}


def test_the_merchants_own_bands_count(shop: Shop) -> None:
    """Two months of activity instead of three."""
    buyer(shop, "ann", "2026-01-15")
    segments.nightly(shop.program, now=NOW)
    draft = Draft("active", "Active", {"band": ["active"]})
    default = segments.preview_segment(shop.program, draft, now=NOW).size
    segment = segments.create_segment(shop.program, draft, now=NOW)

    moved = segments.set_bands(shop.program, Limits(1, 2, 4, 8), now=NOW)
    with pytest.raises(Refusal) as caught:
        segments.set_bands(shop.program, Limits(3, 2, 4, 8), now=NOW)

    assert default == 1
    assert moved == Moved({}, {segment.pk: 1})
    assert said(segment) == "Customers who ordered within 2 months."
    assert caught.value.message == "best must not reach further back than active."
    assert BandLimits.objects.get().best == 1


def test_who_set_the_bands_is_told_once(shop: Shop) -> None:
    """With what was before; bands that are so already are no change."""
    for _ in range(2):
        segments.set_bands(shop.program, Limits(1, 2, 6, 24), now=NOW, actor_ref="user:7")

    entry = AuditEntry.objects.get(action=AuditAction.PROGRAM_UPDATE)
    assert (entry.program, entry.actor_ref, entry.at) == (shop.program, "user:7", NOW)
    assert entry.changes == [
        "recency_bands.active changes from 3 to 2",
        "recency_bands.at_risk changes from 12 to 24",
    ]


def test_only_members_of_the_program_are_in_segments(shop: Shop) -> None:
    """Who leaves the program leaves its segments; another program's are never asked."""
    ann = buyer(shop, "ann", "2026-03-20")
    other = Program.objects.create(slug="other", name="Other", created_at=NOW)
    ledger.add_version(other, ledger.ONE_PER_DOLLAR, NOW)
    segments.nightly(shop.program, now=NOW)
    everybody = {"joined": {"from": "2020-01-01"}}
    ours = segments.create_segment(shop.program, Draft("all", "All", everybody), now=NOW)
    theirs = segments.create_segment(other, Draft("all", "All", everybody), now=NOW)
    before = (members_of(ours), members_of(theirs))
    Account.objects.filter(pk=ann.pk).update(state=AccountState.LEFT)

    segments.refresh(shop.program, now=NOW)

    assert before == ({ann.pk}, set())
    assert members_of(ours) == set()


def test_a_change_of_the_rule_moves_members(shop: Shop) -> None:
    """And switching off lets everybody go, with an event; switching on brings them back."""
    ann = buyer(shop, "ann", "2026-03-20")
    bob = buyer(shop, "bob", "2026-03-20", "2026-03-21")
    segments.nightly(shop.program, now=NOW)
    segment = segments.create_segment(
        shop.program, Draft("some", "Some", {"orders": {"to": 1}}), now=NOW
    )

    twice = Draft("some", "Some", {"orders": {"from": 2}})
    segments.update_segment(segment, twice, now=NOW)
    changed = members_of(segment)
    segments.update_segment(
        segment, Draft("some", "Some", {"orders": {"from": 2}}, is_active=False), now=NOW
    )
    off = members_of(segment)
    segments.update_segment(segment, twice, now=NOW)

    assert (changed, off, members_of(segment)) == ({bob.pk}, set(), {bob.pk})
    assert sorted(events_of(segment)) == sorted(
        [
            (ann.pk, "entered"),
            (ann.pk, "left"),
            (bob.pk, "entered"),
            (bob.pk, "left"),
            (bob.pk, "entered"),
        ]
    )


def test_a_rule_that_cannot_be_read_leaves_its_segment_as_it_is(shop: Shop) -> None:
    """And does not keep the others from being refreshed."""
    ann = buyer(shop, "ann", "2026-03-20")
    segments.nightly(shop.program, now=NOW)
    some = {"orders": {"from": 1}}
    broken = segments.create_segment(shop.program, Draft("broken", "Broken", some), now=NOW)
    sound = segments.create_segment(shop.program, Draft("sound", "Sound", some), now=NOW)
    Segment.objects.filter(pk=broken.pk).update(document={"ordrs": {}})
    bob = buyer(shop, "bob", "2026-03-20")

    segments.nightly(shop.program, now=NOW)

    assert members_of(broken) == {ann.pk}
    assert members_of(sound) == {ann.pk, bob.pk}


def test_refreshing_costs_the_same_for_many_segments(
    shop: Shop, django_assert_num_queries: Any
) -> None:
    """One statement for all rules, whatever they look at."""
    buyer(shop, "ann", "2026-03-20")
    for number in range(12):
        rule = {"orders": {"from": number}}
        draft = Draft(f"s{number}", "S", rule, tag="t" if number % 2 else "")
        segments.create_segment(shop.program, draft, now=NOW)

    with django_assert_num_queries(9):  # lock, bands, segments, two refreshes, tags; a transaction
        segments.refresh(shop.program, now=NOW)


# --- lists ----------------------------------------------------------------------------------------


def test_a_list_holds_whom_the_shop_put_there(shop: Shop) -> None:
    """Adding twice is adding once; a refresh does not touch it; a rule can ask for it."""
    ann, bob = shop.member("ann"), shop.member("bob")
    friends = segments.create_segment(shop.program, Draft("friends", "Friends"), now=NOW)
    rule = {"all": [{"segment": ["friends"]}, {"orders": {"to": 0}}]}
    quiet = segments.create_segment(shop.program, Draft("quiet", "Quiet", rule), now=NOW)

    first = segments.change_list(friends, add=[ann.pk, bob.pk], now=NOW)
    second = segments.change_list(friends, add=[ann.pk], remove=[bob.pk], now=NOW)
    segments.nightly(shop.program, now=NOW)

    assert (first, second) == ((2, 0), (0, 1))
    assert members_of(friends) == members_of(quiet) == {ann.pk}
    assert said(friends) == "Customers whom the shop has put on this list."
    assert events_of(friends) == [(ann.pk, "entered"), (bob.pk, "entered"), (bob.pk, "left")]


def test_a_list_takes_members_of_its_program_only(shop: Shop) -> None:
    """Somebody who left is refused, and nobody is put on it."""
    ann, bob = shop.member("ann"), shop.member("bob")
    Account.objects.filter(pk=bob.pk).update(state=AccountState.LEFT)
    friends = segments.create_segment(shop.program, Draft("friends", "Friends"), now=NOW)
    before = counts_of_rows()

    with pytest.raises(Refusal) as caught:
        segments.change_list(friends, add=[ann.pk, bob.pk], now=NOW)

    assert (caught.value.code, caught.value.message) == (
        Code.NOT_FOUND,
        "1 of these are no members of the program.",
    )
    assert counts_of_rows() == before


# --- tags and what offers ask ---------------------------------------------------------------------


def test_members_of_a_segment_bear_its_tag_and_rules_can_name_it(shop: Shop) -> None:
    """One night suffices for both; the tag goes with the segment."""
    ann = buyer(shop, "ann", "2026-03-20")
    giving = segments.create_segment(
        shop.program, Draft("dogs", "Dogs", {"orders": {"from": 1}}, tag="dog owner"), now=NOW
    )
    asking = segments.create_segment(
        shop.program, Draft("walkers", "Walkers", {"tag": ["dog owner"]}), now=NOW
    )
    before = members_of(asking)
    segments.nightly(shop.program, now=NOW)
    tagged = (members_of(asking), segments_and_tags_of(ann.pk))
    segments.retire_segment(giving, now=NOW)
    segments.refresh(shop.program, now=NOW)

    assert before == set()
    assert tagged == (
        {ann.pk},
        (frozenset({"dogs", "walkers"}), frozenset({"dog owner", "stage:act"})),
    )
    assert segments_and_tags_of(ann.pk) == (frozenset(), frozenset({"stage:act"}))
    assert events_of(giving) == [(ann.pk, "entered"), (ann.pk, "left")]


def test_a_tag_of_two_segments_stays_while_one_gives_it(shop: Shop) -> None:
    """Borne since the first of them."""
    ann = buyer(shop, "ann", "2026-03-20")
    segments.nightly(shop.program, now=NOW)
    one = segments.create_segment(
        shop.program, Draft("one", "One", {"orders": {"from": 1}}, tag="dog"), now=NOW
    )
    rule = {"novelty": ["new"]}
    segments.create_segment(
        shop.program, Draft("two", "Two", rule, tag="dog"), now=NOW + dt.timedelta(days=1)
    )

    segments.retire_segment(one, now=NOW + dt.timedelta(days=2))

    tag = CustomerTag.objects.get(account=ann)
    assert (tag.tag, tag.since) == ("dog", NOW)


def test_what_offers_ask_is_one_statement(shop: Shop, django_assert_num_queries: Any) -> None:
    """Segments that run, tags, and the stage; nothing of an account that is not there."""
    ann = buyer(shop, "ann", "2026-03-20", "2026-03-21")
    segments.nightly(shop.program, now=NOW)
    segments.create_segment(
        shop.program, Draft("some", "Some", {"orders": {"from": 1}}, tag="dog"), now=NOW
    )
    friends = segments.create_segment(shop.program, Draft("friends", "Friends"), now=NOW)
    segments.change_list(friends, add=[ann.pk], now=NOW)
    Segment.objects.filter(pk=friends.pk).update(is_active=False)

    with django_assert_num_queries(1):
        found = segments_and_tags_of(ann.pk)

    assert found == (frozenset({"some"}), frozenset({"dog", "stage:advocate"}))
    assert segments_and_tags_of(-1) == (frozenset(), frozenset())
    assert segments_and_tags_of(shop.member("bob").pk)[1] == {"stage:aware"}


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draft", "wrong"),
    [
        (
            Draft("", "", {"orders": {}}),
            [(Code.REQUIRED, "name"), (Code.REQUIRED, "slug"), (Code.INVALID, "rule.orders")],
        ),
        (Draft("Some", "Some", {"orders": {"from": 1}}), [(Code.INVALID, "slug")]),
        (Draft("taken", "Some", {"orders": {"from": 1}}), [(Code.UNIQUE, "slug")]),
        (Draft("some", "Some", {"orders": {"from": 1}}, tag="stage:act"), [(Code.INVALID, "tag")]),
        (Draft("some", "Some", {"orders": {"from": 1}}, tag=" x"), [(Code.INVALID, "tag")]),
        (Draft("some", "Some", {"tag": ["x"]}, tag="y"), [(Code.INVALID, "rule.tag")]),
        (Draft("some", "Some", {"tier": ["gold"]}), [(Code.INVALID, "rule.tier.0")]),
        (Draft("some", "Some", {"segment": ["taken"]}), [(Code.INVALID, "rule.segment.0")]),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_done(
    shop: Shop, draft: Draft, wrong: list[tuple[Code, str]]
) -> None:
    """Every problem with its field; "taken" is a segment of a rule and no list."""
    segments.create_segment(shop.program, Draft("taken", "Taken", {"orders": {"from": 1}}), now=NOW)
    before = counts_of_rows()

    with pytest.raises(Refusals) as caught:
        segments.create_segment(shop.program, draft, now=NOW)

    assert [(each.code, each.field) for each in caught.value.refusals] == wrong
    assert counts_of_rows() == before


def test_a_rule_does_not_become_a_list_and_a_retired_segment_stays_so(shop: Shop) -> None:
    """Make another one instead."""
    draft = Draft("some", "Some", {"orders": {"from": 1}})
    segment = segments.create_segment(shop.program, draft, now=NOW)
    with pytest.raises(Refusals) as as_list:
        segments.update_segment(segment, Draft("some", "Some"), now=NOW)
    segments.retire_segment(segment, now=NOW)
    with pytest.raises(Refusals) as retired:
        segments.update_segment(segment, draft, now=NOW)

    assert [each.field for each in as_list.value.refusals] == ["rule"]
    assert [each.message for each in retired.value.refusals] == ["This segment is retired."]


# --- the database decides as the engine does ------------------------------------------------------


def crowd(shop: Shop, draw: random.Random) -> dict[int, Customer]:
    """Make customers of all kinds; return them as the engine sees them, by account."""
    lists = {
        name: segments.create_segment(shop.program, Draft(name, name), now=NOW)
        for name in ("friends", "press")
    }
    accounts = []
    for number in range(50):
        joined = NOW - dt.timedelta(hours=draw.randrange(24 * 700))
        account = shop.member(f"m{number}", now=joined)
        accounts.append(account)
        for _ in range(draw.choice([0, 1, 1, 2, 4])):
            moment = NOW - dt.timedelta(hours=draw.randrange(24 * 500))
            record_order(account, moment, draw.randrange(1500))
        Account.objects.filter(pk=account.pk).update(tier=draw.choice(["", "regular", "vip"]))
        for tag in draw.sample(["dog", "cat"], draw.randrange(3)):
            CustomerTag.objects.create(account=account, tag=tag, since=NOW)
        do_something(account, draw)
        tell_something(account, draw)
        for name in draw.sample(["friends", "press"], draw.randrange(3)):
            SegmentMember.objects.create(segment=lists[name], account=account, since=NOW)
    segments.mend(shop.program)
    for row in CustomerRollup.objects.all():
        scores = dict.fromkeys(("recency_score", "frequency_score", "monetary_score"), 0)
        if draw.random() < 0.8:
            scores = {name: draw.randint(1, 5) for name in scores}
        CustomerRollup.objects.filter(pk=row.pk).update(**scores)
    return {account.pk: as_customer(account) for account in accounts}


def do_something(account: Account, draw: random.Random) -> None:
    """Let a customer do some of what tells of a stage, some of it taken back, or refer a friend."""
    kinds = ("favorite", "follow", "question", "review", "survey")
    for kind in draw.sample(kinds, draw.choice([0, 0, 0, 1, 2])):
        record_event(account, kind, NOW, is_reversed=draw.random() < 0.3)
    if draw.random() < 0.2:
        state = draw.choice(["claimed", "pending", "rewarded", "void"])
        friend = Account.objects.filter(referred=None).exclude(pk=account.pk).first()
        if friend is not None:
            refer(account, friend, state, NOW)


def tell_something(account: Account, draw: random.Random) -> None:
    """Let a customer tell some of himself, or nothing, and have points."""
    Account.objects.filter(pk=account.pk).update(available=draw.choice([0, 100, 200, 300]))
    for _ in range(draw.choice([0, 1, 2, 4])):
        channel, purpose = draw.choice(CONSENTS)
        ConsentEntry.objects.create(
            account=account,
            channel=channel,
            purpose=purpose,
            state=draw.choice(["requested", "given", "given", "withdrawn"]),
            source="storefront",
            at=NOW,
        )
    if draw.random() < 0.3:
        return
    month = draw.choice([None, 1, 5, 12])
    Profile.objects.create(
        account=account,
        birth_month=month,
        birth_day=month,
        birthday_since=NOW.date() if month else None,
        gender=draw.choice(["", "female", "male"]),
        interests=draw.sample(["coffee", "tea"], draw.randrange(3)),
        language=draw.choice(["", "en", "zh-Hant"]),
        custom={
            key: values if key == "cups" else draw.choice(values)
            for key, values in ANSWERS.items()
            if draw.random() < 0.6
        },
        updated_at=NOW,
    )


def told_by(account: Account) -> Told:
    """Read a profile as the engine sees it."""
    held = consents_of([account.pk])[account.pk]
    given = frozenset((one.channel, one.purpose) for one in held if one.state == "given")
    row = Profile.objects.filter(account=account).first()
    if row is None:
        return Told(consents=given)
    return Told(
        gender=row.gender,
        interests=frozenset(row.interests),
        birth_month=row.birth_month,
        language=row.language,
        consents=given,
        answers=row.custom,
    )


def as_customer(account: Account) -> Customer:
    """Read an account as the engine sees it."""
    account.refresh_from_db()
    row = CustomerRollup.objects.filter(account=account).first()
    listed = SegmentMember.objects.filter(account=account, segment__document__isnull=True)
    return Customer(
        joined_on=local_date(account.joined_at, PARIS),
        tier=account.tier,
        rollup=kept(account),
        scores=Scores(row.recency_score, row.frequency_score, row.monetary_score)
        if row
        else Scores(),
        tags=frozenset(account.tags.values_list("tag", flat=True)),
        lists=frozenset(listed.values_list("segment__slug", flat=True)),
        deeds=deeds_of_accounts([account.pk]).get(account.pk, NO_DEEDS),
        told=told_by(account),
        points=account.available,
    )


def found_by(rule: Rule, setting: Setting) -> set[int]:
    """Ask the database who meets a rule."""
    condition = to_sql(rule, setting)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account.id FROM saleor_retention_account AS account"
            " LEFT JOIN saleor_retention_customerrollup AS rollup ON rollup.account_id = account.id"
            f" WHERE ({condition.text}) IS NOT NULL AND {condition.text}",
            [*condition.parameters, *condition.parameters],
        )
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.parametrize("seed", range(3))
def test_rules_decide_in_the_database_as_in_the_engine(shop: Shop, seed: int) -> None:
    """Random trees on random customers: the same people, and their opposite is all others."""
    draw = random.Random(seed)  # noqa: S311
    customers = crowd(shop, draw)
    today = local_date(NOW, PARIS)
    sizes = set()
    for _ in range(150):
        limits = draw.choice([Limits(), Limits(2, 2, 5, 7)])
        setting = Setting(today, limits, PARIS, sold=shop.host.sold())
        rule = rule_tree(draw, today)
        expected = {pk for pk, each in customers.items() if matches(rule, each, setting)}
        opposite = found_by(Not(rule), setting)

        assert found_by(rule, setting) == expected, rule
        assert opposite == customers.keys() - expected, rule
        sizes.add(len(expected))
    assert len(sizes) > 20  # neither everybody nor nobody each time


@pytest.mark.parametrize("seed", range(3))
def test_the_stage_among_the_tags_is_that_of_the_engine(shop: Shop, seed: int) -> None:
    """Of every customer of a random crowd, and of two who bought nothing yet."""
    customers = crowd(shop, random.Random(seed))  # noqa: S311
    for kind in ("question", "follow"):
        account = shop.member(kind)
        record_event(account, kind, NOW)
        customers[account.pk] = as_customer(account)
    expected = {pk: f"stage:{stage_of(who.rollup, who.deeds)}" for pk, who in customers.items()}
    found = {pk: segments_and_tags_of(pk)[1] - {"dog", "cat"} for pk in customers}

    assert found == {pk: {stage} for pk, stage in expected.items()}
    assert len(set(expected.values())) == 5


# --- the command ----------------------------------------------------------------------------------


def test_the_command_does_the_nights_work(shop: Shop) -> None:
    """With other bands; it names what differed and the size of each segment."""
    ann = buyer(shop, "ann", "2026-03-20")
    rule = {"orders": {"from": 1}}
    segments.create_segment(shop.program, Draft("buyers", "Buyers", rule), now=NOW)
    out = StringIO()

    call_command("retention_customers", "--program", "club", "--bands", "1,2,4,8", stdout=out)

    assert out.getvalue().splitlines() == [
        "1 rollups written, 0 deleted, 1 scored anew.",
        (
            f"  account {ann.pk}: kept was nothing; its orders make 1 orders on 1 days from "
            "2026-03-20 to 2026-03-20, 1000 minor units"
        ),
        "buyers: 1 members, 1 came, 0 went",
    ]
    assert BandLimits.objects.get().at_risk == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--program", "none"), 'There is no program "none" with rules.'),
        (("--program", "club", "--bands", "1,2,3"), "--bands: 1,2,3 is not four whole numbers."),
        (
            ("--program", "club", "--bands", "1,2,4,4"),
            "sleeping must reach further back than active, and at_risk than sleeping.",
        ),
    ],
)
def test_the_command_says_what_is_wrong(
    shop: Shop, arguments: tuple[str, ...], message: str
) -> None:
    """And changes nothing."""
    with pytest.raises(CommandError) as caught:
        call_command("retention_customers", *arguments, stdout=StringIO())

    assert str(caught.value) == message
    assert not BandLimits.objects.exists()
    assert shop.program.pk
