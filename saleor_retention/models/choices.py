"""Django's text choices, which a type checker without Django's types sees as the enums they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from enum import StrEnum

    class TextChoices(StrEnum):
        """What ``django.db.models.TextChoices`` is."""

        choices: ClassVar[list[tuple[str, str]]]
else:
    from django.db.models import TextChoices

__all__ = ["TextChoices"]
