"""Matrices as files: what was written is what is read, and it is written whole or not at all."""

from __future__ import annotations

import gzip
import json
import math
import os
import re
import stat
import sys
import zipfile
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse

import gtok
from gtok import GtokError, Universe
from gtok.files import whole_path
from gtok.matrix_io import matrix_writer, to_anndata, write_h5ad, write_mtx, write_npz

WRITERS = {"x.npz": write_npz, "x.mtx": write_mtx, "x.mtx.gz": write_mtx, "x.h5ad": write_h5ad}
TOKENS = [
    "chr2:5-50",
    "chr1:150-300",
    "chr1:100-200",
    "HLA-A*01:01:0-9",
    "chr2:2147483640-2147483647",
]
NAMES = ["one", "zwei ö", "trois"]
OBS = {
    "age": [31, -4, 0],
    "weight": [0.5, math.nan, 1e-300],
    "batch": ["001", "", '"q"'],
    "n_regions": [4, 1, 2**40],
}
SETTINGS = {"values": "bp", "signal": None, "reduce": "sum", "binary": False, "min_overlap": 0.5}
KNOWN = {"values": "bp", "reduce": "sum", "binary": False, "min_overlap": 0.5}


@pytest.fixture
def universe():
    return Universe(TOKENS)


@pytest.fixture(params=list(WRITERS))
def output(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return request.param


def counts(dtype=np.int32, n_rows=3, n_columns=5):
    array = np.arange(n_rows * n_columns).reshape(n_rows, n_columns) * 7919 % 11
    return scipy.sparse.csr_matrix(np.where(array > 5, array, 0).astype(dtype))


def fractions():
    """Shares whose last bits count."""
    array = np.array([[1 / 3, 0, 2 / 7, 1, 0], [0, 0, 0, 0, 1e-30], [0, 16777216, 0.1, 0, -0.5]])
    return scipy.sparse.csr_matrix(array.astype(np.float32))


def read_matrix(path):
    if path.endswith(".npz"):
        return scipy.sparse.load_npz(path)
    if path.endswith(".h5ad"):
        return anndata.read_h5ad(path).X
    return scipy.io.mmread(path).tocsr()


def arrays_of(path):
    with np.load(path) as archive:
        return dict(archive)


# --- the matrix


@pytest.mark.parametrize(
    "matrix",
    [
        counts(),
        fractions(),
        counts(n_rows=0),
        scipy.sparse.csr_matrix((3, 5), dtype=np.int32),
        scipy.sparse.csr_matrix((1, 5), dtype=np.float32),
        scipy.sparse.csr_matrix(np.full((2, 5), 2**31 - 1, dtype=np.int32)),
        scipy.sparse.csr_matrix(np.eye(5, dtype=np.int32)),
        scipy.sparse.csr_matrix(np.ones((5, 5), dtype=np.float32)),
        scipy.sparse.csr_matrix(np.arange(25, dtype=np.float32).reshape(5, 5) - 12),
        scipy.sparse.csr_matrix(
            np.array([[0, 1, 0, 0, 0], [-1, 0, 0, 0, 0], *[[0] * 5] * 3], dtype=np.int32)
        ),
    ],
    ids=[
        "counts", "fractions", "no rows", "no entries", "one row", "large", "diagonal", "symmetric",
        "square", "skew",
    ],
)  # fmt: skip
def test_the_matrix_is_read_back(output, universe, matrix):
    names = [f"s{i}" for i in range(matrix.shape[0])]
    WRITERS[output](output, matrix, universe, names, {}, {})
    found = read_matrix(output)
    assert found.shape == matrix.shape
    assert np.array_equal(found.toarray().astype(matrix.dtype), matrix.toarray())
    if ".mtx" not in output:
        assert found.dtype == matrix.dtype
        for name in ("data", "indices", "indptr"):
            assert np.array_equal(getattr(found, name), getattr(matrix, name))
    elif matrix.nnz:
        assert found.dtype.kind == matrix.dtype.kind


def test_the_matrix_stays_as_it_is(output, universe):
    matrix, before = counts(), counts()
    WRITERS[output](output, matrix, universe, NAMES, OBS, SETTINGS)
    assert (matrix != before).nnz == 0
    assert matrix.dtype == before.dtype


@pytest.mark.parametrize("given", [str, Path, lambda name: os.path.join("folder", name)])
def test_paths_of_any_kind(output, universe, given):
    os.mkdir("folder")
    path = given(output)
    WRITERS[output](path, counts(), universe, NAMES, {}, {})
    assert (read_matrix(os.fspath(path)) != counts()).nnz == 0
    beside = {"x.samples.tsv", "x.regions.bed"} if ".mtx" in output else set()
    assert set(os.listdir(os.path.dirname(path) or ".")) - {"folder"} == {output} | beside


@pytest.mark.parametrize("name", ["x.npz", "x.mtx", "x.mtx.gz"])
def test_the_same_content_is_the_same_bytes(tmp_path, universe, name, monkeypatch):
    import time

    found = []
    for folder, now in (("a", 1e9), ("b", 1.5e9)):
        (tmp_path / folder).mkdir()
        monkeypatch.setattr(time, "time", lambda now=now: now)
        WRITERS[name](tmp_path / folder / name, counts(), universe, NAMES, OBS, SETTINGS)
        found.append({path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()})
    assert found[0] == found[1]


# --- npz


def test_what_numpy_finds_in_an_npz(tmp_path, universe):
    path = tmp_path / "x.npz"
    write_npz(path, counts(), universe, NAMES, OBS, SETTINGS)
    arrays = arrays_of(path)
    assert set(arrays) == {
        "format", "shape", "data", "indices", "indptr", "samples", "codes", "starts", "ends",
        "chrom_names", "gtok", "obs_age", "obs_weight", "obs_batch", "obs_n_regions",
    }  # fmt: skip
    assert arrays["samples"].tolist() == NAMES
    assert arrays["obs_age"].tolist() == OBS["age"]
    assert arrays["obs_age"].dtype == np.int64
    np.testing.assert_array_equal(arrays["obs_weight"], OBS["weight"])
    assert arrays["obs_batch"].tolist() == OBS["batch"]
    assert arrays["obs_n_regions"].tolist() == OBS["n_regions"]
    assert arrays["chrom_names"][arrays["codes"]].tolist() == [
        "chr2", "chr1", "chr1", "HLA-A*01:01", "chr2"
    ]  # fmt: skip
    assert arrays["starts"].tolist() == [5, 150, 100, 0, 2147483640]
    assert arrays["ends"].tolist() == [50, 300, 200, 9, 2147483647]


def test_an_npz_is_compressed_and_whole(tmp_path, universe):
    wide = scipy.sparse.csr_matrix(np.ones((50, 1000), dtype=np.int32))
    many = Universe([("chr1", i, i + 1) for i in range(1000)])
    write_npz(tmp_path / "x.npz", wide, many, [f"s{i}" for i in range(50)], {}, {})
    assert (tmp_path / "x.npz").stat().st_size < 50 * 1000 * 8 / 4
    with zipfile.ZipFile(tmp_path / "x.npz") as archive:
        assert archive.testzip() is None


def test_rows_without_names_or_columns(tmp_path, universe):
    write_npz(tmp_path / "x.npz", counts(n_rows=0), universe, [], {"age": []}, {})
    arrays = arrays_of(tmp_path / "x.npz")
    assert arrays["samples"].tolist() == []
    assert arrays["obs_age"].tolist() == []


# --- Matrix Market


@pytest.mark.parametrize(
    "matrix",
    [
        counts(),
        -counts(),
        counts(np.int64),
        counts(np.float32),
        counts(n_rows=70, n_columns=3000),
    ],
    ids=["counts", "negative", "int64", "float32", "several parts"],
)
def test_an_mtx_is_what_scipy_writes(tmp_path, matrix):
    universe = Universe([f"chr1:{i}-{i + 5}" for i in range(matrix.shape[1])], genome="a\nb")
    names = [f"s{i}" for i in range(matrix.shape[0])]
    write_mtx(tmp_path / "x.mtx", matrix, universe, names, {}, SETTINGS)
    written = (tmp_path / "x.mtx").read_text()
    comment = "\n".join(
        line[1:] for line in written.splitlines() if re.match("%(?!%MatrixMarket)", line)
    )
    assert "genome a\nb" in comment
    scipy.io.mmwrite(tmp_path / "y.mtx", matrix, comment=comment)
    assert written == (tmp_path / "y.mtx").read_text()


@pytest.mark.parametrize("name", ["x.mtx", "x.mtx.gz", "a.b.mtx", "a.gz.mtx.gz"])
def test_what_stands_beside_an_mtx(tmp_path, universe, name):
    write_mtx(tmp_path / name, counts(), universe, NAMES, OBS, SETTINGS)
    stem = name.removesuffix(".gz").removesuffix(".mtx")
    assert sorted(os.listdir(tmp_path)) == sorted(
        [name, f"{stem}.samples.tsv", f"{stem}.regions.bed"]
    )
    assert (tmp_path / f"{stem}.samples.tsv").read_text(encoding="utf-8") == (
        "sample\tage\tweight\tbatch\tn_regions\n"
        "one\t31\t0.5\t001\t4\n"
        "zwei ö\t-4\tnan\t\t1\n"
        'trois\t0\t1e-300\t"q"\t1099511627776\n'
    )
    assert (tmp_path / f"{stem}.regions.bed").read_text() == (
        "chr2\t5\t50\nchr1\t150\t300\nchr1\t100\t200\nHLA-A*01:01\t0\t9\n"
        "chr2\t2147483640\t2147483647\n"
    )
    assert Universe(tmp_path / f"{stem}.regions.bed").digest == universe.digest
    content = (tmp_path / name).read_bytes()
    assert content.startswith(b"\x1f\x8b" if name.endswith(".gz") else b"%%MatrixMarket")
    text = gzip.decompress(content) if name.endswith(".gz") else content
    assert text.startswith(b"%%MatrixMarket matrix coordinate integer general\n%")


def test_rows_without_anything_known(tmp_path, universe):
    write_mtx(tmp_path / "x.mtx", counts(), universe, NAMES, {}, {})
    assert (tmp_path / "x.samples.tsv").read_text(encoding="utf-8") == (
        "sample\none\nzwei ö\ntrois\n"
    )


@pytest.mark.parametrize("bad", ["a\tb", "a\nb", "a\rb", "a\x00b", "\x1b[1m", "a\u2028b", "\ud800"])
@pytest.mark.parametrize("where", ["a name", "a cell", "a column"])
def test_text_that_a_tsv_cannot_hold(tmp_path, universe, bad, where):
    names = [*NAMES[:2], bad] if where == "a name" else NAMES
    obs = {"x": ["a", bad, "b"]} if where == "a cell" else {}
    obs |= {bad: [1, 2, 3]} if where == "a column" else {}
    with pytest.raises(GtokError) as caught:
        write_mtx(tmp_path / "x.mtx", counts(), universe, names, obs, {})
    column = {"a name": "sample", "a cell": "x", "a column": bad}[where]
    assert str(caught.value) == f"a tsv cannot hold {bad!r}, in the column {column!r}"
    assert os.listdir(tmp_path) == []


# --- AnnData


def test_an_anndata(universe):
    adata = to_anndata(counts(), universe, NAMES, OBS, SETTINGS)
    assert isinstance(adata, anndata.AnnData)
    assert (counts() != adata.X).nnz == 0
    assert adata.obs_names.tolist() == NAMES
    assert adata.var_names.tolist() == TOKENS
    assert list(adata.obs) == ["age", "weight", "batch", "n_regions"]
    assert adata.obs["age"].tolist() == [31, -4, 0]
    assert list(adata.var) == ["chrom", "start", "end"]
    assert adata.var["chrom"].tolist() == ["chr2", "chr1", "chr1", "HLA-A*01:01", "chr2"]
    assert isinstance(adata.var["chrom"].dtype, pd.CategoricalDtype)
    assert adata.var["start"].tolist() == [5, 150, 100, 0, 2147483640]
    assert adata.var["end"].tolist() == [50, 300, 200, 9, 2147483647]
    assert adata.uns == {
        "gtok": {"version": gtok.__version__, "universe": universe.digest, **KNOWN}
    }


def test_an_h5ad_is_read_back(tmp_path, universe):
    write_h5ad(tmp_path / "x.h5ad", fractions(), universe, NAMES, OBS, SETTINGS)
    adata = anndata.read_h5ad(tmp_path / "x.h5ad")
    made = to_anndata(fractions(), universe, NAMES, OBS, SETTINGS)
    assert adata.X.dtype == np.float32
    assert (adata.X != made.X).nnz == 0
    assert adata.obs_names.tolist() == NAMES
    assert adata.var_names.tolist() == TOKENS
    assert adata.obs["age"].dtype == np.int64
    np.testing.assert_array_equal(adata.obs["weight"], OBS["weight"])
    assert adata.obs["batch"].astype(str).tolist() == OBS["batch"]
    assert adata.obs["n_regions"].tolist() == OBS["n_regions"]
    assert adata.var["chrom"].tolist() == made.var["chrom"].tolist()
    assert adata.var["end"].tolist() == made.var["end"].tolist()
    assert dict(adata.uns["gtok"]) == made.uns["gtok"]


@pytest.mark.parametrize(
    ("rows", "names", "scores"),
    [
        ("chr1\t1\t5\tp1\t7\nchr1\t8\t9\tp2\t0.5\n", ["p1", "p2"], [7, 0.5]),
        ("chr1\t1\t5\tp1\t7\nchr1\t8\t9\tp1\t.\n", ["p1", "p1"], [7, math.nan]),
        ("chr1\t1\t5\tp1\nchr1\t8\t9\tp2\n", ["p1", "p2"], None),
        ("chr1\t1\t5\tp1\tx\nchr1\t8\t9\tp2\ty\n", ["p1", "p2"], None),
        ("chr1\t1\t5\nchr1\t8\t9\n", None, None),
    ],
)
def test_names_and_scores_of_a_universe(tmp_path, rows, names, scores):
    (tmp_path / "u.bed").write_text(rows)
    universe = Universe.from_bed(tmp_path / "u.bed")
    write_h5ad(tmp_path / "x.h5ad", counts(n_columns=2), universe, NAMES, {}, {})
    for adata in (
        to_anndata(counts(n_columns=2), universe, NAMES, {}, {}),
        anndata.read_h5ad(tmp_path / "x.h5ad"),
    ):
        further = [*(["name"] if names else []), *(["score"] if scores else [])]
        assert list(adata.var) == ["chrom", "start", "end", *further]
        assert adata.var_names.tolist() == ["chr1:1-5", "chr1:8-9"]
        if names:
            assert adata.var["name"].tolist() == names
        if scores:
            np.testing.assert_array_equal(adata.var["score"], scores)


def test_chromosomes_that_no_region_is_on_are_none(tmp_path):
    regions = gtok.RegionSet.from_codes(
        np.array([2, 0], dtype=np.int32), ["chrX", "chrUn", "chr1"], [5, 7], [6, 8]
    )
    adata = to_anndata(counts(n_columns=2), Universe(regions), NAMES, {}, {})
    assert adata.var["chrom"].tolist() == ["chr1", "chrX"]
    assert sorted(adata.var["chrom"].cat.categories) == ["chr1", "chrX"]


# --- what it was made with


@pytest.mark.parametrize("genome", [None, "hg38"])
def test_provenance(output, genome):
    universe = Universe(TOKENS, genome=genome)
    WRITERS[output](output, counts(), universe, NAMES, OBS, SETTINGS)
    expected = {"version": gtok.__version__, "universe": universe.digest}
    expected |= {"genome": genome} if genome else {}
    expected |= KNOWN
    if output.endswith(".npz"):
        assert json.loads(str(arrays_of(output)["gtok"])) == expected
    elif output.endswith(".h5ad"):
        assert dict(anndata.read_h5ad(output).uns["gtok"]) == expected
    else:
        content = Path(output).read_bytes()
        text = gzip.decompress(content) if output.endswith(".gz") else content
        comments = [line for line in text.decode().splitlines()[1:] if line.startswith("%")]
        told = ", ".join(f"{name} {value}" for name, value in expected.items())
        assert [line.lstrip("% ") for line in comments if line.strip("% ")] == [
            f"rows are samples, columns are regions; {told}"
        ]


# --- by suffix


@pytest.mark.parametrize("given", [str, Path])
def test_the_writer_of_a_suffix(output, universe, given):
    write = matrix_writer(given(output))
    assert os.listdir() == []
    write(counts(), universe, NAMES, OBS, SETTINGS)
    assert (read_matrix(output) != counts()).nnz == 0
    content = Path(output).read_bytes()
    magics = {"x.npz": b"PK", "x.mtx": b"%%MatrixMarket", "x.mtx.gz": b"\x1f\x8b"}
    assert content.startswith(magics.get(output, b"\x89HDF"))


@pytest.mark.parametrize(
    "name",
    ["x", "", "x.csv", "x.npy", "x.NPZ", "x.npz.gz", "x.h5", "x.h5ad.gz", "mtx", "x.gz", "-"],
)
def test_other_suffixes_are_refused(name):
    with pytest.raises(GtokError) as caught:
        matrix_writer(name)
    assert str(caught.value) == (
        f"{name}: expected a name that ends in .npz, .h5ad, .mtx or .mtx.gz"
    )


@pytest.mark.parametrize("missing", ["anndata", "pandas"])
def test_anndata_is_missed_before_there_is_a_matrix(monkeypatch, universe, missing):
    # None makes an import fail as it does where a package is not installed.
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r"^h5ad needs AnnData: pip install 'gtok\[cells\]'$"):
        matrix_writer("x.h5ad")
    with pytest.raises(ImportError, match=r"gtok\[cells\]"):
        to_anndata(counts(), universe, NAMES, {}, {})
    for name in ("x.npz", "x.mtx", "x.mtx.gz"):
        assert callable(matrix_writer(name))


