"""How far the periodic jobs have come."""

from __future__ import annotations

from django.db import models


class Watermark(models.Model):
    """Up to which instant a job has looked; the next run starts a little before."""

    name = models.CharField(max_length=32, primary_key=True)
    position_at = models.DateTimeField()
