"""`CellMatrix`: counts of cells by region, what is known of each cell, and where both can go."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from gtok.batch import TokenBatch
from gtok.bed import write_bed
from gtok.errors import GtokError, check_choice
from gtok.files import whole_folder, write_gzip, write_whole
from gtok.matrix_io import PACKED, expect_anndata, h5ad_file, to_anndata, write_anndata
from gtok.regions import RegionSet
from gtok.samples import Sample, as_regions
from gtok.tokenizer import Tokenizer
from gtok.universe import Universe

if TYPE_CHECKING:
    import anndata
    import pandas

Order = Literal["genome", "value", "random"]
Layout = Literal["scanpy", "cellranger"]
ORDERS = ("genome", "value", "random")


class CellMatrix:
    """Counts of cells by region; made by `count_fragments`.

    Attributes
    ----------
    X : scipy.sparse.csr_matrix, uint32, shape (cells, regions)
        The counts.
    barcodes : list of str
        Of each row, in order of first appearance, or as the whitelist has them.
    samples : list of str or None
        Of each row, where several files were counted.
    universe : Universe
        The columns.
    lengths : int64[1001]
        Fragments by their length in base pairs, the last class being those of 1,000 and more.
    quality : dict of str to array
        What `stats` has, column by column, without pandas.
    settings : dict
        What the counts were made with.
    """

    def __init__(
        self,
        X: scipy.sparse.csr_matrix,  # noqa: N803
        barcodes: list[str],
        samples: list[str] | None,
        universe: Universe,
        quality: Mapping[str, NDArray[Any]],
        lengths: NDArray[np.int64],
        settings: dict[str, Any],
    ) -> None:
        self.X = X
        self.barcodes = barcodes
        self.samples = samples
        self.universe = universe
        self.lengths = lengths
        self.settings = settings
        self.quality = dict(quality)

    @classmethod
    def concatenate(cls, parts: Sequence[CellMatrix]) -> CellMatrix:
        """Stack matrices over the same universe, each with samples; lengths add up.

        Raises
        ------
        GtokError
            If there is none, or their universes differ, or two rows would have one name.
        """
        if not parts:
            raise GtokError("expected a matrix of cells or more, found none")
        names = set(parts[0].names)
        for part in parts[1:]:
            _check_part(parts[0], part, names)
        samples = None
        if len(parts) > 1:
            samples = [sample for part in parts for sample in part.samples or []]
        made = cls(
            scipy.sparse.csr_matrix(scipy.sparse.vstack([part.X for part in parts], format="csr")),
            [barcode for part in parts for barcode in part.barcodes],
            parts[0].samples if samples is None else samples,
            parts[0].universe,
            {
                name: np.concatenate([part.quality[name] for part in parts])
                for name in parts[0].quality
            },
            np.sum([part.lengths for part in parts], axis=0),
            parts[0].settings,
        )
        made.X.has_canonical_format = True
        return made

    def __len__(self) -> int:
        return len(self.barcodes)

    def __repr__(self) -> str:
        n, m = self.X.shape
        return (
            f"CellMatrix({n:,} cell{'s' * (n != 1)} x {m:,} region{'s' * (m != 1)}, "
            f"{self.X.nnz:,} nonzeros, counting={self.settings['counting']!r})"
        )

    @property
    def names(self) -> list[str]:
        """A name for each row: its barcode, with its sample before it where there are several."""
        if self.samples is None:
            return self.barcodes
        return [f"{a}:{b}" for a, b in zip(self.samples, self.barcodes, strict=True)]

    @property
    def stats(self) -> pandas.DataFrame:
        """What is known of each cell, a data frame with a row per barcode.

        ``n_fragments``; ``n_excluded``, those left out on request; ``frip``, the share of
        fragments that overlap a region, mitochondrial ones apart; ``duplicates``, the share of
        reads that repeat a fragment, NaN where the file has no read supports; ``mitochondrial``,
        a share, NaN where the file has no such contig; ``nucleosome_signal``, fragments of one
        nucleosome (147 to 293 bp) over shorter ones; with start sites also ``tss_enrichment``,
        insertions per base pair within 50 bp of one over those 1,900 to 2,000 bp away (at least
        0.2, so that few insertions do not make much of nothing).
        """
        try:
            import pandas as pd
        except ModuleNotFoundError:
            raise ImportError("statistics need pandas: pip install 'gtok[cells]'") from None
        return pd.DataFrame(self._columns(), index=pd.Index(self.names, dtype=str))

    def _columns(self) -> dict[str, Any]:
        sample = {} if self.samples is None else {"sample": self.samples}
        return {**sample, **self.quality}

    def __getitem__(self, rows: Any) -> CellMatrix:
        """Some of the cells, by a mask (``cells[cells.stats.frip > 0.2]``), a slice or numbers."""
        if not isinstance(rows, slice):
            rows = np.asarray(rows, dtype=None if np.size(rows) else np.int64)
        kept = np.arange(len(self))[rows]
        if kept.ndim != 1:
            raise TypeError(f"expected a mask, a slice or an array of rows, found {rows!r}")
        numbers = kept.tolist()
        return CellMatrix(
            self.X[kept],
            [self.barcodes[row] for row in numbers],
            None if self.samples is None else [self.samples[row] for row in numbers],
            self.universe,
            {name: column[kept] for name, column in self.quality.items()},
            self.lengths,
            self.settings,
        )

    def filter(self, *, min_fragments: int) -> CellMatrix:
        """The cells of at least so many fragments; for other measures index with a mask."""
        return self[self.quality["n_fragments"] >= min_fragments]

    def without_counts(self) -> CellMatrix:
        """The same cells, and all that is known of them but `X`, which has no entries."""
        return CellMatrix(
            scipy.sparse.csr_matrix(self.X.shape, dtype=self.X.dtype),
            self.barcodes, self.samples, self.universe, self.quality, self.lengths, self.settings,
        )  # fmt: skip

    def tokens(self, order: Order = "genome", seed: int | None = None) -> TokenBatch:
        """The regions of each cell as tokens, counts as values.

        Parameters
        ----------
        order : {"genome", "value", "random"}
            By position; the greatest count first, equal ones by position; or shuffled.
        seed : int, optional
            Of ``order="random"``.
        """
        return _as_tokens(self.X, self.universe, order, seed)

    def to_anndata(self) -> anndata.AnnData:
        """Make an AnnData: `stats` becomes ``obs``, the regions ``var``, the settings ``uns``.

        Returns
        -------
        anndata.AnnData
            ``uns["gtok"]`` has the way of counting, the universe's digest and gtok's version,
            ``uns["fragment_lengths"]`` the histogram.
        """
        adata = to_anndata(self.X, self.universe, self.names, self._columns(), self.settings)
        adata.uns["fragment_lengths"] = self.lengths
        return adata

    def write_h5ad(self, path: str | os.PathLike[str]) -> None:
        """Write what `to_anndata` makes, whole or not at all."""
        write_h5ad(path, [self])

    def write_mtx(self, folder: str | os.PathLike[str], layout: Layout = "scanpy") -> None:
        """Write Matrix Market, regions x cells, each file whole or not at all.

        Parameters
        ----------
        folder : str or path
            Made if it is not there.
        layout : {"scanpy", "cellranger"}
            ``matrix.mtx.gz``, ``features.tsv.gz`` and ``barcodes.tsv.gz``, as
            `scanpy.read_10x_mtx` reads them; or ``matrix.mtx``, ``peaks.bed`` and
            ``barcodes.tsv``, as Cell Ranger ATAC writes them.
        """
        import scipy.io

        check_choice("layout", layout, ("scanpy", "cellranger"))
        writer: Any = write_gzip if layout == "scanpy" else write_whole
        ending = ".gz" if layout == "scanpy" else ""
        regions = self.universe.regions
        with whole_folder(folder) as hidden:
            with writer(os.path.join(hidden, f"barcodes.tsv{ending}")) as handle:
                handle.write("".join(f"{name}\n" for name in self.names).encode())
            if layout == "cellranger":
                columns = (regions.codes, regions.starts, regions.ends)
                write_bed(os.path.join(hidden, "peaks.bed"), regions.chrom_names, columns)
            else:
                with writer(os.path.join(hidden, "features.tsv.gz")) as handle:
                    lines = (f"{token}\t{token}\tPeaks\n" for token in self.universe.tokens)
                    handle.write("".join(lines).encode())
            with writer(os.path.join(hidden, f"matrix.mtx{ending}")) as handle:
                scipy.io.mmwrite(handle, self.X.T.tocoo().astype(np.int64))


def _check_part(first: CellMatrix, part: CellMatrix, names: set[str]) -> None:
    """Refuse what cannot stand below the first of several parts; take note of its names."""
    if part.universe != first.universe:
        raise GtokError("expected matrices over one universe, found another one")
    for name, setting in first.settings.items():
        if part.settings[name] != setting:
            raise GtokError(
                "expected matrices counted in one way, found "
                f"{name}={part.settings[name]!r} beside {name}={setting!r}"
            )
    for name in part.quality.keys() ^ first.quality.keys():
        raise GtokError(f"expected matrices with the same statistics, found {name!r} in one only")
    if first.samples is None or part.samples is None:
        raise GtokError(
            "expected several matrices to have samples, which tell their cells apart: count with "
            "a dict of sample to path"
        )
    for name in part.names:
        if name in names:
            raise GtokError(f"expected each cell once, found {name!r} twice")
        names.add(name)


def write_h5ad(path: str | os.PathLike[str], parts: Iterable[CellMatrix]) -> None:
    """Write matrices of cells one below the other, with no more than one of them in memory.

    Parameters
    ----------
    path : str or path
        An h5ad file, as `CellMatrix.to_anndata` of all of them would be written; whole or not at
        all.
    parts : iterable of CellMatrix
        Over the same universe, each with samples if there are several:
        `gtok.fragments.count_each` makes them as they are asked for.

    Raises
    ------
    GtokError
        As `CellMatrix.concatenate`.
    """
    pd, _ = expect_anndata()
    import anndata.io

    remaining = iter(parts)
    first = next(remaining, None)
    if first is None:
        raise GtokError("expected a matrix of cells or more, found none")
    frames = [first.stats]
    names = set(first.names)
    lengths = first.lengths.copy()
    with h5ad_file(path) as handle:
        write_anndata(handle, first[:0].to_anndata())  # all that is there without rows
        del handle["X"]
        # Later parts may need 64 bits for what the first one tells in 32.
        anndata.io.write_elem(
            handle, "X", first.X, dataset_kwargs={**PACKED, "indptr_dtype": np.int64}
        )
        rows = anndata.io.sparse_dataset(handle["X"])
        for part in remaining:
            _check_part(first, part, names)
            rows.append(part.X)
            frames.append(part.stats)
            lengths += part.lengths
        obs = pd.concat(frames)
        if "sample" in obs:
            obs["sample"] = obs["sample"].astype("category")
        anndata.io.write_elem(handle, "obs", obs, dataset_kwargs=PACKED)
        anndata.io.write_elem(handle, "uns/fragment_lengths", lengths)


def retokenize(
    adata: anndata.AnnData,
    universe: Universe | Sample,
    how: Literal["count", "any", "fraction"] = "count",
) -> anndata.AnnData:
    """Carry an AnnData from its own regions over to those of a universe, by one sparse product.

    Parameters
    ----------
    adata : anndata.AnnData
        Its ``var`` has ``chrom`` (or ``chr``), ``start`` and ``end``, or names that read
        ``chrom:start-end``.
    universe : Universe, path, or sample
        The regions to carry it to.
    how : {"count", "any", "fraction"}
        A region gets the counts of all old ones that overlap it; or 1 if any of these has one; or
        their counts by the share of their length that lies in it.

    Returns
    -------
    anndata.AnnData
        The same cells, ``obs`` along, over the universe's regions.

    Raises
    ------
    GtokError
        If `how` is none of these, or the old regions cannot be told.
    """
    check_choice("how", how, ("count", "any", "fraction"))
    words = universe if isinstance(universe, Universe) else Universe(universe)
    counted = _carried(adata, Tokenizer(words), how)
    made = to_anndata(counted, words, list(adata.obs_names), {}, {"retokenized": how})
    made.obs = adata.obs.copy()
    return made


def tokens(
    adata: anndata.AnnData,
    tokenizer: Tokenizer,
    order: Order = "genome",
    seed: int | None = None,
) -> TokenBatch:
    """Each cell of an AnnData as a sequence of tokens: those that its nonzero peaks overlap.

    Parameters
    ----------
    adata : anndata.AnnData
        Its columns as of `retokenize`.
    tokenizer : Tokenizer
        Says which regions overlap a peak; its universe may well be the peaks themselves.
    order : {"genome", "value", "random"}
        By position; the greatest count first, equal ones by position; or shuffled.
    seed : int, optional
        Of ``order="random"``.

    Returns
    -------
    TokenBatch
        A sample per cell, each token once; values are the counts of its peaks, summed. No special
        tokens: a cell without an overlap has no token.

    Examples
    --------
    >>> import anndata, numpy as np, pandas as pd, gtok
    >>> peaks = pd.DataFrame(index=["chr1:100-200", "chr1:900-990", "chr2:5-50"])
    >>> adata = anndata.AnnData(np.array([[1, 0, 3], [0, 0, 1]]), var=peaks)
    >>> tokenizer = gtok.Tokenizer(["chr1:150-300", "chr2:40-80"])
    >>> gtok.cells.tokens(adata, tokenizer, order="value")
    TokenBatch(2 samples, 3 tokens, values)
    >>> list(gtok.cells.tokens(adata, tokenizer, order="value"))
    [array([1, 0], dtype=int32), array([1], dtype=int32)]
    """
    matrix = _carried(adata, tokenizer, "count")
    return _as_tokens(matrix, tokenizer.universe, order, seed)


def _carried(
    adata: anndata.AnnData, tokenizer: Tokenizer, how: Literal["count", "any", "fraction"]
) -> scipy.sparse.csr_matrix:
    """The matrix of an AnnData over the regions of a tokenizer's universe."""
    old = _regions_of(adata)
    hits = tokenizer.hits(old)
    weights = np.ones(len(hits.ids), dtype=np.float32)
    if how == "fraction":
        lengths = np.maximum(old.ends - old.starts, 1)
        weights = (hits.overlap / lengths[hits.queries]).astype(np.float32)
    shape = (adata.n_vars, len(tokenizer.universe))
    carry = scipy.sparse.csr_matrix((weights, (hits.queries, hits.ids)), shape=shape)
    matrix = scipy.sparse.csr_matrix(adata.X)
    if how == "any":
        matrix = (matrix > 0).astype(np.int32)
    elif how == "count" and matrix.dtype.kind in "iub":
        # Sums of bytes need more than a byte.
        wide = np.result_type(matrix.dtype, np.int32 if matrix.dtype.kind == "i" else np.uint32)
        matrix, carry = matrix.astype(wide), carry.astype(wide)
    counted = scipy.sparse.csr_matrix(matrix @ carry)
    counted.eliminate_zeros()
    counted.sort_indices()
    if how == "any":
        counted.data[:] = 1
    return counted