# --- whole or not at all


def check_nothing_is_left(output, universe, names, obs, error):
    """That neither a failure over nothing nor one over what was there changes anything."""
    with pytest.raises(error):
        WRITERS[output](output, counts(), universe, names, obs, {})
    assert os.listdir() == []
    before = ("x.npz", "x.h5ad", "x.mtx", "x.mtx.gz", "x.samples.tsv", "x.regions.bed")
    for name in before:
        Path(name).write_text(f"old {name}")
    with pytest.raises(error):
        WRITERS[output](output, counts(), universe, names, obs, {})
    assert {name: Path(name).read_text() for name in os.listdir()} == {
        name: f"old {name}" for name in before
    }


@pytest.mark.parametrize("n", [2, 4])
@pytest.mark.parametrize("output", ["x.mtx", "x.mtx.gz", "x.h5ad"], indirect=True)
def test_columns_of_another_length(output, universe, n):
    check_nothing_is_left(output, universe, NAMES, {"x": [1] * n}, Exception)


@pytest.mark.parametrize("output", ["x.npz", "x.h5ad"], indirect=True)
def test_columns_that_no_file_holds(output, universe):
    check_nothing_is_left(output, universe, NAMES, {"x": [object(), {}, None]}, Exception)


@pytest.mark.parametrize("output", ["x.npz", "x.mtx", "x.mtx.gz"], indirect=True)
def test_an_interrupt(output, universe):
    class Interrupting:
        """A matrix, until its entries are asked for."""

        shape = (3, 5)

        def __getattr__(self, name):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        WRITERS[output](output, Interrupting(), universe, NAMES, {}, {})
    assert os.listdir() == []


