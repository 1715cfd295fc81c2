"""A mail backend that accepts everything and sends nothing."""

from __future__ import annotations

from typing import Any


class Backend:
    """Stands in for ``templated_email``'s backends."""

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        """Accept whatever options a real backend would."""

    def send(self, *_args: Any, **_kwargs: Any) -> int:
        """Report one mail as sent."""
        return 1
