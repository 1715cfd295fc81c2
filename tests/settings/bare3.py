"""Saleor 3.x without our app: what the cached schema is made with."""

from __future__ import annotations

from tests.settings.saleor3 import *

INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "saleor_retention"]
PLUGINS = [plugin for plugin in PLUGINS if "saleor_retention" not in plugin]
