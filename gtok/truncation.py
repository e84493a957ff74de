"""Cutting samples to a length, by more than their heads.

A sample in genome order begins with chr1: its first tokens are those of its first chromosomes, and
a model that sees only them never sees the rest of the genome.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gtok.batch import TokenBatch
from gtok.columns import repeated
from gtok.errors import GtokError, check_choice
from gtok.padding import Side
from gtok.universe import Universe

Truncation: TypeAlias = Literal["head", "random", "stratified", "top", "windows"]
TRUNCATIONS = ("head", "random", "stratified", "top", "windows")
Seed: TypeAlias = int | Sequence[int]


def truncate(
    batch: TokenBatch,
    n: int,
    how: Truncation,
    universe: Universe,
    *,
    seed: Seed = 0,
    stride: int = 0,
    side: Side = "right",
) -> tuple[TokenBatch, NDArray[np.int64]]:
    """Cut each sample to at most n tokens, whose order stays.

    Parameters
    ----------
    batch : TokenBatch
        Samples.
    n : int
        Tokens that there is room for.
    how : {"head", "random", "stratified", "top", "windows"}
        What to keep of a longer sample: its first tokens (its last ones with `side` "left"); any;
        any, of each chromosome in proportion to what it has; those of the largest values; or all
        of it, in pieces.
    universe : Universe
        Says which chromosome a token is on.
    seed : int or sequence of int
        Of "random" and "stratified". What is kept depends on it and on the sample alone, not on
        what else is in the batch; with ``(seed, epoch)`` it is another part in each epoch.
    stride : int
        Tokens that pieces have in common with the ones before.
    side : {"right", "left"}
        Where "head" cuts.

    Returns
    -------
    batch : TokenBatch
        The samples, or their pieces.
    samples : int64
        The row of the sample that each comes from.

    Raises
    ------
    GtokError
        If `how` is unknown, "top" has no values to go by, or a piece does not get ahead.

    Examples
    --------
    >>> import gtok
    >>> from gtok.truncation import truncate
    >>> u = gtok.Universe(["chr1:0-9", "chr1:10-19", "chr2:0-9", "chr2:10-19"])
    >>> b = gtok.TokenBatch([0, 1, 2, 3], [0, 4])
    >>> truncate(b, 2, "stratified", u)[0].ids // 2
    array([0, 1], dtype=int32)
    >>> pieces, samples = truncate(b, 3, "windows", u, stride=2)
    >>> list(pieces), samples
    ([array([0, 1, 2], dtype=int32), array([1, 2, 3], dtype=int32)], array([0, 0]))
    """
    check_choice("truncation", how, TRUNCATIONS)
    if n < 0:
        raise GtokError(f"expected room for tokens, found room for {n}")
    samples = np.arange(len(batch))
    if how == "windows":
        return _windows(batch, n, stride)
    if how == "top" and batch.values is None:
        raise GtokError("truncation='top' goes by values: pass values='bp' or values='signal', say")
    if not (batch.lengths > n).any():
        return batch, samples
    if how == "head":
        return batch.head(n, side), samples
    kept = np.ones(len(batch.ids), dtype=bool)
    word = np.random.SeedSequence(seed).generate_state(1, np.uint64).view(np.uint64)
    for row in np.flatnonzero(batch.lengths > n).tolist():
        tokens = slice(batch.offsets[row], batch.offsets[row + 1])
        if how == "top":
            assert batch.values is not None
            key = -batch.values[tokens].astype(np.float64)
        else:
            key = _chance(batch.ids[tokens], word)
        if how == "stratified":
            key = _spread(chroms_of(batch.ids[tokens], universe), key)
        # Of equal keys the first.
        smallest = np.argsort(key, kind="stable")[:n]
        kept[tokens] = False
        kept[tokens.start + smallest] = True
    offsets = np.concatenate([[0], np.cumsum(np.minimum(batch.lengths, n))])
    return batch.take(np.flatnonzero(kept), offsets), samples


def _spread(chrom: NDArray[np.int64], key: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where each token stands within its chromosome, from 0 to 1, ordered by its key.

    However many of the smallest are kept, each chromosome gives its share of them, rounded as seats
    of a parliament are by the method of Sainte-Lague.
    """
    order = np.lexsort((key, chrom))
    place = np.empty(len(chrom))
    ranked = chrom[order]
    sizes = np.bincount((ranked + 1).astype(np.intp, copy=False))
    place[order] = (_rank(ranked) + 0.5) / sizes[ranked + 1]
    return place


def _rank(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of the same group stand before; groups stand together."""
    first = np.flatnonzero(np.diff(group, prepend=-2))
    return np.arange(len(group)) - repeated(first, np.diff(first, append=len(group)))


def chroms_of(ids: NDArray[np.int32], universe: Universe) -> NDArray[np.int64]:
    """The chromosome of each token, -1 of a special one."""
    is_region = ids < len(universe)
    codes = universe.regions.codes[np.where(is_region, ids, 0)]
    return np.where(is_region, codes, -1).astype(np.int64)


def _chance(ids: NDArray[np.int32], word: NDArray[np.uint64]) -> NDArray[np.float64]:
    """A number for each token of a sample, by a word, the sample's tokens, and its place."""
    of_sample = _mix(ids.astype(np.uint64) + word).sum()
    places = np.arange(len(ids), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return _mix(of_sample + places).astype(np.float64)


def _mix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of splitmix64 (Steele, Lea and Flood 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _windows(batch: TokenBatch, n: int, stride: int) -> tuple[TokenBatch, NDArray[np.int64]]:
    """Pieces of n tokens, each beginning n - stride behind the one before."""
    if not 0 <= stride < n:
        raise GtokError(f"expected a stride from 0 to {n - 1}, below the room, found {stride}")
    step = n - stride
    beyond = np.maximum(batch.lengths - n, 0)
    n_pieces = 1 + -(-beyond // step)
    samples = repeated(np.arange(len(batch)), n_pieces)
    begins = batch.offsets[samples] + _rank(samples) * step
    lengths = np.minimum(batch.offsets[samples + 1] - begins, n)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    rows = np.arange(offsets[-1]) + repeated(begins - offsets[:-1], lengths)
    return batch.take(rows, offsets, samples), samples
