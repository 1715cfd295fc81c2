"""Check constraints under both Django 3.2 (``check=``) and 5.2 (``condition=``)."""

from __future__ import annotations

import django
from django.db import models

_CONDITION = "condition" if django.VERSION >= (5, 1) else "check"


def check(name: str, condition: models.Q) -> models.CheckConstraint:
    """Return a check constraint that the database enforces under ``name``."""
    return models.CheckConstraint(**{_CONDITION: condition}, name=name)
