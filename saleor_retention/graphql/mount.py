"""Adds our fields to Saleor's classes before Saleor builds its schema from them.

Graphene 2 collects the fields of ``Query`` and ``Mutation`` from the attributes of their bases, and
those of other types from ``_meta.fields``, when ``saleor.graphql.api`` is imported. Adding to both
before that needs nothing of Saleor's to be replaced and shows in introspection, in federation and
in webhook payloads alike.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from graphql.type import GraphQLSchema

from saleor_retention import __version__, host

API = "saleor.graphql.api"
FIELD = "retention"


def mount() -> None:
    """Attach everything of ``schema`` to the host's classes; called once, when the app is ready.

    Raises ``ImproperlyConfigured`` when the schema was built already, because a shop that starts
    without these fields would fail in its storefront instead of here.
    """
    shop = host.current()
    types = shop.graphql_types()
    if FIELD in fields_of(types["User"]):
        return
    if API in sys.modules:
        raise ImproperlyConfigured(
            f"saleor_retention must be ready before {API} is imported: put it last in "
            "INSTALLED_APPS and import nothing of saleor.urls or the schema in settings."
        )
    from saleor_retention.graphql import schema
    from saleor_retention.graphql.costs import QUERY_COSTS

    for name, field in schema.EXTENSIONS.items():
        fields_of(types[name])[FIELD] = field
    for name, field in schema.QUERIES.items():
        setattr(types["Queries"], name, field)
    for name, mutation in schema.MUTATIONS.items():
        setattr(types["Mutations"], name, mutation.Field())
    shop.register_query_costs(QUERY_COSTS)
    _renew_cached_introspection()


def _renew_cached_introspection() -> None:
    """Let Saleor forget what clients learned of the schema under another version of ours.

    It keeps answers to introspection for a week; from 3.22 on they are told apart by a suffix. On
    3.21 its cache has to be cleared after an update.
    """
    suffix = getattr(settings, "GRAPHQL_CACHE_SUFFIX", None)
    if suffix is not None:
        settings.GRAPHQL_CACHE_SUFFIX = f"{suffix}-retention-{__version__}".lstrip("-")


def built_schema() -> GraphQLSchema:
    """Return the whole schema, which builds it: only once everything is ready."""
    return import_module(API).schema


def fields_of(graphene_type: Any) -> dict[str, Any]:
    """Return a graphene class's fields, which may be added to until the schema is built."""
    fields: dict[str, Any] = graphene_type._meta.fields  # noqa: SLF001 - graphene's only way in
    return fields
