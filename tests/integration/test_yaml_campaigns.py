"""All that belongs to a program in its YAML file: bands, segments, coupon plans and campaigns."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from saleor_retention.engine.segments.bands import Limits
from saleor_retention.host.contract import ChannelFacts
from saleor_retention.models import (
    AuditAction,
    AuditEntry,
    Campaign,
    CampaignState,
    CampaignVersion,
    CouponPlan,
    OfferVersion,
    Program,
    ProgramVersion,
    Segment,
)
from saleor_retention.selectors.segments import limits_of
from saleor_retention.services.campaigning import campaigns
from saleor_retention.services.membership import segments
from tests.fakes import FakeHost, use
from tests.members import counts_of_rows, make_member

pytestmark = pytest.mark.django_db

NOTHING = 'Program "club": nothing to do.\nNothing to do.\n'
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "program-file.md"
FILE = PAGE.read_text().partition("```yaml\n")[2].partition("```")[0]


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch, settings: Any) -> FakeHost:
    """A shop as the documents have it, which can send mail."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.RETENTION_PUBLIC_URL = "https://api.example.com/"
    shop = use(monkeypatch)
    shop.shop_channels = [ChannelFacts("3", "default-channel", "Default", "EUR")]
    shop.slugs = {"categories": {"tea": "41"}, "variants": {"100": "21"}}
    shop.put_price("21", 1000, channel_ref="3", product_ref="11")
    return shop


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The example of the documents."""
    path = tmp_path / "programs.yaml"
    path.write_text(FILE)
    return path


def run(*arguments: str) -> str:
    """Return what the command prints."""
    out = io.StringIO()
    call_command("retention_program", *arguments, stdout=out)
    return out.getvalue()


def applied(path: Path, *replacements: tuple[str, str]) -> list[str]:
    """Edit the file and apply it; return the lines after the first."""
    change(path, *replacements)
    return [line.strip() for line in run("apply", str(path)).splitlines()[1:]]


def change(path: Path, *replacements: tuple[str, str]) -> None:
    """Edit the file."""
    text = path.read_text()
    for old, new in replacements:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path.write_text(text)


def problems(path: Path, *replacements: tuple[str, str]) -> list[str]:
    """Return the lines of the refusal of a file, having seen that nothing was changed."""
    change(path, *replacements)
    before = counts_of_rows()
    with pytest.raises(CommandError) as caught:
        run("apply", str(path))
    assert counts_of_rows() == before
    *lines, last = str(caught.value).splitlines()
    assert last == f"{len(lines)} problems; nothing was changed."
    return [line.removeprefix(f"{path}") for line in lines]


def versions() -> tuple[int, int, int]:
    """Return how many versions there are of programs, offers and campaigns."""
    kinds = (ProgramVersion, OfferVersion, CampaignVersion)
    return tuple(kind.objects.count() for kind in kinds)  # type: ignore[return-value]


def test_apply_creates_everything_and_a_second_apply_has_nothing_to_do(file: Path) -> None:
    """Amounts are stored in minor units; campaigns are drafts."""
    run("apply", str(file))

    friends, sleeping = Segment.objects.order_by("slug")
    assert (friends.document, sleeping.tag, sleeping.follow_up_days) == (None, "wake-up", 3)
    assert sleeping.document == {
        "all": [
            {"band": ["at_risk", "sleeping"]},
            {"orders": {"from": 3}},
            {"spend": {"from": "100.00"}},
            {"not": {"segment": ["friends"]}},
        ]
    }
    second, sorry = CouponPlan.objects.order_by("slug")
    assert sorry.terms == {
        "name": "Five euros off",
        "uses": 1,
        "amounts": {"EUR": 500},
        "minimums": {"EUR": 2000},
    }
    assert (sorry.cap, sorry.per_day, sorry.per_day_groups) == (1000, 5, {"Store leads": 20})
    assert (second.trigger, second.remind_days, second.valid_for_days) == ("next_order", 7, 60)
    birthday, wake_up = Campaign.objects.order_by("slug")
    assert {birthday.state, wake_up.state} == {CampaignState.DRAFT}
    terms = campaigns.document_of(wake_up)["benefit"]["coupon"]["terms"]
    assert terms == {"name": "Come back", "amounts": {"EUR": 500}}
    assert versions() == (1, 1, 2)

    rows = counts_of_rows()
    assert run("apply", str(file)) == NOTHING
    assert run("plan", str(file)) == NOTHING
    assert counts_of_rows() == rows


def test_plan_tells_of_everything_and_changes_nothing(file: Path) -> None:
    """One line for each thing that is new."""
    before = counts_of_rows()

    lines = [line.strip() for line in run("plan", str(file)).splitlines()]

    assert counts_of_rows() == before
    assert "segments.friends is new: {name: Friends of the house, active: true}" in lines
    assert lines[-2:] == [
        "campaigns.birthday is new, a draft: Birthday",
        "campaigns.wake-up is new, a draft: Wake up",
    ]


def test_export_round_trips(file: Path, tmp_path: Path) -> None:
    """What is exported holds all sections; applied, it changes nothing; so in another program."""
    run("apply", str(file))
    exported = tmp_path / "exported.yaml"
    run("export", str(exported))
    text = exported.read_text()

    for words in (
        "recency_bands:\n    best: 1\n    active: 3\n    sleeping: 6\n    at_risk: 12\n",
        "EUR: '5.00'",
        "EUR: '20.00'",
        "send_at: '10:00'",
        "text: |\n              Dear {{ first_name }},\n\n",
        "slug: second-order",
    ):
        assert words in text
    rows = counts_of_rows()
    assert run("apply", str(exported)) == NOTHING
    assert counts_of_rows() == rows

    change(
        exported,
        ("slug: club", "slug: other"),
        ("active: true\n  rules", "active: false\n  rules"),
    )
    run("apply", str(exported))

    other = run("export", "--program", "other")
    assert other == exported.read_text()


def test_what_differs_is_changed_value_by_value(file: Path) -> None:
    """Bands, a rule, a plan and a campaign; texts are named and not told."""
    run("apply", str(file))
    band, rest = "{band: at_risk, sleeping}", "{spend: {from: 100.00}}, {not: {segment: friends}}"
    was, now = (f"{band}, {{orders: {{from: {count}}}}}, {rest}" for count in (3, 2))

    lines = applied(
        file,
        ("active: 3,", "active: 4,"),
        ("orders: {from: 3}", "orders: {from: 2}"),
        ("cap: 1000", "cap: 2000"),
        ("{EUR: 20.00}", "{EUR: 25.00}"),
        ("days_before: 7", "days_before: 10"),
        ("your tea is", "your pot of tea is"),
        ("name: Wake up\n", "name: Wake them up\n"),
    )

    assert lines == [
        "recency_bands.active changes from 3 to 4",
        f"segments.sleeping-regulars.rule.all changes from {was} to {now}",
        "coupon_plans.sorry.terms.minimums.EUR changes from 20.00 to 25.00",
        "coupon_plans.sorry.cap changes from 1000 to 2000",
        "campaigns.birthday.trigger.days_before changes from 7 to 10",
        "campaigns.birthday.message.texts.en.text is other",
        "campaigns.wake-up.name changes from Wake up to Wake them up",
    ]
    assert limits_of(Program.objects.get()) == Limits(1, 4, 6, 12)
    assert versions() == (1, 1, 3)
    told = AuditEntry.objects.filter(action=AuditAction.PROGRAM_UPDATE).values_list("changes")
    assert list(told) == [(["recency_bands.active changes from 3 to 4"],)]


def test_what_is_not_named_stays_unless_a_list_is_complete(file: Path) -> None:
    """Segments are retired, plans switched off; campaigns and bands always stay."""
    run("apply", str(file))
    head = FILE.partition("    segments:")[0].replace("best: 1, active: 3", "best: 2, active: 4")
    file.write_text(head.partition("    recency_bands")[0])
    assert run("apply", str(file)) == NOTHING

    file.write_text(head + "    segments_complete: true\n    coupon_plans_complete: true\n")
    lines = applied(file)

    assert lines == [
        "recency_bands.best changes from 1 to 2",
        "recency_bands.active changes from 3 to 4",
        "segments.friends is retired",
        "segments.sleeping-regulars is retired",
        "coupon_plans.second-order.active changes from true to false",
        "coupon_plans.sorry.active changes from true to false",
    ]
    assert not Segment.objects.filter(retired_at=None).exists()
    assert Campaign.objects.count() == 2
    assert run("apply", str(file)) == NOTHING


def test_who_is_on_a_list_is_the_shops_and_not_the_files(file: Path, shop: FakeHost) -> None:
    """Another name leaves its members; a list does not become a rule."""
    run("apply", str(file))
    friends = Segment.objects.get(slug="friends")
    ann = make_member(shop, Program.objects.get())
    segments.change_list(friends, add=[ann.pk])

    lines = applied(file, ("name: Friends of the house", "name: Friends"))

    assert lines == ["segments.friends.name changes from Friends of the house to Friends"]
    assert [row.account_id for row in friends.members.all()] == [ann.pk]
    assert problems(
        file, ("name: Friends\n", "name: Friends\n        rule: {orders: {from: 1}}\n")
    ) == [":23: friends: A segment stays what it is: one of a rule, or an explicit list."]


def test_another_plan_takes_the_place_of_a_first_orders(file: Path) -> None:
    """In one file, whatever their order in it."""
    run("apply", str(file))
    third = """\
      - slug: a-new-one
        trigger: next_order
        terms: {name: Free shipping, percent: 100, shipping: true}
        valid_for_days: 30
