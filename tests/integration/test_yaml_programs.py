"""Programs as a YAML file: planned, applied twice, exported and read back, refused by line."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from saleor_retention.host.contract import ChannelFacts
from saleor_retention.models import OrderRecord, Program, ProgramVersion
from saleor_retention.selectors.programs import active_program, rules_of
from saleor_retention.services.setting_up import programs
from tests.fakes import FakeHost, at, use
from tests.members import counts_of_rows, make_member

pytestmark = pytest.mark.django_db

FILE = """\
version: 1
programs:
  - program:
      slug: club
      name: The Club
      channels: [main]
    rules:
      time_zone: Europe/Paris
      earn:
        rates:
          USD: {points: 1, per: 1.00}
      point_value: {USD: 0.01}
      reference: {currency: USD}
      multipliers:
        - name: Member day
          factor: 2
          weekdays: [tue]
          starts_on: 2026-01-01
          select: {products: [tea, "4711"], variants: [100]}
      tiers:
        window: calendar_year
        ladder:
          - {slug: regular, name: Regular, threshold: 0}
          - slug: vip
            name: VIP
            threshold: 500.00
            prices:
              - percent: 5
                select: {collections: [summer]}
"""


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop with goods and two channels."""
    shop = use(monkeypatch)
    shop.shop_channels.append(ChannelFacts("2", "outlet", "Outlet", "USD"))
    shop.slugs = {
        "products": {"tea": "11", "4711": "12"},
        "variants": {"100": "21"},
        "collections": {"summer": "31"},
    }
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


def change(path: Path, *replacements: tuple[str, str]) -> None:
    """Edit the file."""
    text = path.read_text()
    for old, new in replacements:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path.write_text(text)


def test_plan_says_what_would_be_created_and_creates_nothing(file: Path) -> None:
    """A new program is described in sentences."""
    before = counts_of_rows()

    output = run("plan", str(file))

    assert counts_of_rows() == before
    first, *sentences = output.splitlines()
    assert first == 'Program "club" would be created:'
    assert any("VIP" in sentence for sentence in sentences)
    assert not Program.objects.exists()


def test_apply_creates_and_a_second_apply_has_nothing_to_do(file: Path) -> None:
    """Slugs become references, numbers are exact, nothing is written twice."""
    assert run("apply", str(file)).startswith('Program "club" is created:')

    program = Program.objects.get()
    rules = rules_of(program.current_version_id)
    assert (program.name, active_program("1")) == ("The Club", program)
    assert rules.multipliers[0].selection.products == {"11", "12"}
    assert rules.multipliers[0].selection.variants == {"21"}
    assert rules.ladder.tiers[1].prices[0].selection.collections == {"31"}
    assert (rules.ladder.tiers[1].threshold, rules.point_values["USD"]) == (50000, 1)
    assert run("apply", str(file)) == 'Program "club": nothing to do.\nNothing to do.\n'
    assert run("plan", str(file)) == 'Program "club": nothing to do.\nNothing to do.\n'
    assert ProgramVersion.objects.count() == 1


def test_export_round_trips(file: Path, tmp_path: Path) -> None:
    """What is exported names slugs again; applied, it changes nothing; exported, it is equal."""
    run("apply", str(file))
    exported = tmp_path / "exported.yaml"

    assert run("export", str(exported)) == f"Written to {exported}.\n"

    text = exported.read_text()
    assert run("export") == text
    for word in ("tea", "'4711'", "'100'", "summer", "main"):
        assert f"- {word}\n" in text
    assert run("apply", str(exported)).endswith("Nothing to do.\n")
    Program.objects.update(slug="old", is_active=False)
    programs.retire(program=Program.objects.get())
    run("apply", str(exported))
    assert run("export") == text


def test_goods_that_are_gone_are_exported_by_reference(file: Path, shop: FakeHost) -> None:
    """The file can still be applied: nothing changes for a product that was deleted."""
    run("apply", str(file))
    del shop.slugs["products"]["tea"]

    text = run("export")

    assert "id:11" in text
    file.write_text(text)
    assert run("apply", str(file)).endswith("Nothing to do.\n")


def test_plan_says_in_words_what_changes_and_who_would_move(file: Path, shop: FakeHost) -> None:
    """Sentences before and after, each value, and the members who would climb."""
    run("apply", str(file))
    program = Program.objects.get()
    account = make_member(shop, program, tier="regular")
    OrderRecord.objects.create(
        order_ref="1",
        program=program,
        account=account,
        version=program.current_version,
        channel_ref="1",
        currency="USD",
        created_at=at("2026-03-01"),
        paid_at=_this_year(),
        spend_minor=30000,
        is_counted=True,
    )
    change(file, ("threshold: 500.00", "threshold: 250.00"), ("USD: 0.01", "USD: 0.02"))
    before = counts_of_rows()

    output = run("plan", str(file)).splitlines()

    assert counts_of_rows() == before
    assert output[0] == 'Program "club" would change:'
    assert "  point_value.USD changes from 0.01 to 0.02" in output
    assert "  tiers.ladder.vip.threshold changes from 500.00 to 250.00" in output
    assert any(line.startswith("  - ") and "500.00" in line for line in output)
    assert any(line.startswith("  + ") and "250.00" in line for line in output)
    move = f"  1 member would move from regular to vip ({account.member_number})"
    assert output[-1] == move
    run("apply", str(file))
    account.refresh_from_db()
    assert account.tier == "vip"


