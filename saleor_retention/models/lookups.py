"""How fast staff and apps look members up."""

from __future__ import annotations

from django.db import models


class LookupPace(models.Model):
    """The pace of one actor, as one instant: each look-up moves it on by a step.

    ``free_at`` is when all look-ups made so far will have come back; where it lies an hour ahead,
    none is left. One row for each actor, whatever their number (``services.ordering.looking_up``).
    """

    actor_ref = models.CharField(max_length=64, primary_key=True)
    free_at = models.DateTimeField()
