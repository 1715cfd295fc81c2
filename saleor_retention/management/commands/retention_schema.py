"""Print what the plugin adds to Saleor's GraphQL schema, as SDL."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Print our additions to the schema; the file ``graphql/schema.graphql`` is this output."""

    help = "Print what the plugin adds to Saleor's GraphQL schema, as SDL."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Build Saleor's schema and print our part of it."""
        from saleor_retention.graphql.mount import built_schema
        from saleor_retention.graphql.sdl import print_additions

        self.stdout.write(print_additions(built_schema()), ending="")