def test_the_example_in_the_documents_works(file: Path, shop: FakeHost) -> None:
    """What a reader copies can be applied."""
    text = (Path(__file__).parents[2] / "docs" / "reference" / "commands.md").read_text()
    file.write_text(text.partition("```yaml\n")[2].partition("```")[0])
    shop.shop_channels = [ChannelFacts("3", "default-channel", "Default", "EUR")]
    shop.slugs["categories"] = {"tea": "41"}

    run("apply", str(file))

    program = active_program("3")
    assert program is not None
    rules = rules_of(program.current_version_id)
    assert rules.multipliers[0].selection.categories == {"41"}
    assert [tier.threshold for tier in rules.ladder.tiers] == [0, 50000]


def test_an_unknown_key_is_refused_with_its_line(file: Path) -> None:
    """Path, line and the nearest known key."""
    text = FILE.replace("      point_value:", "      wellcome_points: 5\n      point_value:")

    found = problems(file, text)

    message = "wellcome_points is not a known key of the rules document; "
    assert found == [f":12: club: {message}did you mean welcome_points?"]


def test_every_problem_of_the_file_is_named(file: Path) -> None:
    """Unknown keys on every level, unknown slugs and channels, a wrong version, all at once."""
    text = (
        FILE.replace("version: 1", "version: 2\nprogramms: []")
        .replace("channels: [main]", "channels: [main, moon]\n      colour: red")
        .replace("products: [tea,", "products: [coffee,")
    )

    found = problems(file, text)

    assert found == [
        ":2: programms is not a known key; did you mean programs?",
        ":1: version must be 1, the format of this file.",
        ':7: programs.0.program.channels.1 names no channel: "moon". There are: main, outlet.',
        ':21: programs.0.rules.multipliers.0.select.products.0 names no product: "coffee".',
        ":8: programs.0.program.colour is not a known key of programs.0.program.",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", ": The file is empty."),
        ("a: [1", ": line 1: this is no YAML: expected ',' or ']', but got '<stream end>'."),
        ("version: 1\nversion: 1\nprograms: []", ": line 2: the key version stands there twice."),
        ("[]", ": The file must be a mapping with the keys version and programs."),
        ("a: &a [*a]", ": The file is nested or repeated too much."),
        ("!!python/object:os.system {}", ":1: version must be 1, the format of this file."),
    ],
)
def test_what_is_no_such_file_is_refused(file: Path, text: str, problem: str) -> None:
    """Nothing, broken, repeated keys, endless, dangerous."""
    assert problems(file, text)[0] == problem


def test_a_file_is_applied_whole_or_not_at_all(file: Path) -> None:
    """The second program is refused, so the first is not created either."""
    second = FILE.split("programs:\n")[1].replace("slug: club", "slug: other")
    text = FILE + second.replace("per: 1.00", "per: 0")

    found = problems(file, text)

    assert [line.split(":")[2].strip() for line in found] == ["other", "other"]
    assert not Program.objects.exists()


def test_programs_may_swap_channels_in_one_file(file: Path) -> None:
    """What the file says in the end is consistent, whatever stands first."""
    entry = FILE.split("programs:\n")[1]
    other = entry.replace("slug: club", "slug: other").replace("[main]", "[outlet]")
    file.write_text(FILE + other)
    run("apply", str(file))
    swapped = FILE.replace("[main]", "[outlet]") + other.replace("[outlet]", "[main]")
    file.write_text(swapped)

    output = run("apply", str(file))

    assert "  channels changes from main to outlet" in output
    assert active_program("1") == Program.objects.get(slug="other")
    assert active_program("2") == Program.objects.get(slug="club")


def test_a_channel_of_a_program_outside_the_file_is_refused(file: Path) -> None:
    """The refusal names the other program; programs that are not in the file stay."""
    run("apply", str(file))

    found = problems(file, FILE.replace("slug: club", "slug: other"))

    message = 'other: Channel "main" has the active program "club" already; '
    assert found == [f":6: {message}a channel has at most one."]


def test_two_programs_of_one_slug_are_refused(file: Path) -> None:
    """Which of the two would count is nothing to guess."""
    entry = FILE.split("programs:\n")[1].replace("[main]", "[outlet]")

    found = problems(file, FILE + entry)

    assert found == [":31: programs.1.program.slug is taken: club stands above."]


def test_exporting_an_unknown_program_is_refused(tmp_path: Path) -> None:
    """No file is written."""
    target = tmp_path / "out.yaml"

    with pytest.raises(CommandError, match='There is no program "moon"'):
        run("export", str(target), "--program", "moon")

    assert not target.exists()


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The sentence names the file."""
    with pytest.raises(CommandError, match=r"gone\.yaml cannot be read"):
        run("plan", str(tmp_path / "gone.yaml"))


def _this_year() -> Any:
    from django.utils import timezone

    return timezone.now()
