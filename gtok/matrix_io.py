"""Samples x regions matrices as files: npz, mtx and h5ad."""

from __future__ import annotations

import contextlib
import io
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from gtok._format import format_rows
from gtok.bed import write_bed
from gtok.columns import repeated
from gtok.errors import GtokError
from gtok.files import expect_folder, whole_path, write_gzip, write_whole
from gtok.universe import Universe

if TYPE_CHECKING:
    import anndata
    import scipy.sparse

# What would end a field or a line of a tsv, or is no text.
_BREAKS = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")

_ROWS_AT_ONCE = 1 << 16

PACKED: dict[str, Any] = {"compression": "gzip", "compression_opts": 1}  # as h5py takes it

Columns: TypeAlias = Mapping[str, Sequence[Any]]


def matrix_writer(
    path: str | os.PathLike[str],
) -> Callable[[scipy.sparse.csr_matrix, Universe, Sequence[str], Columns, dict[str, Any]], None]:
    """The writer for a path by its suffix: .npz, .h5ad, .mtx or .mtx.gz.

    Returns
    -------
    callable
        Takes the matrix, its universe (the columns), the samples' names (the rows), what else is
        known of each sample, column by column, and the settings it was made with.

    Raises
    ------
    GtokError
        If the suffix is none of these.
    ImportError
        If AnnData is needed and not there.
    """
    name = os.fspath(path)
    if not name.endswith((".npz", ".mtx", ".mtx.gz", ".h5ad")):
        raise GtokError(f"{name}: expected a name that ends in .npz, .h5ad, .mtx or .mtx.gz")
    expect_folder(path)
    if name.endswith(".npz"):
        return lambda *content: write_npz(path, *content)
    if name.endswith((".mtx", ".mtx.gz")):
        return lambda *content: write_mtx(path, *content)
    expect_anndata()
    return lambda *content: write_h5ad(path, *content)


