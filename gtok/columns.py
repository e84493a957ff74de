"""Columns: checking those that were not read from a file, repeating what is in them."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gtok.bed import MAX_COORDINATE
from gtok.errors import GtokError

S = TypeVar("S", bound=np.generic)


def check_name(name: object) -> None:
    """Refuse what can be no chromosome's name."""
    if not isinstance(name, str):
        raise TypeError(
            f"expected a chromosome's name as a string, found {type(name).__name__} {name!r}"
        )
    if not name or name != name.strip() or any(ord(character) < 32 for character in name):
        raise GtokError(f"expected a chromosome's name without blanks around it, found {name!r}")


def coordinates(values: ArrayLike, where: str) -> NDArray[np.int32]:
    """A private int32 copy; whole floats are taken, anything that would change is refused."""
    found = np.asarray(values)
    if found.ndim != 1:
        raise GtokError(f"{where}: expected one dimension, found {found.ndim}")
    if found.dtype.kind == "O":
        found = _from_objects(found, where)
    if len(found) == 0:
        return np.empty(0, dtype=np.int32)
    if found.dtype.kind == "f":
        found = found.astype(np.float64)
        bad = ~(np.isfinite(found) & (found == np.floor(found)))
        expected = "a whole number"
        if not bad.any():
            bad = (found < 0) | (found > MAX_COORDINATE)
            expected = f"a number from 0 to {MAX_COORDINATE}"
    elif found.dtype.kind in "iu":
        bad = (found < 0) | (found > MAX_COORDINATE)
        expected = f"a number from 0 to {MAX_COORDINATE}"
    else:
        raise TypeError(f"{where}: expected whole numbers, found {found.dtype}")
    if bad.any():
        row = int(np.argmax(bad))
        raise GtokError(f"{where}, row {row}: expected {expected}, found {found[row]}")
    return found.astype(np.int32)


def repeated(values: NDArray[S], counts: NDArray[Any]) -> NDArray[S]:
    """Each value as often as its count says.

    `numpy.repeat` takes counts as wide as a pointer only, which have 32 bits in WebAssembly.
    """
    return np.repeat(values, counts.astype(np.intp, copy=False))


def _from_objects(values: NDArray[Any], where: str) -> NDArray[Any]:
    for row, value in enumerate(values.tolist()):
        if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
            raise TypeError(f"{where}, row {row}: expected a whole number, found {value!r}")
        if value != value or not 0 <= value <= MAX_COORDINATE:  # NaN is unequal to itself
            raise GtokError(
                f"{where}, row {row}: expected a number from 0 to {MAX_COORDINATE}, found {value}"
            )
    return values.astype(np.float64)  # exact up to 2**53
