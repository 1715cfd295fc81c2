"""The plugin's configuration page: a first program, its basics, and one validation for all ways."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from saleor_retention import conf, config_page
from saleor_retention.errors import Refusals
from saleor_retention.host.contract import ChannelFacts
from saleor_retention.models import Program, ProgramVersion
from saleor_retention.plugin import RetentionPlugin
from saleor_retention.selectors.programs import active_program, rules_of
from saleor_retention.services.setting_up import programs
from tests.fakes import FakeHost, use
from tests.members import LADDER, RULES, counts_of_rows, make_program

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop in memory."""
    return use(monkeypatch)


def save(**fields: Any) -> Program | None:
    """Save the page with these fields."""
    return config_page.apply([{"name": name, "value": value} for name, value in fields.items()])


def refused(**fields: Any) -> list[tuple[str | None, str]]:
    """Return what the page is refused for, having seen that nothing was changed."""
    before = counts_of_rows()
    with pytest.raises(Refusals) as caught:
        save(**fields)
    assert counts_of_rows() == before
    return [(refusal.field, refusal.message) for refusal in caught.value.refusals]


def test_saving_the_page_untouched_does_nothing() -> None:
    """A merchant who only looks makes no program."""
    before = counts_of_rows()

    assert config_page.apply(config_page.DEFAULTS) is None

    assert counts_of_rows() == before


def test_the_first_program_comes_from_the_page(shop: FakeHost) -> None:
    """In every channel, with the same number for every currency."""
    shop.shop_channels.append(ChannelFacts("2", "japan", "Japan", "JPY"))

    save(points_per_unit="1", point_value="USD 0.01, JPY 1", welcome_points="100")

    program = Program.objects.get()
    rules = rules_of(program.current_version_id)
    assert (active_program("1"), active_program("2")) == (program, program)
    assert (rules.earn_rates["USD"].per_minor, rules.earn_rates["JPY"].per_minor) == (100, 1)
    assert (rules.point_values["USD"], rules.point_values["JPY"]) == (1, 1)
    assert config_page.present() == {
        "points_per_unit": "1",
        "point_value": "JPY 1, USD 0.01",
        "welcome_points": "100",
        "redemption": True,
        "minimum_points": "1",
    }


def test_the_page_changes_what_differs_and_leaves_the_rest() -> None:
    """Tiers stay; the rate that was set in other words is not rewritten; twice makes no version."""
    ten = {"earn": {"rates": {"USD": {"points": 10, "per": "10.00"}}}}
    program = make_program(**ten, tiers=LADDER, reference={"currency": "USD"})
    assert config_page.present()["points_per_unit"] == "1"
    fields = {"points_per_unit": "1", "redemption": "false", "minimum_points": "50"}

    save(**fields)
    save(**fields)

    program.refresh_from_db()
    rules = rules_of(program.current_version_id)
    assert ProgramVersion.objects.count() == 2
    assert rules.earn_rates["USD"].per_minor == 1000
    assert (rules.redemption.is_enabled, rules.redemption.minimum_points) == (False, 50)
    assert len(rules.ladder.tiers) == 2


def test_the_page_has_the_same_validation() -> None:
    """Problems come back under the page's own names."""
    make_program()

    assert refused(welcome_points="-5") == [
        ("welcome_points", "welcome_points must not be negative; it is -5.")
    ]
    assert refused(points_per_unit="USD one, 2%") == [
        (
            "points_per_unit",
            f'Points for each unit of money: "{part}" is neither a number nor like USD 1.',
        )
        for part in ("USD one", "2%")
    ]
    ((field, message),) = refused(point_value="0.0000000000001")
    assert field == "point_value"
    assert "decimals at most" in message


def test_several_programs_are_not_for_the_page(shop: FakeHost) -> None:
    """It does not guess which one is meant."""
    shop.shop_channels.append(ChannelFacts("2", "outlet", "Outlet", "USD"))
    make_program()
    programs.create_program(slug="other", name="Other", channels=["2"], document=RULES)

    message = "There are several programs; change them by GraphQL or retention_program."
    assert refused(welcome_points="5") == [("welcome_points", message)]


def test_a_rate_without_end_is_shown_as_the_fraction_it_is() -> None:
    """One point for 3.00."""
    make_program(earn={"rates": {"USD": {"points": 1, "per": "3.00"}}})

    assert config_page.present()["points_per_unit"] == "1/3"


def test_saleor_saves_the_page_through_the_plugin(shop: FakeHost) -> None:
    """The genuine plugin class: written to the program, refused as a form is."""
    from saleor.plugins.models import PluginConfiguration

    assert shop.shop_channels
    row = PluginConfiguration(
        identifier=conf.PLUGIN_ID, name="Retention", active=True, configuration=[]
    )
    given = [{"name": "points_per_unit", "value": "2"}, {"name": "point_value", "value": "0.01"}]
    RetentionPlugin.save_plugin_configuration(row, {"configuration": given})

    assert rules_of(Program.objects.get().current_version_id).earn_rates["USD"].points == 2
    with pytest.raises(ValidationError) as caught:
        RetentionPlugin.save_plugin_configuration(
            row, {"configuration": [{"name": "welcome_points", "value": "many"}]}
        )
    assert list(caught.value.message_dict) == ["welcome_points"]