"""

    change(
        file,
        ("        remind_days: 7\n", "        remind_days: 7\n        active: false\n" + third),
    )
    run("apply", str(file))

    active = CouponPlan.objects.filter(trigger="next_order", is_active=True)
    assert [plan.slug for plan in active] == ["a-new-one"]


def test_a_running_campaign_gets_a_version_and_an_ended_one_is_refused(file: Path) -> None:
    """A file starts and ends nothing; an ended one that says the same is left alone."""
    run("apply", str(file))
    birthday, wake_up = Campaign.objects.order_by("slug")
    campaigns.start_campaign(birthday)
    campaigns.end_campaign(wake_up)
    assert run("apply", str(file)) == NOTHING
    assert "slug: wake-up\n" not in run("export")

    applied(file, ("days_before: 7", "days_before: 9"))
    birthday.refresh_from_db()
    assert (birthday.state, birthday.current_version.number) == (CampaignState.RUNNING, 2)

    assert problems(file, ("holdout_per_mille: 100", "holdout_per_mille: 200")) == [
        ":63: wake-up: This campaign has ended."
    ]


def test_variants_of_a_campaign_are_skus(file: Path) -> None:
    """They become references and SKUs again; ``on`` is a key and not true."""
    extra = """\
      - slug: run-out
        name: Refill
        campaign: {trigger: {kind: run_out, variants: ["100"]}, benefit: {points: 5}}
      - slug: once
        name: Once
        campaign: {trigger: {kind: once, on: 2030-12-01}, benefit: {points: 5}}
