"""What customers answered to the survey about an order."""

from __future__ import annotations

from django.db import models

from .constraints import check


class SurveyAnswer(models.Model):
    """The answers to the survey about one order; deleted when the customer is erased.

    ``answers`` are by the key of the question, as ``engine.survey_answers`` reads them; ``version``
    has the words that were asked. ``points`` are those that answering brought.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("Account", on_delete=models.PROTECT, related_name="survey_answers")
    program = models.ForeignKey(
        "Program", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    order_ref = models.CharField(max_length=80, unique=True)
    version = models.ForeignKey(
        "ProgramVersion", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    answers = models.JSONField(default=dict)
    points = models.BigIntegerField(default=0)
    answered_at = models.DateTimeField()

    class Meta:
        """Once about an order; read program by program, newest first."""

        constraints = (check("retention_survey_points", models.Q(points__gte=0)),)
        indexes = (
            models.Index(fields=("program", "-answered_at", "-id"), name="retention_survey_newest"),
        )
