"""The lists of goods in documents: found in whatever shape, looked for in the shop, named in files.

A document holds references; a file names goods by slug (variants by SKU), or by reference after
``id:`` where they have none (any more).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from saleor_retention import host
from saleor_retention.engine.fields import Fields
from saleor_retention.engine.readers import GOODS_KINDS
from saleor_retention.engine.rules import RuleProblem

BY_ID = "id:"
Resolve = Callable[[str, str], str | None]
"""From a kind of goods and a name in the file to a reference; None: unknown."""


def selects_in(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the path and content of each ``select``, however deep it lies."""
    if not isinstance(node, dict | list):
        return
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        inner = f"{path}.{key}" if path else str(key)
        if key == "select" and isinstance(value, dict):
            yield inner, value
        elif isinstance(value, dict | list):
            yield from selects_in(value, inner)


def lists_in(document: Any) -> Iterator[tuple[str, str, list[Any]]]:
    """Yield path, kind and content of each list of goods in the selects of a document."""
    for path, select in selects_in(document):
        for kind in GOODS_KINDS:
            if isinstance(select.get(kind), list):
                yield f"{path}.{kind}", kind, select[kind]


def put_references(
    fields: Fields, name: str, lists: Iterable[tuple[str, str, list[Any]]], resolve: Resolve
) -> None:
    """Put references for the names in a document's lists, each with its path and kind.

    ``name`` is the document's among ``fields``, where names that the shop has not are problems.
    """
    for place, kind, names in lists:
        for index, each in enumerate(names):
            ref = resolve(kind, str(each))
            if ref is None:
                where = fields.at(f"{name}.{place}.{index}")
                message = f'{where} names none of the {kind} of the shop: "{each}".'
                fields.problems.append(RuleProblem(where, "NOT_FOUND", message))
            else:
                names[index] = ref


def existing(kind: str, refs: Iterable[str]) -> frozenset[str]:
    """Return those that the shop has; variants may be without the name that others always have."""
    shop = host.current()
    there = shop.goods_of_variants(refs) if kind == "variants" else shop.slugs_of(kind, refs)
    return frozenset(there)


def existing_in(document: Any) -> dict[str, frozenset[str]]:
    """Return by kind which goods of a document the shop has, a statement for each kind."""
    return {kind: existing(kind, refs) for kind, refs in _refs_in([document]).items()}


def slugs_in(documents: Iterable[Any]) -> dict[str, Mapping[str, str]]:
    """Return by kind the slugs of all goods in some documents, a statement for each kind."""
    named = _refs_in(documents)
    return {kind: host.current().slugs_of(kind, sorted(refs)) for kind, refs in named.items()}


def _refs_in(documents: Iterable[Any]) -> dict[str, set[str]]:
    refs: dict[str, set[str]] = defaultdict(set)
    for document in documents:
        for _path, kind, names in lists_in(document):
            refs[kind].update(str(name) for name in names)
    return {kind: found for kind, found in refs.items() if found}
