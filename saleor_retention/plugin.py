"""The plugin."""

from __future__ import annotations

from saleor.plugins.base_plugin import BasePlugin

from saleor_retention import conf


class RetentionPlugin(BasePlugin):
    PLUGIN_ID = conf.PLUGIN_ID
    PLUGIN_NAME = "Retention"
    DEFAULT_ACTIVE = True
    CONFIGURATION_PER_CHANNEL = False
