"""`TokenBatch`: the ids of many samples and the columns aligned with them; padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from gtok.columns import repeated
from gtok.errors import GtokError, check_choice
from gtok.padding import Side, fill_rows, padded_width, rows_inside

if TYPE_CHECKING:
    import scipy.sparse

_ALL = slice(None)


class TokenBatch:
    """The tokens of n samples, one after the other.

    Parameters
    ----------
    ids : int32[m]
        Token ids.
    offsets : int64[n + 1]
        The ids of sample i are ``ids[offsets[i]:offsets[i + 1]]``.
    values : float32[m], optional
        A weight for each token.
    queries : int32[m], optional
        The row of the input region that hit, in its sample; -1 where no region did.
    n_regions : int64[n], optional
        Input regions of each sample.
    n_hits : int64[n], optional
        Those of them that overlap a region of the universe.
    n_excluded : int64[n], optional
        Regions that were left out beforehand, and are not among `n_regions`; where the tokenizer
        leaves any out.

    Raises
    ------
    GtokError
        If the columns do not fit together.

    Examples
    --------
    >>> import gtok
    >>> t = gtok.Tokenizer(gtok.Universe(["chr1:100-200", "chr1:150-300", "chr2:5-50"]))
    >>> b = t.encode_batch([["chr1:180-190"], ["chr2:1-10", "chr9:1-10"]])
    >>> b
    TokenBatch(2 samples, 3 tokens)
    >>> b[0], b.n_regions, b.n_hits
    (array([0, 1], dtype=int32), array([1, 2]), array([1, 1]))
    """

    def __init__(
        self,
        ids: NDArray[np.int32],
        offsets: NDArray[np.int64],
        values: NDArray[np.float32] | None = None,
        queries: NDArray[np.int32] | None = None,
        n_regions: NDArray[np.int64] | None = None,
        n_hits: NDArray[np.int64] | None = None,
        n_excluded: NDArray[np.int64] | None = None,
    ) -> None:
        self.ids = _as_int32(ids, "ids")
        self.offsets = np.ascontiguousarray(offsets, dtype=np.int64)
        self.values = None if values is None else np.ascontiguousarray(values, dtype=np.float32)
        self.queries = None if queries is None else _as_int32(queries, "queries")
        n = len(self.offsets) - 1
        if n < 0 or self.offsets[0] != 0 or self.offsets[-1] != len(self.ids):
            raise GtokError(
                f"expected offsets from 0 to {len(self.ids)}, the number of ids, "
                f"found {self.offsets[:1]} to {self.offsets[-1:]}"
            )
        if (np.diff(self.offsets) < 0).any():
            raise GtokError("expected offsets that never fall")
        for name, column in (("values", self.values), ("queries", self.queries)):
            if column is not None and len(column) != len(self.ids):
                raise GtokError(f"expected {len(self.ids)} {name}, one per id, found {len(column)}")
        self.n_regions = _counts(n_regions, n, "n_regions")
        self.n_hits = _counts(n_hits, n, "n_hits")
        self.n_excluded = _counts(n_excluded, n, "n_excluded")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, i: int) -> NDArray[np.int32]:
        """The ids of one sample, a view."""
        n = len(self)
        if not -n <= i < n:
            raise IndexError(f"expected a sample from 0 to {n - 1}, found {i}")
        i %= n
        return self.ids[self.offsets[i] : self.offsets[i + 1]]

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        for lo, hi in zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True):
            yield self.ids[lo:hi]

    def __repr__(self) -> str:
        n, m = len(self), len(self.ids)
        extra = "".join(
            f", {name}" for name in ("values", "queries") if getattr(self, name) is not None
        )
        return f"TokenBatch({n:,} sample{'s' * (n != 1)}, {m:,} token{'s' * (m != 1)}{extra})"

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of tokens of each sample, int64[n]."""
        return np.diff(self.offsets)

    @classmethod
    def concatenate(cls, batches: Sequence[TokenBatch]) -> TokenBatch:
        """The samples of several batches in one; aligned columns only where all have them."""
        if len(batches) == 1:
            return batches[0]
        if not batches:
            return cls(np.empty(0, dtype=np.int32), np.zeros(1, dtype=np.int64))
        lengths = np.concatenate([batch.lengths for batch in batches])
        columns: dict[str, Any] = {}
        for name in ("values", "queries", "n_regions", "n_hits", "n_excluded"):
            parts = [getattr(batch, name) for batch in batches]
            columns[name] = None if any(p is None for p in parts) else np.concatenate(parts)
        return cls(
            np.concatenate([batch.ids for batch in batches]),
            np.concatenate([[0], np.cumsum(lengths)]),
            **columns,
        )

    def head(self, n: int, side: Side = "right") -> TokenBatch:
        """At most n tokens of each sample: its first, or with `side` "left", its last ones."""
        lengths = np.minimum(self.lengths, n)
        if len(lengths) == 0 or self.lengths.max() <= n:
            return self
        begins = self.offsets[:-1] if side == "right" else self.offsets[1:] - lengths
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        rows = np.arange(offsets[-1]) + repeated(begins - offsets[:-1], lengths)
        return self.take(rows, offsets)

    def framed(self, before: ArrayLike, behind: ArrayLike) -> TokenBatch:
        """Each sample with ids before and behind it, which belong to no input region.

        Parameters
        ----------
        before, behind : int[k] or int[n, k]
            The same ids for every sample, or a row of them for each.
        """
        ahead, after = (np.asarray(ids, dtype=np.int32) for ids in (before, behind))
        if not ahead.size and not after.size:
            return self
        n_ahead, n_after = ahead.shape[-1], after.shape[-1]
        lengths = self.lengths + n_ahead + n_after
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        rows = np.full(offsets[-1], -1, dtype=np.int64)
        inside = np.ones(offsets[-1], dtype=bool)
        for at in range(n_ahead):
            inside[offsets[:-1] + at] = False
        for at in range(n_after):
            inside[offsets[1:] - n_after + at] = False
        rows[inside] = np.arange(len(self.ids))
        framed = self.take(rows, offsets)
        for at in range(n_ahead):
            framed.ids[offsets[:-1] + at] = ahead[..., at]
        for at in range(n_after):
            framed.ids[offsets[1:] - n_after + at] = after[..., at]
        return framed

    def pad(
        self,
        pad_id: int,
        *,
        length: int | None = None,
        multiple: int | None = None,
        side: Side = "right",
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The ids as one matrix, short samples filled up.

        Parameters
        ----------
        pad_id : int
            What to fill up with.
        length : int, optional
            The least number of columns; without it, the longest sample's.
        multiple : int, optional
            Round the number of columns up to a multiple of this.
        side : {"right", "left"}
            Where the filling goes.

        Returns
        -------
        ids, mask : int64[n, width]
            The mask is 1 at tokens and 0 at the filling.
        """
        width = padded_width(int(self.lengths.max(initial=0)), length, multiple)
        inside = rows_inside(self.offsets, width, side)
        return fill_rows(self.ids, inside, pad_id), inside.astype(np.int64)

    def to_csr(
        self,
        n_columns: int,
        binary: bool = False,
        dtype: DTypeLike | None = None,
        reduce: Literal["sum", "max"] = "sum",
    ) -> scipy.sparse.csr_matrix:
        """The samples x regions matrix, each token adding 1 or its value to its column.

        Parameters
        ----------
        n_columns : int
            The number of regions of the universe; ids from there on are special tokens and no
            columns.
        binary : bool
            1 wherever there is a token.
        dtype : dtype, optional
            Of the data; int32 for counts and float32 for values unless given.
        reduce : {"sum", "max"}
            What becomes of several tokens of one region: their sum, or the largest of them.

        Returns
        -------
        scipy.sparse.csr_matrix
            Of shape (n, n_columns), indices sorted, nothing twice.

        Raises
        ------
        GtokError
            If a sum is no whole number, or too large, where `dtype` is one of whole numbers.

        Examples
        --------
        >>> import gtok
        >>> t = gtok.Tokenizer(["chr1:100-200", "chr1:150-300", "chr2:5-50"])
        >>> b = t.encode_batch([["chr1:180-190", "chr1:170-260"]], values="bp")
        >>> b.to_csr(3).toarray(), b.to_csr(3, reduce="max").toarray()
        (array([[ 40., 100.,   0.]], dtype=float32), array([[30., 90.,  0.]], dtype=float32))
        """
        from gtok.sparse import to_csr

        return to_csr([self], n_columns, binary=binary, dtype=dtype, reduce=reduce)

    def to_torch(
        self,
        layout: Literal["padded", "nested"] = "padded",
        *,
        pad_id: int | None = None,
        side: Side = "right",
    ) -> Any:
        """The ids as tensors of torch.

        Parameters
        ----------
        layout : {"padded", "nested"}
            Short samples filled up, or each as long as it is.
        pad_id : int
            What to fill up with; "padded" needs it.
        side : {"right", "left"}
            Where the filling goes.

        Returns
        -------
        dict of torch.Tensor, or torch.Tensor
            ``input_ids`` and ``attention_mask``, as `pad` makes them, int64[n, width]; or one
            nested int64 tensor of the layout ``torch.jagged``.

        Raises
        ------
        ImportError
            If torch is not there.
        GtokError
            If there is no such layout, or no `pad_id` for "padded".
        """
        try:
            import torch
        except ModuleNotFoundError:
            raise ImportError("to_torch needs torch: pip install torch") from None
        check_choice("layout", layout, ("padded", "nested"))
        if layout == "nested":
            ids, offsets = (
                torch.from_numpy(column.astype(np.int64)) for column in (self.ids, self.offsets)
            )
            return torch.nested.nested_tensor_from_jagged(ids, offsets)
        if pad_id is None:
            raise GtokError("expected a pad_id for the padded layout, found none")
        columns = zip(("input_ids", "attention_mask"), self.pad(pad_id, side=side), strict=True)
        return {name: torch.from_numpy(matrix) for name, matrix in columns}

    def to_tensorflow(self) -> Any:
        """The ids as a ``tf.RaggedTensor``, int64, which a Keras Embedding takes.

        Raises
        ------
        ImportError
            If TensorFlow is not there.
        """
        try:
            import tensorflow as tf
        except ModuleNotFoundError:
            raise ImportError("to_tensorflow needs TensorFlow: pip install tensorflow") from None
        return tf.RaggedTensor.from_row_splits(self.ids.astype(np.int64), self.offsets)

    def take(
        self,
        rows: NDArray[np.int64],
        offsets: NDArray[np.int64],
        samples: NDArray[np.int64] | slice = _ALL,
    ) -> TokenBatch:
        """A batch of other samples, made of these tokens.

        Parameters
        ----------
        rows : int64[m]
            Tokens, by their places in `ids`; -1 for one that has none yet, of id 0.
        offsets : int64[k + 1]
            Where the new samples begin.
        samples : int64[k], optional
            The sample that each new one comes from; without it they are the same ones.
        """
        new = rows < 0

        def pick(column: Any, filler: float) -> Any:
            if column is None:
                return None
            picked = column[rows] if len(column) else np.zeros(len(rows), dtype=column.dtype)
            picked[new] = filler
            return picked

        return TokenBatch(
            pick(self.ids, 0),
            offsets,
            pick(self.values, 0),
            pick(self.queries, -1),
            *(
                None if counts is None else counts[samples]
                for counts in (self.n_regions, self.n_hits, self.n_excluded)
            ),
        )


def _as_int32(column: Any, name: str) -> NDArray[np.int32]:
    """The column as int32, contiguous; anything that would change is refused."""
    found = np.asarray(column)
    if found.size == 0:
        return np.empty(0, dtype=np.int32)
    if found.dtype.kind not in "iu":
        raise TypeError(f"expected {name} as whole numbers, found {found.dtype}")
    if found.dtype != np.int32 and not -(2**31) <= found.min() <= found.max() < 2**31:
        raise GtokError(f"expected {name} of 32 bits, found {found.min()} to {found.max()}")
    return np.ascontiguousarray(found, dtype=np.int32)


def _counts(counts: Any, n: int, name: str) -> NDArray[np.int64] | None:
    if counts is None:
        return None
    checked: NDArray[np.int64] = np.asarray(counts, dtype=np.int64)
    if len(checked) != n:
        raise GtokError(f"expected {n} {name}, one per sample, found {len(checked)}")
    return checked