def test_an_interrupt_within_an_h5ad(tmp_path, universe, monkeypatch):
    def write_half(handle, key, adata, **options):
        handle["half"] = [1]
        raise KeyboardInterrupt

    monkeypatch.setattr(anndata.io, "write_elem", write_half)
    (tmp_path / "x.h5ad").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        write_h5ad(tmp_path / "x.h5ad", counts(), universe, NAMES, {}, {})
    assert os.listdir(tmp_path) == ["x.h5ad"]
    assert (tmp_path / "x.h5ad").read_bytes() == b"old"


def test_a_chromosome_that_bed_cannot_hold(output):
    universe = Universe([("#1", 1, 5), ("chr1", 1, 5)])
    matrix = counts(n_columns=2)
    if ".mtx" in output:
        check_nothing_is_left(output, universe, NAMES, OBS, GtokError)
    else:
        WRITERS[output](output, matrix, universe, NAMES, OBS, {})
        assert (read_matrix(output) != matrix).nnz == 0


def test_a_folder_is_no_target(output, universe):
    os.mkdir(output)
    with pytest.raises(IsADirectoryError) as caught:
        WRITERS[output](output, counts(), universe, NAMES, OBS, {})
    assert str(caught.value).endswith(f"{output}'")
    assert os.listdir() == [output]
    assert os.listdir(output) == []


