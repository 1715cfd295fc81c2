"""All five stages of a customer: the function that tells them knows events and referrals too."""

from __future__ import annotations

from django.db import migrations

from saleor_retention import sql


class Migration(migrations.Migration):
    """Going back leaves the function, which reads nothing that goes then."""

    dependencies = (("saleor_retention", "0031_benefits_given"),)
    operations = (migrations.RunSQL(sql.load("functions/segments_of"), migrations.RunSQL.noop),)
