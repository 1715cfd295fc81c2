"""Whether another plugin prices goods in a way that ours cannot work beside.

2.10.1 hands a price from plugin to plugin in the order of ``settings.PLUGINS``. Its tax plugins
start afresh from list prices, so ours must come after them. Avatax does not even ask for the price
of lines when it computes the total. Beside either, lines would say one thing and the total another,
so we price nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.utils.module_loading import import_string
from saleor.plugins.base_plugin import BasePlugin
from saleor.plugins.models import PluginConfiguration

from saleor_retention import conf

OURS = "saleor_retention.plugin.RetentionPlugin"
AVATAX = "mirumee.taxes.avalara"
PRICE_HOOKS = (
    "calculate_checkout_line_total",
    "calculate_checkout_subtotal",
    "calculate_checkout_shipping",
    "calculate_checkout_total",
)


@dataclass(frozen=True, slots=True)
class PriceStatus:
    """Whether prices pass through us as the settings are; any problem: we price nothing."""

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def status() -> PriceStatus:
    """Return what can be said without asking the database."""
    if conf.PLUGIN_ID not in [plugin.PLUGIN_ID for plugin in _listed()]:
        return PriceStatus((f"{OURS} must stand last in the PLUGINS setting; it is not there.",))
    later = price_plugins_after_ours()
    if not later:
        return PriceStatus()
    problem = (
        f"{', '.join(later)} must stand before the retention plugin in the PLUGINS setting: "
        "a price plugin that comes later overwrites member prices."
    )
    return PriceStatus((problem,))


def refusal() -> str | None:
    """Return why line discounts cannot be given in this shop as it is configured, or None."""
    problems = status().problems
    if problems:
        return problems[0]
    if PluginConfiguration.objects.filter(identifier=AVATAX, active=True).exists():
        return "Avatax is active; on Saleor 2.10 it computes totals that leave member prices out."
    return None


@lru_cache(maxsize=1)
def price_plugins_after_ours() -> tuple[str, ...]:
    """Return the plugins that are listed after ours and override a price hook."""
    listed = _listed()
    ids = [plugin.PLUGIN_ID for plugin in listed]
    if conf.PLUGIN_ID not in ids:
        return ()
    return tuple(
        plugin.PLUGIN_NAME or plugin.PLUGIN_ID
        for plugin in listed[ids.index(conf.PLUGIN_ID) + 1 :]
        if any(getattr(plugin, hook) is not getattr(BasePlugin, hook) for hook in PRICE_HOOKS)
    )


def _listed() -> list[type[BasePlugin]]:
    return [import_string(path) for path in settings.PLUGINS]
