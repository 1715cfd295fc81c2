"""The Django application: installs the price seam, mounts GraphQL, registers beat and checks."""

from __future__ import annotations

from django.apps import AppConfig


class RetentionConfig(AppConfig):
    """Everything that must happen once, before Saleor builds its schema."""

    name = "saleor_retention"
    verbose_name = "Retention"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Install in the order that each part needs: host first, then schema, beat, checks."""
        from saleor_retention import beat, host
        from saleor_retention.graphql import mount

        host.current().install()
        mount.mount()
        beat.register()
        from saleor_retention import checks  # noqa: F401  (registers them)
