"""Offers in the YAML file of programs: planned, applied, exported, retired, refused by line."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from saleor_retention.engine.offers.terms import BundleTerms, GiftTerms, Kind
from saleor_retention.host.contract import ChannelFacts
from saleor_retention.models import Offer, OfferVersion, Program
from saleor_retention.selectors.offers import terms_of
from tests.fakes import FakeHost, use
from tests.members import counts_of_rows

pytestmark = pytest.mark.django_db

FILE = """\
version: 1
programs:
  - program: {slug: club, name: The Club, channels: [main, outlet]}
    rules:
      time_zone: Europe/Paris
      earn: {rates: {USD: {points: 1, per: 1.00}}}
      point_value: {USD: 0.01}
    offers:
      - slug: tea-set
        name: Tea set
        offer:
          kind: bundle
          bundle:
            parts:
              - select: {products: [tea, "4711"]}
                quantity: 3
            price: {USD: 20.00}
          channels: [main]
          starts_at: 2030-12-01T00:00
      - slug: sample
        name: A sample
        active: false
        offer:
          kind: gift
          gift:
            variants: ["100"]
            opens: {from: {USD: 50.00}}
"""


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop with goods and two channels."""
    shop = use(monkeypatch)
    shop.shop_channels.append(ChannelFacts("2", "outlet", "Outlet", "USD"))
    shop.slugs = {"products": {"tea": "11", "4711": "12"}, "variants": {"100": "21"}}
    shop.put_price("21", 1000, product_ref="11")
    shop.put_price("22", 900, product_ref="12")
    return shop


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file above."""
    path = tmp_path / "programs.yaml"
    path.write_text(FILE)
    return path


def run(*arguments: str) -> str:
    """Return what the command prints."""
    out = io.StringIO()
    call_command("retention_program", *arguments, stdout=out)
    return out.getvalue()


def problems(path: Path, text: str) -> list[str]:
    """Return the lines of the refusal of a file, having seen that nothing was changed."""
    path.write_text(text)
    before = counts_of_rows()
    with pytest.raises(CommandError) as caught:
        run("apply", str(path))
    assert counts_of_rows() == before
    *lines, last = str(caught.value).splitlines()
    assert last == f"{len(lines)} problems; nothing was changed."
    return [line.removeprefix(f"{path}") for line in lines]


def test_apply_creates_offers_and_a_second_apply_has_nothing_to_do(file: Path) -> None:
    """Slugs, SKUs and channels become references; nothing is written twice."""
    assert "offers.tea-set is new" in run("apply", str(file))

    tea_set, sample = Offer.objects.order_by("-slug")
    terms = terms_of(tea_set.current_version_id)
    assert isinstance(terms.benefit, BundleTerms)
    assert terms.benefit.parts[0].selection.products == {"11", "12"}
    assert terms.channels == {"1"}
    gift = terms_of(sample.current_version_id).benefit
    assert isinstance(gift, GiftTerms)
    assert gift.choices == {"21"}
    assert (tea_set.is_active, sample.is_active) == (True, False)
    stamp = Program.objects.get().offers_stamp
    assert run("apply", str(file)) == 'Program "club": nothing to do.\nNothing to do.\n'
    assert OfferVersion.objects.count() == 2
    assert Program.objects.get().offers_stamp == stamp == 2


def test_plan_names_each_offer_and_value_that_would_change(file: Path) -> None:
    """A price, a switch, a new offer; nothing is written."""
    run("apply", str(file))
    text = FILE.replace("USD: 20.00", "USD: 18.50").replace("active: false", "active: true")
    third = """\
      - slug: ship
        name: Free shipping
        offer: {kind: free_shipping, free_shipping: {from: {USD: 50}}}
"""
    file.write_text(text + third)
    before = counts_of_rows()

    output = run("plan", str(file)).splitlines()

    free = "kind: free_shipping, free_shipping: {from: {USD: 50.00}}"
    ship = f"{{name: Free shipping, active: true, {free}}}"
    assert counts_of_rows() == before
    assert output == [
        'Program "club" would change:',
        "  offers.sample.active changes from false to true",
        "  offers.tea-set.bundle.price.USD changes from 20.00 to 18.50",
        f"  offers.ship is new: {ship}",
    ]


def test_a_limit_gets_a_period_of_its_own(file: Path) -> None:
    """One value that changes; saying that a limit is of all time changes nothing."""
    limited = "          channels: [main]\n          limits: {%s}\n"
    once = "per_customer: 1, in_total: 1000"

    def say(limits: str, command: str = "apply") -> str:
        file.write_text(FILE.replace("          channels: [main]\n", limited % limits))
        return run(command, str(file))

    say(f"{once}, period: month")
    planned = say(f"{once}, period: month, total_period: all_time", "plan").splitlines()
    say(f"{once}, period: month, total_period: all_time")
    exported = run("export", "-")
    say(once)
    again = say(f"{once}, period: all_time")

    assert planned[1:] == ["  offers.tea-set.limits.total_period is new: all_time"]
    assert "total_period: all_time" in exported
    assert again.endswith("Nothing to do.\n")


def test_export_round_trips(file: Path, tmp_path: Path) -> None:
    """What is exported names slugs again and changes nothing; another shop gets the same offers."""
    run("apply", str(file))
    exported = tmp_path / "exported.yaml"
    run("export", str(exported))

    text = exported.read_text()

    for words in ("slug: tea-set", "- tea\n", "- '4711'", "- '100'", "- main", "active: false"):
        assert words in text
    assert "starts_at: 2030-12-01T00:00+01:00" in text
    assert run("apply", str(exported)).endswith("Nothing to do.\n")


def test_offers_whose_goods_are_gone_can_still_be_applied(file: Path, shop: FakeHost) -> None:
    """They are exported by reference, and nothing changes."""
    run("apply", str(file))
    del shop.slugs["products"]["tea"]

    file.write_text(run("export"))

    assert "id:11" in file.read_text()
    assert run("apply", str(file)).endswith("Nothing to do.\n")


def test_offers_that_are_not_named_stay_unless_the_list_is_complete(file: Path) -> None:
    """A complete list retires the others, once."""
    run("apply", str(file))
    shorter = FILE.partition("      - slug: sample")[0]
    file.write_text(shorter)

    assert run("apply", str(file)).endswith("Nothing to do.\n")
    file.write_text(shorter + "    offers_complete: true\n")
    assert run("plan", str(file)) == 'Program "club" would change:\n  offers.sample is retired\n'
    run("apply", str(file))

    assert [offer.slug for offer in Offer.objects.filter(retired_at=None)] == ["tea-set"]
    assert run("apply", str(file)).endswith("Nothing to do.\n")
    assert "sample" not in run("export")


def test_an_offer_may_stand_above_the_one_that_it_refers_to(file: Path) -> None:
    """Whichever comes first in the file, and it is exported as it was written."""
    file.write_text(
        FILE
        + """\
      - slug: filler
        name: A filler
        offer:
          kind: add_on
          add_on:
            select: {products: [tea]}
            percent: 10
            opens: {below_offer: ship}
      - slug: ship
        name: Free delivery
        offer: {kind: free_shipping, free_shipping: {from: {USD: 50.00}}}