def test_a_missing_folder_is_named(output, universe):
    path = os.path.join("nowhere", output)
    with pytest.raises(FileNotFoundError) as caught:
        WRITERS[output](path, counts(), universe, NAMES, OBS, {})
    assert ".part" not in str(caught.value)
    assert caught.value.filename is not None
    assert os.path.dirname(caught.value.filename) == "nowhere"
    assert os.listdir() == []


# --- whole_path


class Stop(BaseException):
    """As KeyboardInterrupt is: no Exception."""


def write_and_raise(path, error):
    with whole_path(path) as hidden:
        Path(hidden).write_bytes(b"new")
        raise error


@pytest.mark.parametrize("given", [str, Path])
def test_a_hidden_name_becomes_the_target(tmp_path, given):
    target = tmp_path / "out.h5ad"
    target.write_bytes(b"old")
    with whole_path(given(target)) as hidden:
        assert os.path.dirname(hidden) == os.path.realpath(tmp_path)
        assert os.path.basename(hidden).startswith(".")
        assert not os.path.exists(hidden)
        Path(hidden).write_bytes(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["out.h5ad"]


@pytest.mark.parametrize("error", [RuntimeError, GtokError, KeyboardInterrupt, Stop])
@pytest.mark.parametrize("before", [None, b"old"], ids=["nothing", "something"])
def test_an_exception_leaves_what_was_there(tmp_path, error, before):
    target = tmp_path / "out"
    if before is not None:
        target.write_bytes(before)
    with pytest.raises(error):
        write_and_raise(target, error)
    assert (target.read_bytes() if target.exists() else None) == before
    assert os.listdir(tmp_path) == ([] if before is None else ["out"])


def test_an_exception_before_anything_is_written(tmp_path):
    with pytest.raises(RuntimeError, match="early"), whole_path(tmp_path / "out"):
        raise RuntimeError("early")
    assert os.listdir(tmp_path) == []


def test_a_block_that_writes_nothing_is_told_by_the_targets_name(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, whole_path(tmp_path / "out"):
        pass
    assert caught.value.filename == str(tmp_path / "out")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("given", [str, Path])
def test_a_missing_folder_is_told_by_the_targets_name(tmp_path, given):
    target = tmp_path / "nowhere" / "out"
    with (
        pytest.raises(FileNotFoundError) as caught,
        whole_path(given(target)) as hidden,
        open(hidden, "wb"),
    ):
        pass
    assert caught.value.filename == str(target)
    assert str(caught.value) == f"[Errno 2] No such file or directory: {str(target)!r}"


def test_a_target_that_is_a_folder_is_told_by_its_name(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    with pytest.raises(OSError, match="directory") as caught, whole_path(target) as hidden:
        Path(hidden).write_bytes(b"new")
    assert caught.value.filename == str(target)
    assert str(caught.value).endswith(f": {str(target)!r}")
    assert os.listdir(tmp_path) == ["out"]
    assert os.listdir(target) == []


def test_errors_about_other_files_stay_as_they_are(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, whole_path(tmp_path / "out"):
        (tmp_path / "another").read_bytes()
    assert caught.value.filename == str(tmp_path / "another")


def test_two_writers_do_not_meet(tmp_path):
    with whole_path(tmp_path / "out") as one:
        with whole_path(tmp_path / "out") as other:
            assert one != other
            Path(other).write_bytes(b"other")
        Path(one).write_bytes(b"one")
    assert (tmp_path / "out").read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_a_symbolic_link_is_followed(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(os.path.join("there", "target"))
    with whole_path(tmp_path / "link") as hidden:
        Path(hidden).write_bytes(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "target").read_bytes() == b"new"
    assert os.listdir(tmp_path / "there") == ["target"]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_permissions_follow_the_umask(output, universe, umask):
    WRITERS[output](output, counts(), universe, NAMES, {}, {})
    for name in os.listdir():
        assert stat.S_IMODE(os.stat(name).st_mode) == 0o666 & ~umask
