"""Which columns have nothing to do with each other: each connected part is a problem of its own."""

from __future__ import annotations

from collections.abc import Sequence

from saleor_retention.engine.offers.packing import Column


def components(
    resources_count: int, columns: Sequence[Column], positions: Sequence[int]
) -> list[list[int]]:
    """Return these columns' positions, grouped by shared resources; in the order they came."""
    parent = list(range(resources_count))

    def root(resource: int) -> int:
        while parent[resource] != resource:
            parent[resource] = parent[parent[resource]]
            resource = parent[resource]
        return resource

    for position in positions:
        column = columns[position]
        first = root(column.pairs[0][0])
        for resource, _taken in column.pairs[1:]:
            other = root(resource)
            if other != first:
                parent[other] = first
    grouped: dict[int, list[int]] = {}
    for position in positions:
        grouped.setdefault(root(columns[position].pairs[0][0]), []).append(position)
    return list(grouped.values())