def write_npz(
    path: str | os.PathLike[str],
    matrix: scipy.sparse.csr_matrix,
    universe: Universe,
    names: Sequence[str],
    obs: Columns,
    settings: dict[str, Any],
) -> None:
    """Write what `scipy.sparse.load_npz` reads, with what rows and columns are beside it.

    `numpy.load` finds ``samples`` and ``obs_...``, a row each; ``codes``, ``starts``, ``ends`` and
    the ``chrom_names`` that codes are numbers of, a column each; and ``gtok``, the settings as
    JSON.
    """
    import json

    regions = universe.regions
    arrays = {
        "format": np.array(b"csr"),
        "shape": np.array(matrix.shape),
        "data": matrix.data,
        "indices": matrix.indices,
        "indptr": matrix.indptr,
        "samples": np.array(names, dtype=np.str_),
        "codes": regions.codes,
        "starts": regions.starts,
        "ends": regions.ends,
        "chrom_names": np.array(regions.chrom_names),
        "gtok": np.array(json.dumps(_provenance(universe, settings))),
        **{f"obs_{name}": np.asarray(column) for name, column in obs.items()},
    }
    with (
        write_whole(path) as handle,
        # Level 1: most of what there is to gain, in a fraction of the time.
        zipfile.ZipFile(handle, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def write_mtx(
    path: str | os.PathLike[str],
    matrix: scipy.sparse.csr_matrix,
    universe: Universe,
    names: Sequence[str],
    obs: Columns,
    settings: dict[str, Any],
) -> None:
    """Write Matrix Market, samples x regions, and beside it what rows and columns are.

    Of ``out.mtx`` these are ``out.samples.tsv``, with a header, and ``out.regions.bed``.
    """
    stem = os.fspath(path).removesuffix(".gz").removesuffix(".mtx")
    regions = universe.regions
    columns = {"sample": names, **obs}
    for name, column in columns.items():
        for text in (name, *map(str, column)):
            if _BREAKS.search(text):
                raise GtokError(f"a tsv cannot hold {text!r}, in the column {name!r}")
    comment = "rows are samples, columns are regions; " + ", ".join(
        f"{name} {value}" for name, value in _provenance(universe, settings).items()
    )
    writer: Any = write_gzip if os.fspath(path).endswith(".gz") else write_whole
    # All three are there before any takes its name.
    with (
        write_whole(f"{stem}.samples.tsv") as samples,
        whole_path(f"{stem}.regions.bed") as bed,
        writer(path) as handle,
    ):
        samples.write("\t".join(columns).encode() + b"\n")
        for row in zip(*columns.values(), strict=True):
            samples.write("\t".join(map(str, row)).encode() + b"\n")
        write_bed(bed, regions.chrom_names, (regions.codes, regions.starts, regions.ends))
        _write_entries(handle, matrix, comment)


def _write_entries(handle: Any, matrix: scipy.sparse.csr_matrix, comment: str) -> None:
    """Write Matrix Market; counts without SciPy, which is not everywhere (WebAssembly)."""
    if matrix.data.dtype != np.int32 or matrix.data.min(initial=0) < 0:
        import scipy.io

        scipy.io.mmwrite(handle, matrix, comment=comment)
        return
    n, width = matrix.shape
    kind, comment = "matrix coordinate integer general", comment.replace("\n", "\n%")
    handle.write(f"%%MatrixMarket {kind}\n%{comment}\n{n} {width} {len(matrix.data)}\n".encode())
    numbers = [b"%d" % (row + 1) for row in range(n)]
    rows = repeated(np.arange(n, dtype=np.int32), np.diff(matrix.indptr))
    for lo in range(0, len(rows), _ROWS_AT_ONCE):
        part = slice(lo, lo + _ROWS_AT_ONCE)
        columns = (rows[part], matrix.indices[part] + np.int32(1), matrix.data[part])
        handle.write(format_rows(numbers, *columns).replace(b"\t", b" "))


def write_h5ad(
    path: str | os.PathLike[str],
    matrix: scipy.sparse.csr_matrix,
    universe: Universe,
    names: Sequence[str],
    obs: Columns,
    settings: dict[str, Any],
) -> None:
    """Write an AnnData, as `to_anndata` makes it."""
    adata = to_anndata(matrix, universe, names, obs, settings)
    with h5ad_file(path) as handle:
        write_anndata(handle, adata)


class _Disk(io.RawIOBase):
    """A file for HDF5, which would crash on a full disk: its errors are kept for afterwards."""

    def __init__(self, path: str) -> None:
        self.file = open(path, "w+b", buffering=0)  # noqa: SIM115
        self.error: OSError | None = None

    def readinto(self, buffer: Any) -> int:
        return self.file.readinto(buffer) or 0

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        done = 0
        while self.error is None and done < len(view):
            try:
                done += self.file.write(view[done:]) or 0
            except OSError as error:
                self.error = error
        return len(view)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()

    def truncate(self, size: int | None = None) -> int:
        if self.error is None:
            try:
                self.file.truncate(size)
            except OSError as error:
                self.error = error
        return size or 0

    def close(self) -> None:
        self.file.close()
        super().close()


@contextlib.contextmanager
def h5ad_file(path: str | os.PathLike[str]) -> Iterator[Any]:
    """An `h5py.File` that is written whole or not at all."""
    import h5py

    with whole_path(path) as hidden, contextlib.closing(_Disk(hidden)) as disk:
        try:
            with h5py.File(disk, "w") as handle:
                yield handle
        except Exception:
            if disk.error is None:
                raise
        if disk.error is not None:
            raise OSError(disk.error.errno, disk.error.strerror, os.fspath(path))


def write_anndata(handle: Any, adata: anndata.AnnData) -> None:
    """Write an AnnData to an open file, texts that repeat as categories."""
    import anndata.io

    adata.strings_to_categoricals()
    anndata.io.write_elem(handle, "/", adata, dataset_kwargs=PACKED)


def to_anndata(
    matrix: scipy.sparse.csr_matrix,
    universe: Universe,
    names: Sequence[str],
    obs: Columns,
    settings: dict[str, Any],
) -> anndata.AnnData:
    """Make an AnnData of a matrix.

    Returns
    -------
    anndata.AnnData
        ``obs``: a row per sample; ``var``: ``chrom``, ``start`` and ``end`` of each region and,
        where the universe has them, ``name`` and ``score``, called by its token;
        ``uns["gtok"]``: the settings, the universe's digest, gtok's version.
    """
    pd, ad = expect_anndata()
    regions = universe.regions
    chroms = pd.Categorical.from_codes(regions.codes, categories=list(regions.chrom_names))
    columns: dict[str, Any] = {
        "chrom": chroms.remove_unused_categories(),
        "start": regions.starts,
        "end": regions.ends,
    }
    if universe.names is not None:
        columns["name"] = universe.names
    if universe.scores is not None:
        columns["score"] = universe.scores
    return ad.AnnData(
        X=matrix,
        obs=pd.DataFrame(dict(obs), index=pd.Index(list(names), dtype=str)),
        var=pd.DataFrame(columns, index=pd.Index(universe.tokens, dtype=str)),
        uns={"gtok": _provenance(universe, settings)},
    )


def _provenance(universe: Universe, settings: dict[str, Any]) -> dict[str, Any]:
    """What a matrix was made with, as far as it is set."""
    import gtok

    known = {
        "version": gtok.__version__,
        "universe": universe.digest,
        "genome": universe.genome,
        **settings,
    }
    return {name: value for name, value in known.items() if value is not None}


def expect_anndata() -> tuple[Any, Any]:
    """Pandas and AnnData, or a word on how to get them."""
    try:
        import anndata
        import pandas
    except ModuleNotFoundError:
        raise ImportError("h5ad needs AnnData: pip install 'gtok[cells]'") from None
    return pandas, anndata