"""
    )

    run("apply", str(file))
    document = Offer.objects.get(slug="filler").current_version.document

    assert document["add_on"]["opens"] == {"below_offer": "ship"}
    assert "below_offer: ship" in run("export")


def test_what_is_odd_about_an_offer_is_shown(file: Path) -> None:
    """A warning of the plan, by the offer's slug."""
    file.write_text(FILE.replace("USD: 20.00", "USD: 29.00"))

    output = run("plan", str(file))

    assert (
        "  warning: tea-set: bundle.price.USD takes nothing off the cheapest of the goods, which "
        "cost 27.00 USD." in output.splitlines()
    )


def test_every_problem_is_named_with_its_line(file: Path) -> None:
    """Names of goods and channels first; then what the documents say; then the form of an entry."""
    unknown = (
        FILE.replace("[tea,", "[coffee,")
        .replace("[main]\n", "[moon]\n")
        .replace('["100"]', '["999"]')
    )
    first, second = "programs.0.offers.0.offer.", "programs.0.offers.1.offer."
    none_of = "names none of the"
    assert problems(file, unknown) == [
        f':18: {first}channels.0 {none_of} channels of the shop: "moon".',
        f':15: {first}bundle.parts.0.select.products.0 {none_of} products of the shop: "coffee".',
        f':26: {second}gift.variants.0 {none_of} variants of the shop: "999".',
    ]
    wrong = FILE.replace("quantity: 3", "quantity: 0").replace("kind: gift", "kind: gifd")
    kinds = ", ".join(Kind)
    assert problems(file, wrong) == [
        ":16: tea-set: bundle.parts.0.quantity must be at least 1; it is 0.",
        f":24: sample: kind must be one of {kinds}; it is 'gifd'; did you mean gift?",
    ]
    form = FILE.replace("slug: sample", "slug: tea-set\n        color: red").replace(
        "        name: Tea set\n", ""
    )
    assert problems(file, form) == [
        ":9: programs.0.offers.0.name is required: what people read.",
        ":20: programs.0.offers.1.color is not a known key of programs.0.offers.1.",
        ":19: programs.0.offers.1.slug is taken: tea-set stands above.",
    ]


@pytest.mark.parametrize(
    "offers", ["5", "[5]", "[{offer: 5}]", "[{offer: {gift: {variants: [[]]}}}]"]
)
def test_any_shape_is_refused_and_none_is_a_fault(file: Path, offers: str) -> None:
    """Whatever stands there."""
    text = FILE.partition("    offers:")[0] + f"    offers: {offers}\n"

    assert problems(file, text)


def test_templates_are_printed_as_offers(file: Path) -> None:
    """With goods put in and in the shop's currencies they can be applied."""
    text = run("templates")
    for placeholder, slug in (("your-product", "tea"), ("your-other-product", "'4711'")):
        text = text.replace(f"- {placeholder}\n", f"- {slug}\n")
    text = text.replace("- YOUR-SKU-1\n", "- '100'\n").replace("- YOUR-SKU-2\n", "- 'id:22'\n")
    indented = "".join(f"    {line}\n" for line in text.splitlines() if not line.startswith("#"))
    file.write_text(FILE.partition("    offers:")[0] + indented)

    run("apply", str(file))

    assert Offer.objects.count() == 14
    assert not Offer.objects.filter(is_active=True).exists()


def test_the_example_in_the_documents_works(file: Path, shop: FakeHost) -> None:
    """What a reader copies can be applied; its one warning is of a price for a whole category."""
    text = (Path(__file__).parents[2] / "docs" / "reference" / "offers.md").read_text()
    file.write_text(text.partition("```yaml\n")[2].partition("```")[0])
    shop.shop_channels = [ChannelFacts("3", "default-channel", "Default", "EUR")]
    shop.slugs["categories"] = {"tea": "41"}

    said = run("apply", str(file))

    (warning,) = [line.strip() for line in said.splitlines() if "warning" in line]
    assert warning == (
        "warning: three-teas: bundle.price is not compared with what the goods cost: "
        "nothing comes off those that cost less."
    )
    assert Offer.objects.filter(is_active=True).count() == 3
