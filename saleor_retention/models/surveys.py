"""What customers answered: to the survey about an order, or to a questionnaire without one."""

from __future__ import annotations

from django.db import models

from .constraints import check


class SurveyAnswer(models.Model):
    """The answers to one survey; deleted when the customer is erased.

    About an order, or to the questionnaire ``survey`` of the program in a ``period``
    (``engine.feedback``). ``answers`` are by the key of the question, as ``engine.survey_answers``
    reads them; ``version`` has the words that were asked. ``points`` are those that answering
    brought.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("Account", on_delete=models.PROTECT, related_name="survey_answers")
    program = models.ForeignKey(
        "Program", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    order_ref = models.CharField(max_length=80, unique=True, null=True, blank=True)
    survey = models.CharField(max_length=48, default="")
    period = models.CharField(max_length=8, default="")
    version = models.ForeignKey(
        "ProgramVersion", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    answers = models.JSONField(default=dict)
    points = models.BigIntegerField(default=0)
    answered_at = models.DateTimeField()

    class Meta:
        """Once about an order, or in a period; read program by program, newest first."""

        constraints = (
            check("retention_survey_points", models.Q(points__gte=0)),
            check(
                "retention_survey_about",
                models.Q(order_ref__isnull=False, survey="", period="")
                | (models.Q(order_ref__isnull=True) & ~models.Q(survey="") & ~models.Q(period="")),
            ),
            models.UniqueConstraint(
                fields=("account", "survey", "period"),
                condition=models.Q(order_ref__isnull=True),
                name="retention_survey_once",
            ),
        )
        indexes = (
            models.Index(
                fields=("program", "survey", "-answered_at", "-id"), name="retention_survey_newest"
            ),
        )
