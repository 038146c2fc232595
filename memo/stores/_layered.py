"""Several stores as one: read in order, written to the first."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from memo.errors import EntryVanished, MemoError, StoreNotWritable
from memo.stores._directory import DirectoryStore
from memo.stores._salt import has_salt, salt
from memo.stores._store import Claims, Closes, Creates, Expires, HeldClaim, Remote, Reviews, Store, Swaps, Wakes
from memo.stores._urls import as_store
from memo.stores.file_names import safe_name

__all__ = ["LayeredStore", "StoreLike", "as_layers", "layer_of", "layers_of"]

StoreLike = Store | str | os.PathLike[str]
"""A store, as users name it."""


class LayeredStore:
    """Stores that are read in order: the first layer that has an entry gives it. All writes go to the first layer.

    An entry of a lower layer that is to be changed is changed in a copy in the first layer, which hides the lower one from then
    on. What the first layer can do beyond keeping bytes (claims), the layers can do together. The salt is that of the first layer
    that has one.
    """

    def __init__(self, layers: Sequence[Store], owned: Sequence[Store] = ()) -> None:
        self.layers = tuple(layers)
        self._owned = tuple(layer for layer in owned if isinstance(layer, Closes))
        """The layers that nobody else closes."""
        self._first, *self._lower = self.layers
        self.reads_in_place = all(layer.reads_in_place for layer in self.layers)
        self.writes_in_place = self.reads_in_place and self._first.writes_in_place
        times = [layer.ttl for layer in self.layers if isinstance(layer, Expires) and layer.ttl is not None]
        # Capabilities that only some stores have are there if they are attributes.
        if times:
            self.ttl = min(times)
        timeouts = [layer.timeout for layer in self.layers if isinstance(layer, Remote)]
        if timeouts:
            self.timeout = sum(timeouts)
        if isinstance(self._first, Reviews):
            self.pending = self._first.pending
        if isinstance(self._first, Claims):
            vars(self).update(_claims(self._first, self._below))
        if isinstance(self._first, Wakes):
            vars(self).update(wait=self._first.wait, await_=self._first.await_)

    def __repr__(self) -> str:
        return f"LayeredStore({list(self.layers)!r})"

    def get(self, name: str) -> bytes | None:
        """Return the bytes of the first layer that has the entry, None if there is none."""
        data = self._first.get(name)
        return self._below(name) if data is None else data

    def _below(self, name: str) -> bytes | None:
        for layer in self._lower:
            data = layer.get(name)
            if data is not None:
                return data
        return None

    def put(self, name: str, data: bytes) -> None:
        """Store the bytes in the first layer."""
        self._first.put(name, data)

    def create(self, name: str, data: bytes) -> bytes | None:
        """Store the bytes in the first layer if no layer has the entry, and return None; else return the bytes that are there."""
        below = self._below(name) if self._first.get(name) is None else None
        return self._create_first(name, data) if below is None else below

    def _create_first(self, name: str, data: bytes) -> bytes | None:
        if isinstance(self._first, Creates):
            return self._first.create(name, data)
        there = self._first.get(name)
        if there is None:
            self._first.put(name, data)
        return there

    def swap(self, name: str, expected: bytes | None, data: bytes) -> bytes | None:
        """Replace the bytes if they are `expected`, and return None; else return the bytes that are there.

        The bytes of a lower layer are replaced by an entry in the first one. Raises `EntryVanished`.
        """
        if expected is None:
            return self.create(name, data)
        there = self._first.get(name)
        if there is None:
            below = self._below(name)
            if below is None:
                raise EntryVanished(self._first.location(name))
            return self._create_first(name, data) if below == expected else below
        if isinstance(self._first, Swaps):
            return self._first.swap(name, expected, data)
        if there == expected:
            self._first.put(name, data)
            return None
        return there

    def delete(self, name: str) -> bool:
        """Delete the entry; return whether it existed. Raises `StoreNotWritable` for one in a lower layer, which is only read."""
        existed = self._first.delete(name)
        for layer in self._lower:
            if _has(layer, name):
                raise StoreNotWritable(
                    layer.location(name),
                    f"is in a fallback of {self._first.location()}, and is not deleted there",
                    "to delete it: the same with that store as the first",
                )
        return existed

    def scan(self, prefix: str = "") -> Iterator[str]:
        """Iterate over the names of the entries of all layers, each once."""
        seen = set[str]()
        for layer in self.layers:
            names = list(layer.scan(prefix))
            yield from (name for name in names if _file_name(name) not in seen)
            seen.update(map(_file_name, names))

    def location(self, name: str = "") -> str:
        """Return where an entry is: in the layer that has it, else in the first. Without a name, name all layers in order."""
        if name:
            return self.layer(name).location(name)
        return ", then ".join(layer.location() for layer in self.layers)

    def layer(self, name: str) -> Store:
        """Return the layer that an entry is read from; the first, if none has it."""
        return next((layer for layer in self.layers if _has(layer, name)), self._first)

    def salt(self) -> bytes:
        """Return the 32 random bytes of the first layer that has some; make them in the first if none has."""
        return salt(next(filter(has_salt, self.layers), self._first))

    def close(self) -> None:
        """Close the layers that were opened for this store alone."""
        for layer in self._owned:
            layer.close()


def as_layers(named: Sequence[object]) -> Store:
    """Return the stores that a user names as one, the one to write to first; a single one as `as_store` returns it.

    Raises `InvalidOption`, and `MissingExtra`.
    """
    stores = [as_store(store) for store in named]
    if len(stores) == 1:
        return stores[0]
    return LayeredStore(stores, [store for store, given in zip(stores, named, strict=True) if store is not given])


def layers_of(store: Store) -> tuple[Store, ...]:
    """Return the layers of a store, the one that is written to first; a store without layers is one itself."""
    return store.layers if isinstance(store, LayeredStore) else (store,)


def layer_of(store: Store, name: str) -> Store:
    """Return the layer that an entry is read from."""
    return store.layer(name) if isinstance(store, LayeredStore) else store


def _claims(first: Claims, below: Any) -> dict[str, Any]:
    """Return the attributes of claims: the first layer's, but that nothing is claimed which a lower layer has."""

    def claim(name: str, token: str) -> bytes | HeldClaim | None:
        there = below(name) if first.get(name) is None else None
        return first.claim(name, token) if there is None else there

    return {
        "lease": first.lease,
        "claim": claim,
        "renew": first.renew,
        "finish": first.finish,
        "release": first.release,
    }


def _has(layer: Store, name: str) -> bool:
    """Return whether a layer has an entry, be it damaged."""
    try:
        return (layer.head(name, 1) if isinstance(layer, DirectoryStore) else layer.get(name)) is not None
    except MemoError:
        return True


def _file_name(name: str) -> str:
    """Return a name as directories list it: layers of other kinds list it as it is."""
    function, slash, key = name.rpartition("/")
    return f"{safe_name(function)}{slash}{safe_name(key)}"
