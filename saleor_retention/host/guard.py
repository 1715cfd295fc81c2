"""A fault of ours is logged and goes no further: Saleor would lose the hooks that come after."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

logger = logging.getLogger(__name__)


def never_raises(function: Callable[..., Any]) -> Callable[..., Any]:
    """Log what the function raises, under its name, and return None instead."""

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception:
            logger.exception("%s failed.", function.__qualname__)
            return None

    return guarded
