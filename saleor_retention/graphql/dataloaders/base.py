"""One statement for all rows of a query that ask the same thing.

Loaders live on the request, and a mutation forgets them: what it answers must show what it did.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Generic, Self, TypeVar

from promise import Promise
from promise.dataloader import DataLoader

from saleor_retention import host

_PREFIX = "retention:"

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Loader(DataLoader, Generic[Key, Value]):
    """Loads many keys at once; a key without an answer gets None."""

    def __init__(self, info: Any) -> None:
        """Keep the request for loaders that build on others."""
        super().__init__()
        self.info = info

    @classmethod
    def of(cls, info: Any) -> Self:
        """Return the request's loader of this kind.

        It is kept where Saleor keeps its own, because Saleor 3 empties that dictionary after a
        request to break reference cycles.
        """
        loaders = _loaders(info)
        key = f"{_PREFIX}{cls.__name__}"
        if key not in loaders:
            loaders[key] = cls(info)
        loader: Self = loaders[key]
        return loader

    def batch_load_fn(self, keys: Sequence[Key]) -> Promise:
        """Read all keys, from the default database: a replica may not know what was just booked."""
        with host.current().writer():
            found = self.find(keys)
        return Promise.resolve([found.get(key) for key in keys])

    @abstractmethod
    def find(self, keys: Sequence[Key]) -> Mapping[Key, Value]:
        """Return what is there of the keys; the number of statements must not grow with them."""


def forget(info: Any) -> None:
    """Drop what our loaders have read in this request so far."""
    loaders = _loaders(info)
    for key in [key for key in loaders if key.startswith(_PREFIX)]:
        del loaders[key]


def _loaders(info: Any) -> dict[str, Any]:
    if not hasattr(info.context, "dataloaders"):
        info.context.dataloaders = {}
    loaders: dict[str, Any] = info.context.dataloaders
    return loaders
