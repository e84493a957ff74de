"""Arrays that processes share, without a copy for each."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Columns: TypeAlias = dict[str, NDArray[Any]]


class SharedArrays:
    """Arrays by name, in memory or in files; a pickle maps files, and holds no array.

    Arrays in memory are written when they are pickled first; a forked process has them as they
    are. The files go with the object that wrote them, and are its alone to remove.

    Parameters
    ----------
    columns : dict of str to array
        One-dimensional.
    folder : str or path, optional
        Where to make temporary files; the system's usual place unless given.

    Examples
    --------
    >>> import pickle
    >>> import numpy as np
    >>> from gtok.shared import SharedArrays
    >>> arrays = SharedArrays({"x": np.arange(100_000)})
    >>> len(pickle.dumps(arrays)) < 500
    True
    >>> pickle.loads(pickle.dumps(arrays)).columns["x"][-2:]
    array([99998, 99999])
    """

    def __init__(self, columns: Columns, folder: str | os.PathLike[str] | None = None) -> None:
        self.columns = columns
        self._folder = folder
        self._files: str | None = None

    @classmethod
    def written(
        cls, pieces: Iterable[Columns], folder: str | os.PathLike[str] | None = None
    ) -> SharedArrays:
        """Arrays that are made piece by piece, and are in files only.

        Parameters
        ----------
        pieces : iterable of dict of str to array
            What to append to each array; some of them need not be in every piece.
        folder : str or path, optional
            As of the constructor.
        """
        files, dtypes = _write(pieces, folder)
        arrays = _mapped(files, dtypes)
        arrays._own(files)
        return arrays

    def _own(self, files: str) -> None:
        """Remove the files with these arrays, but not with those of a forked process."""
        self._files = files
        weakref.finalize(self, _remove, files, os.getpid())

    def __reduce__(self) -> tuple[Any, ...]:
        if self._files is None:
            self._own(_write([self.columns], self._folder)[0])
        return _mapped, (self._files, {name: array.dtype for name, array in self.columns.items()})

    def __deepcopy__(self, memo: dict[int, Any]) -> SharedArrays:
        return self  # nothing changes them, and files have one owner


def _write(pieces: Iterable[Columns], folder: Any) -> tuple[str, dict[str, np.dtype[Any]]]:
    """A new folder with a file for each array, and the arrays' types."""
    files = tempfile.mkdtemp(prefix="gtok-", dir=folder)
    dtypes: dict[str, np.dtype[Any]] = {}
    handles: dict[str, Any] = {}
    try:
        with ExitStack() as opened:
            for piece in pieces:
                for name, array in piece.items():
                    if name not in handles:
                        path = os.path.join(files, name)
                        handles[name] = opened.enter_context(open(path, "wb"))
                        dtypes[name] = array.dtype
                    handles[name].write(np.ascontiguousarray(array).data)
    except BaseException:
        _remove(files, os.getpid())
        raise
    return files, dtypes


def _mapped(files: str, dtypes: dict[str, np.dtype[Any]]) -> SharedArrays:
    """The arrays of a folder, in no memory of this process's own."""
    columns: Columns = {}
    for name, dtype in dtypes.items():
        path = os.path.join(files, name)
        try:
            empty = os.path.getsize(path) == 0
        except FileNotFoundError:
            raise FileNotFoundError(
                f"expected the files of the arrays in {files}, found none: a pickle of them lives "
                f"as long as what was pickled"
            ) from None
        # What is empty cannot be mapped.
        columns[name] = (
            np.empty(0, dtype) if empty else np.memmap(path, dtype, "r").view(np.ndarray)
        )
    arrays = SharedArrays(columns)
    arrays._files = files
    return arrays


def _remove(files: str, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(files, ignore_errors=True)
