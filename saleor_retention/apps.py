"""The Django application: mounts GraphQL, installs the price seam, registers beat and checks."""

from __future__ import annotations

from django.apps import AppConfig


class RetentionConfig(AppConfig):
    """Everything that must happen once, before Saleor builds its schema."""

    name = "saleor_retention"
    verbose_name = "Retention"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Install in the order that each part needs: host first, then schema, beat, checks."""
        from saleor_retention import host

        host.current().install()