def _as_tokens(
    matrix: scipy.sparse.csr_matrix, universe: Universe, order: Order, seed: int | None
) -> TokenBatch:
    """The columns of each row's nonzeros, in some order."""
    check_choice("order", order, ORDERS)
    ids, values = matrix.indices.copy(), matrix.data.astype(np.float32)
    keys: list[NDArray[Any]] = []
    in_order = universe.regions.genome_order()  # None where the regions stand in it
    if in_order is not None:
        rank = np.empty(len(universe), dtype=np.int32)
        rank[in_order] = np.arange(len(universe), dtype=np.int32)
        keys = [rank[ids]]
    if order == "value":
        keys = [*(keys or [ids]), -values]
    elif order == "random":
        keys = [np.random.default_rng(seed).random(len(ids))]
    if keys:
        rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        kept = np.lexsort([*keys, rows])
        ids, values = ids[kept], values[kept]
    return TokenBatch(ids, matrix.indptr.astype(np.int64), values)


def _regions_of(adata: anndata.AnnData) -> RegionSet:
    """The regions that an AnnData's columns are, by its ``var`` or by their names."""
    try:
        return RegionSet.from_frame(adata.var)
    except GtokError:
        return as_regions(list(adata.var_names)) if adata.n_vars else RegionSet([], [], [])
