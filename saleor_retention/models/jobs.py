"""How far the periodic jobs have come."""

from __future__ import annotations

from django.db import models


class Watermark(models.Model):
    """Up to which instant a job has looked; the next run starts a little before."""

    name = models.CharField(max_length=32, primary_key=True)
    position_at = models.DateTimeField()


class SettleFailure(models.Model):
    """An order that reconcile has to come to, whatever its watermark says.

    Noted when it was found changed (``attempts`` 0), so that workers can share what a run found and
    none is lost with one of them; or tried and failed, to be tried again.
    """

    order_ref = models.CharField(max_length=80, primary_key=True)
    attempts = models.PositiveIntegerField(default=1)
    reason = models.CharField(max_length=200)  # the kind of fault, no personal data
    failed_at = models.DateTimeField()  # or noted at