"""
    file.write_text(FILE + extra)
    run("apply", str(file))

    once, run_out = Campaign.objects.filter(slug__in=("run-out", "once")).order_by("slug")
    assert campaigns.document_of(run_out)["trigger"]["variants"] == ["21"]
    assert campaigns.document_of(once)["trigger"] == {"kind": "once", "on": "2030-12-01"}
    file.write_text(run("export"))
    assert "- '100'" in file.read_text()
    assert run("apply", str(file)) == NOTHING
    assert problems(file, ("- '100'", "- '999'"))[0].endswith(
        'names none of the variants of the shop: "999".'
    )


def test_every_problem_of_the_form_is_named_with_its_line(file: Path) -> None:
    """Keys, amounts, bands, doubles, what is missing."""
    found = problems(
        file,
        ("best: 1,", "best: 4,"),
        ("name: Friends of the house", "colour: red"),
        ("amounts: {EUR: 5.00}, minimums", "amounts: {EUR: 5.005}, minimums"),
        ("slug: second-order", "slug: sorry"),
        ("percent: 10}", "percent: 101}"),
        ("slug: wake-up\n        name", "slug: Wake Up\n        name"),
    )

    at = "programs.0."
    slug = "must be lower-case letters, digits and hyphens; it is 'Wake Up'."
    assert found == [
        f":12: {at}recency_bands must rise: best must not reach further back than active.",
        f":21: {at}segments.0.name is required: what staff read.",
        f":22: {at}segments.0.colour is not a known key of {at}segments.0.",
        f":37: {at}coupon_plans.0.terms.amounts.EUR may have 2 decimals at most; it is 5.005.",
        f":44: {at}coupon_plans.1.terms: percent is above 0 and at most 100.",
        f":42: {at}coupon_plans.1.slug is taken: sorry stands above.",
        f":63: {at}campaigns.1.slug {slug}",
    ]


def test_every_problem_of_what_is_said_is_named_with_its_line(file: Path) -> None:
    """Segments and plans together; campaigns once the rest is right, templates by their line."""
    found = problems(
        file,
        ("band: [sleeping, at_risk]", "band: [sleepy]"),
        ("remind_days: 7", "remind_days: 70"),
        ("segment: sleeping-regulars", "segment: sleepers"),
    )
    assert [line.partition(":")[2].partition(" ")[0] for line in found] == ["29:", "46:"]
    assert (
        found[1] == ":46: second-order: A reminder comes before the end, and not before the coupon."
    )

    file.write_text(FILE)
    found = problems(
        file,
        ("segment: sleeping-regulars", "segment: sleepers"),
        ("your tea is", "your {{ tea"),
        ("slug: birthday-tea, valid", "slug: no-tea, valid"),
    )
    brace = "a brace is opened and not closed on this line."
    near = "did you mean sleeping-regulars?"
    assert found == [
        f":58: birthday: message.texts.en.text, line 3: {brace}",
        ':52: birthday: This program has no offer "no-tea".',
        f":66: wake-up: trigger.segment names 'sleepers', which is not there; {near}",
    ]


def test_goods_of_a_segment_are_named_as_in_offers(file: Path) -> None:
    """By slug and SKU in the file, by reference where it is stored; written as they were read."""
    bought = "{bought: {select: {categories: [tea], variants: ['100', 'id:77']}, days: 90}}"
    house = "name: Friends of the house\n"
    change(file, (house, f"{house}        rule: {{any: [{bought}]}}\n"))
    change(file, ("            - not: {segment: [friends]}\n", ""))
    with pytest.raises(CommandError, match="does not have: 77"):
        run("apply", str(file))
    assert not Segment.objects.exists()
    change(file, ("'id:77'", "'200'"))
    (problem,) = problems(file)
    assert "rule.any.0.bought.select.variants.1" in problem
    assert problem.endswith('names none of the variants of the shop: "200".')

    applied(file, (", '200'", ""))

    stored = {"select": {"variants": ["21"], "categories": ["41"]}, "days": 90}
    assert Segment.objects.get(slug="friends").document == {"any": [{"bought": stored}]}
    assert run("apply", str(file)) == NOTHING
    written = yaml.safe_load(run("export", "--program", "club"))
    (friends,) = [each for each in written["programs"][0]["segments"] if each["slug"] == "friends"]
    named_again = {"select": {"variants": ["100"], "categories": ["tea"]}, "days": 90}
    assert friends["rule"] == {"any": [{"bought": named_again}]}


@pytest.mark.parametrize("section", ["recency_bands", "segments", "coupon_plans", "campaigns"])
@pytest.mark.parametrize(
    "content",
    [
        "5",
        "[5]",
        "[{slug: a, name: b, rule: 5, terms: 5, campaign: 5}]",
        "[{slug: a, name: b, terms: {amounts: {1: [], [a]: 2}}, trigger: goodwill, rule: []}]",
        "[{slug: a, name: b, campaign: {trigger: {variants: [[]]}, benefit: {coupon: 5}}}]",
    ],
)
def test_any_shape_is_refused_and_none_is_a_fault(file: Path, section: str, content: str) -> None:
    """Whatever stands there."""
    file.write_text(FILE.partition("    recency_bands:")[0] + f"    {section}: {content}\n")

    assert problems(file)
