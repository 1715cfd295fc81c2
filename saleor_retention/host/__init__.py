"""The only folder that imports Saleor; ``current()`` returns the adapter for the one we run in."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .contract import Host


@lru_cache(maxsize=1)
def current() -> Host:
    """Return the adapter of the Saleor in this process.

    3.x names its version; 2.10.1 calls itself "dev" and has no ``saleor.permission``.
    """
    from importlib.util import find_spec

    if find_spec("saleor.permission") is not None:
        from .saleor_3 import Saleor3

        return Saleor3()
    from .saleor_2_10 import Saleor210

    return Saleor210()
