"""A shop with a program for every test of the GraphQL surface."""

from __future__ import annotations

import pytest

from tests.graphql.world import World, open_shop


@pytest.fixture
def world(db: None) -> World:  # noqa: ARG001
    """A shop with a program of a point for a dollar, a point being a cent, and two tiers."""
    return open_shop()
