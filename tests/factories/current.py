"""The factories of the Saleor that the tests run on."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

NAME = "saleor_3" if os.environ.get("RETENTION_HOST", "").startswith("3.") else "saleor_2_10"


def factories() -> Any:
    """Return the module whose functions make shops, checkouts and orders here."""
    return import_module(f"tests.factories.{NAME}")
