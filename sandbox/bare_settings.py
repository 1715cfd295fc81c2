"""The sandbox's Saleor 2.10.1 without our app: what the cached schema is made with."""

from __future__ import annotations

from sandbox.settings import *

INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "saleor_retention"]
PLUGINS = [plugin for plugin in PLUGINS if "saleor_retention" not in plugin]
