"""What a matrix of cells can do, where it goes, and the command that makes one."""

from __future__ import annotations

import gzip
import itertools
import math
import os
import random
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse

import gtok
from gtok import GtokError, RegionSet, Universe, count_fragments, retokenize
from gtok.cells import CellMatrix
from gtok.cli import main

UNIVERSE = "chr1\t100\t200\nchr1\t150\t300\nchr1\t900\t1000\nchr2\t5\t50\n"
TOKENS = ["chr1:100-200", "chr1:150-300", "chr1:900-1000", "chr2:5-50"]
LINES = [
    ("chr1", 110, 180, "CC-1", 2),
    ("chr1", 120, 160, "CC-1", 1),
    ("chr2", 10, 20, "AA-1", 1),
    ("chr1", 90, 310, "GG-1", 3),
    ("chr1", 500, 700, "AA-1", 1),
    ("chrM", 1, 90, "AA-1", 1),
    ("chr1", 950, 960, "CC-1", 4),
    ("chr7", 5, 9, "TT-1", 1),
]
FRAGMENTS = "".join("\t".join(map(str, line)) + "\n" for line in LINES)
# Of CC-1, AA-1, GG-1, TT-1, by paired insertion and by overlap.
PAIRED = [[2, 2, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]]
OVERLAPS = [[2, 2, 1, 0], [0, 0, 0, 1], [1, 1, 0, 0], [0, 0, 0, 0]]
NAMES = ["CC-1", "AA-1", "GG-1", "TT-1"]
pytest.importorskip("anndata")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a universe and fragments, the current one."""
    for name, text in {"u.bed": UNIVERSE, "f.tsv": FRAGMENTS, "none.tsv": ""}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "g.tsv.gz").write_bytes(gzip.compress(b"chr2\t8\t30\tAA-1\t1\n"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cells(here):
    return count_fragments("f.tsv", "u.bed")


@pytest.fixture
def of_two(here):
    return count_fragments(["f.tsv", "g.tsv.gz"], "u.bed", tss=["chr1:900-901", "chr2:9-10"])


def python(*args, stdin=b""):
    """Run Python with the gtok that is tested, whatever folder is the current one."""
    return subprocess.run(
        [sys.executable, *args],
        input=stdin,
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(gtok.__file__).parents[1])},
    )


def rows_of(found):
    return found.X.toarray().tolist()


# --- The matrix


def test_what_a_matrix_has(cells):
    assert len(cells) == 4
    assert cells.barcodes == cells.names == NAMES
    assert cells.samples is None
    assert rows_of(cells) == PAIRED
    assert cells.universe.tokens == TOKENS
    text = "CellMatrix(4 cells x 4 regions, 4 nonzeros, counting='paired-insertion')"
    assert repr(cells) == text
    assert repr(count_fragments("g.tsv.gz", ["chr2:1-9"], counting="insertion")) == (
        "CellMatrix(1 cell x 1 region, 1 nonzeros, counting='insertion')"
    )


def test_names_have_the_sample_where_there_are_several(of_two):
    assert of_two.barcodes == [*NAMES, "AA-1"]
    assert of_two.names == ["f:CC-1", "f:AA-1", "f:GG-1", "f:TT-1", "g:AA-1"]
    assert rows_of(of_two) == [*PAIRED, [0, 0, 0, 1]]


def test_stats_are_a_frame_by_name(cells):
    stats = cells.stats
    assert stats.index.tolist() == NAMES
    assert stats.columns.tolist() == [
        "n_fragments", "n_excluded", "frip", "duplicates", "mitochondrial", "nucleosome_signal",
    ]  # fmt: skip
    assert stats["n_fragments"].tolist() == [3, 3, 1, 1]
    assert stats["frip"].tolist() == [1, 0.5, 1, 0]
    assert stats["duplicates"].tolist() == pytest.approx([4 / 7, 0, 2 / 3, 0])
    assert stats["mitochondrial"].tolist() == pytest.approx([0, 1 / 3, 0, 0])
    expected = [0, 1 / 2, math.nan, 0]
    assert stats["nucleosome_signal"].tolist() == pytest.approx(expected, nan_ok=True)


def test_stats_of_several_files_tell_the_sample(of_two):
    stats = of_two.stats
    assert stats.index.tolist() == of_two.names
    assert stats.columns[0] == "sample"
    assert stats["sample"].tolist() == ["f"] * 4 + ["g"]
    assert stats.loc["g:AA-1", "n_fragments"] == 1
    assert math.isnan(stats.loc["g:AA-1", "mitochondrial"])
    assert stats.columns[-1] == "tss_enrichment"


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        (slice(1, 3), [1, 2]),
        (slice(None, None, -1), [3, 2, 1, 0]),
        (slice(9, 12), []),
        (np.array([True, False, False, True]), [0, 3]),
        ([True, False, True, False], [0, 2]),
        (np.array([False] * 4), []),
        (np.array([2, 0]), [2, 0]),
        ([-1, 1], [3, 1]),
        ([1, 1], [1, 1]),
        ([], []),
    ],
)
def test_some_of_the_cells(cells, rows, kept):
    some = cells[rows]
    assert isinstance(some, CellMatrix)
    assert some.barcodes == [NAMES[row] for row in kept]
    assert some.X.shape == (len(kept), 4)
    assert rows_of(some) == [PAIRED[row] for row in kept]
    assert some.X.dtype == np.uint32
    for name, column in cells.quality.items():
        np.testing.assert_array_equal(some.quality[name], column[kept])
    assert some.universe is cells.universe
    assert some.settings == cells.settings
    assert cells.barcodes == NAMES


def test_cells_by_what_stats_say(cells, of_two):
    assert cells[cells.stats.frip > 0.7].barcodes == ["CC-1", "GG-1"]
    assert of_two[of_two.stats["sample"] == "g"].names == ["g:AA-1"]
    assert of_two[[4, 0]].samples == ["g", "f"]


@pytest.mark.parametrize("rows", [0, np.int64(2), [[0, 1], [1, 2]]])
def test_rows_that_are_none(cells, rows):
    with pytest.raises(TypeError, match="a mask, a slice or an array of rows"):
        cells[rows]


@pytest.mark.parametrize("rows", [[True, False], [4], [-5]])
def test_rows_that_are_not_there(cells, rows):
    with pytest.raises(IndexError):
        cells[rows]


@pytest.mark.parametrize(("least", "kept"), [(1, NAMES), (2, NAMES[:2]), (3, NAMES[:2]), (4, [])])
def test_filter_by_fragments(cells, least, kept):
    assert cells.filter(min_fragments=least).barcodes == kept


def test_tokens_are_the_regions_of_each_cell(cells):
    batch = cells.tokens()
    assert batch.ids.tolist() == [0, 1, 2, 3]
    assert batch.ids.dtype == np.int32
    assert batch.offsets.tolist() == [0, 3, 4, 4, 4]
    assert batch.offsets.dtype == np.int64
    assert batch.values.tolist() == [2, 2, 1, 1]
    assert batch.values.dtype == np.float32
    assert [ids.tolist() for ids in batch] == [[0, 1, 2], [3], [], []]


def test_tokens_of_many_cells(tmp_path):
    chance = random.Random(8)
    text = "".join(
        f"chr1\t{(start := chance.randrange(9000))}\t{start + 50}\tcell{chance.randrange(30)}\n"
        for _ in range(3000)
    )
    (tmp_path / "f.tsv").write_text(text)
    found = count_fragments(tmp_path / "f.tsv", Universe.tiles({"chr1": 9100}, 100))
    batch = found.tokens()
    matrix = found.X.toarray()
    assert len(batch) == len(found) == 30
    for row, ids in enumerate(batch):
        assert ids.tolist() == np.flatnonzero(matrix[row]).tolist()
        values = batch.values[batch.offsets[row] : batch.offsets[row + 1]]
        assert values.tolist() == matrix[row][ids].tolist()


@pytest.mark.parametrize("order", ["genome", "value"])
def test_tokens_of_regions_out_of_order(here, order):
    """Ids are rows; of one cell they come by position, or by value and then by position."""
    ordered = count_fragments("f.tsv", "u.bed")
    regions = ordered.universe.regions
    backward = np.arange(len(regions))[::-1]
    found = count_fragments("f.tsv", Universe(regions[backward]))
    expected = ordered.tokens(order)
    batch = found.tokens(order)
    assert backward[batch.ids].tolist() == expected.ids.tolist()
    assert batch.offsets.tolist() == expected.offsets.tolist()
    assert batch.values.tolist() == expected.values.tolist()


def test_tokens_at_random(cells):
    batch = cells.tokens("random", seed=1)
    assert batch.ids.tolist() == cells.tokens("random", seed=1).ids.tolist()
    rows = {tuple(cells.tokens("random", seed=seed).ids[:3]) for seed in range(40)}
    assert rows == set(itertools.permutations([0, 1, 2]))
    for row, ids in enumerate(batch):
        values = batch.values[batch.offsets[row] : batch.offsets[row + 1]]
        assert values.tolist() == cells.X[row].toarray()[0][ids].tolist()


def test_tokens_leave_the_matrix_alone(cells):
    cells.tokens().ids[:] = 3
    assert rows_of(cells) == PAIRED


# --- AnnData


def test_an_anndata_is_as_others_have_it(cells):
    adata = cells.to_anndata()
    assert adata.X.format == "csr"
    assert adata.X.toarray().tolist() == PAIRED
    assert adata.obs_names.tolist() == NAMES
    assert adata.obs.columns.tolist() == cells.stats.columns.tolist()
    assert adata.obs["n_fragments"].tolist() == [3, 3, 1, 1]
    assert adata.var_names.tolist() == TOKENS
    assert adata.var["chrom"].tolist() == ["chr1", "chr1", "chr1", "chr2"]
    assert adata.var["start"].tolist() == [100, 150, 900, 5]
    assert adata.var["end"].tolist() == [200, 300, 1000, 50]
    assert adata.uns["gtok"] == {
        "version": gtok.__version__,
        "universe": cells.universe.digest,
        "counting": "paired-insertion",
    }
    lengths = adata.uns["fragment_lengths"]
    assert lengths.shape == (1001,)
    assert lengths.sum() == 8
    assert np.flatnonzero(lengths).tolist() == [4, 10, 40, 70, 89, 200, 220]


def test_an_anndata_tells_what_it_was_made_with(here):
    (here / "named.bed").write_text("chr1\t100\t200\tpeak_1\t7\nchr2\t5\t50\tpeak_2\t9\n")
    universe = Universe("named.bed", genome="hg38")
    found = count_fragments(
        ["f.tsv", "g.tsv.gz"],
        universe,
        counting="insertion",
        shift=(4, -5),
        min_length=5,
        max_length=500,
    )
    adata = found.to_anndata()
    told = adata.uns["gtok"]
    assert told["counting"] == "insertion"
    assert told["genome"] == "hg38"
    assert list(told["shift"]) == [4, -5]
    assert (told["min_length"], told["max_length"]) == (5, 500)
    assert adata.obs["sample"].tolist() == ["f"] * 4 + ["g"]
    assert adata.obs_names.is_unique
    assert adata.var["name"].tolist() == ["peak_1", "peak_2"]


@pytest.mark.parametrize("rows", [slice(None), slice(1, 3), slice(0, 0)])
def test_h5ad_and_back(of_two, rows):
    import anndata

    kept = of_two[rows]
    kept.write_h5ad("x.h5ad")
    back = anndata.read_h5ad("x.h5ad")
    wanted = kept.to_anndata()
    assert scipy.sparse.csr_matrix(back.X).toarray().tolist() == rows_of(kept)
    assert back.X.dtype == np.uint32
    assert back.obs_names.tolist() == kept.names
    assert back.var_names.tolist() == TOKENS
    assert back.obs.columns.tolist() == wanted.obs.columns.tolist()
    assert back.obs["sample"].tolist() == kept.samples
    for name, column in kept.quality.items():
        np.testing.assert_array_equal(back.obs[name], column)
    assert back.var["start"].tolist() == [100, 150, 900, 5]
    assert back.var["chrom"].tolist() == ["chr1", "chr1", "chr1", "chr2"]
    assert back.uns["gtok"]["counting"] == "paired-insertion"
    assert back.uns["gtok"]["universe"] == of_two.universe.digest
    assert back.uns["fragment_lengths"].tolist() == kept.lengths.tolist()


def test_h5ad_with_a_shift_and_back(here):
    import anndata

    count_fragments("f.tsv", "u.bed", shift=(4, -5)).write_h5ad("x.h5ad")
    assert list(anndata.read_h5ad("x.h5ad").uns["gtok"]["shift"]) == [4, -5]


def test_h5ad_is_written_whole_or_not_at_all(cells, here):
    (here / "folder.h5ad").mkdir()
    before = sorted(path.name for path in here.iterdir())
    with pytest.raises(OSError, match="folder"):
        cells.write_h5ad("folder.h5ad")
    assert sorted(path.name for path in here.iterdir()) == before


def test_an_h5ad_that_cannot_be_written_is_called_by_its_name(cells):
    with pytest.raises(FileNotFoundError) as caught:
        cells.write_h5ad("nowhere/x.h5ad")
    assert "x.h5ad" in str(caught.value)
    assert ".part" not in str(caught.value)


# --- Matrix Market


def test_the_layout_of_scanpy(of_two, here):
    of_two.write_mtx("out")
    assert sorted(path.name for path in (here / "out").iterdir()) == [
        "barcodes.tsv.gz", "features.tsv.gz", "matrix.mtx.gz",
    ]  # fmt: skip
    read = {name: gzip.decompress((here / "out" / name).read_bytes()) for name in (
        "barcodes.tsv.gz", "features.tsv.gz", "matrix.mtx.gz",
    )}  # fmt: skip
    assert read["barcodes.tsv.gz"].decode().splitlines() == of_two.names
    assert read["features.tsv.gz"].decode().splitlines() == [
        f"{token}\t{token}\tPeaks" for token in TOKENS
    ]
    assert read["matrix.mtx.gz"].startswith(b"%%MatrixMarket matrix coordinate integer general\n")
    matrix = scipy.io.mmread(str(here / "out" / "matrix.mtx.gz"))
    assert matrix.toarray().T.tolist() == rows_of(of_two)


def test_the_layout_of_cell_ranger(cells, here):
    cells.write_mtx(here / "out", layout="cellranger")
    assert sorted(path.name for path in (here / "out").iterdir()) == [
        "barcodes.tsv", "matrix.mtx", "peaks.bed",
    ]  # fmt: skip
    assert (here / "out" / "barcodes.tsv").read_text() == "".join(f"{x}\n" for x in NAMES)
    assert (here / "out" / "peaks.bed").read_text() == UNIVERSE
    assert scipy.io.mmread(str(here / "out" / "matrix.mtx")).toarray().T.tolist() == PAIRED


@pytest.mark.parametrize("layout", ["scanpy", "cellranger"])
def test_a_matrix_of_no_cells_is_written(cells, here, layout):
    cells[:0].write_mtx("out", layout)
    (path,) = (here / "out").glob("matrix.mtx*")
    assert scipy.io.mmread(str(path)).shape == (4, 0)
    (path,) = (here / "out").glob("barcodes.tsv*")
    content = path.read_bytes()
    assert (gzip.decompress(content) if path.suffix == ".gz" else content) == b""


def test_a_folder_that_is_there_is_written_over(cells, here):
    cells.write_mtx("out")
    cells[:1].write_mtx("out")
    assert gzip.decompress((here / "out" / "barcodes.tsv.gz").read_bytes()) == b"CC-1\n"
    assert len(list((here / "out").iterdir())) == 3


def test_an_unknown_layout_writes_nothing(cells, here):
    with pytest.raises(GtokError, match="layout 'scanpy' or 'cellranger', found 'seurat'"):
        cells.write_mtx("out", "seurat")
    assert not (here / "out").exists()


# --- What is not installed


@pytest.mark.parametrize(
    ("missing", "what", "extra"),
    [
        ("pandas", "cells.stats", "cells"),
        ("anndata", "cells.to_anndata()", "cells"),
        ("pandas", "cells.to_anndata()", "cells"),
        ("anndata", "cells.write_h5ad('x.h5ad')", "cells"),
        ("anndata", "__import__('gtok.cli').cli.main(['fragments','u.bed','f.tsv','-o','x.h5ad'])",
         "cells"),
        ("matplotlib.figure",
         "__import__('gtok.plot').plot.plot_cells(cells, 'x.png')", "plot"),
    ],
)  # fmt: skip
def test_what_is_missing_is_told(here, missing, what, extra):
    code = (
        f"import sys; sys.modules[{missing!r}] = None; import gtok\n"
        "cells = gtok.count_fragments('f.tsv', 'u.bed')\n"
        "try:\n"
        f"    {what}\n"
        "except ImportError as error:\n"
        "    print('told:', error)\n"
    )
    done = python("-c", code)
    told = (done.stdout + done.stderr).decode()
    assert f"pip install 'gtok[{extra}]'" in told
    assert "Traceback" not in told
    assert not list(here.glob("x.*"))


def test_frames_are_all_that_needs_pandas(here):
    code = (
        "import sys; sys.modules['pandas'] = sys.modules['anndata'] = None; import gtok\n"
        "cells = gtok.count_fragments('f.tsv', 'u.bed').filter(min_fragments=2)\n"
        "cells.write_mtx('out'); cells.tokens(); print(cells.names, cells.quality['frip'])"
    )
    done = python("-c", code)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == "['CC-1', 'AA-1'] [1.  0.5]\n"


# --- From one set of regions to another


def carried(matrix, old, new, how):
    """What `retokenize` makes, a count at a time."""
    made = [[0.0] * len(new) for _ in matrix]
    for row, counts in enumerate(matrix):
        for count, (chrom, start, end) in zip(counts, old, strict=True):
            for column, (its_chrom, its_start, its_end) in enumerate(new):
                shared = min(end, its_end) - max(start, its_start)
                if chrom != its_chrom or shared <= 0:
                    continue
                if how == "any":
                    made[row][column] = float(made[row][column] or count > 0)
                else:
                    made[row][column] += count * (
                        shared / (end - start) if how == "fraction" else 1
                    )
    return made


def random_regions(chance, n):
    made = set()
    while len(made) < n:
        start = chance.randrange(1000)
        made.add((chance.choice(["chr1", "chr2"]), start, start + chance.choice([1, 30, 200])))
    made = sorted(made)
    chance.shuffle(made)
    return made


def as_anndata(matrix, old, columns=("chrom", "start", "end"), dtype=np.int32, sparse=True):
    import anndata
    import pandas as pd

    counts = np.array(matrix, dtype=dtype)
    var = pd.DataFrame(index=[f"{chrom}:{start}-{end}" for chrom, start, end in old])
    if columns:
        var.index = [f"peak_{i}" for i in range(len(old))]
        for name, values in zip(columns, zip(*old, strict=True), strict=True):
            var[name] = list(values)
    obs = pd.DataFrame({"depth": counts.sum(axis=1)}, index=[f"c{i}" for i in range(len(matrix))])
    return anndata.AnnData(
        X=scipy.sparse.csr_matrix(counts) if sparse else counts, obs=obs, var=var
    )


@pytest.mark.parametrize("how", ["count", "any", "fraction"])
@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.int64, np.float32])
@pytest.mark.parametrize(
    "columns",
    [
        ("chrom", "start", "end"),
        ("chr", "start", "end"),
        ("seqnames", "start", "end"),
        ("chrom", "chromStart", "chromEnd"),
        None,
    ],
    ids=["chrom", "chr", "seqnames", "bigBed", "names only"],
)
def test_retokenize(how, dtype, columns):
    chance = random.Random(f"{how}{columns}")
    old, new = random_regions(chance, 40), random_regions(chance, 25)
    matrix = [[chance.choice([0, 0, 0, 1, 2, 7]) for _ in old] for _ in range(12)]
    adata = as_anndata(matrix, old, columns, dtype)
    universe = Universe(RegionSet(*map(list, zip(*new, strict=True))))
    made = retokenize(adata, universe, how)
    expected = carried(matrix, old, new, how)
    assert np.any(expected)
    assert made.X.format == "csr"
    np.testing.assert_allclose(made.X.toarray(), expected, rtol=1e-5)
    assert made.var_names.tolist() == universe.tokens
    assert made.var["start"].tolist() == [start for _, start, _ in new]
    assert made.obs_names.tolist() == adata.obs_names.tolist()
    assert made.obs["depth"].tolist() == adata.obs["depth"].tolist()
    assert made.uns["gtok"]["retokenized"] == how
    assert made.uns["gtok"]["universe"] == universe.digest
    assert adata.X.toarray().tolist() == matrix
    if how == "count":
        assert made.X.dtype.kind == np.dtype(dtype).kind


def test_retokenize_by_hand():
    adata = as_anndata(
        [[1, 0, 4], [0, 0, 1]], [("chr1", 0, 100), ("chr1", 50, 60), ("chr2", 0, 10)]
    )
    new = ["chr1:75-200", "chr1:0-1000", "chr2:5-7", "chr2:10-20"]
    assert retokenize(adata, new).X.toarray().tolist() == [[1, 1, 4, 0], [0, 0, 1, 0]]
    assert retokenize(adata, new, "any").X.toarray().tolist() == [[1, 1, 1, 0], [0, 0, 1, 0]]
    found = retokenize(adata, new, how="fraction").X.toarray()
    np.testing.assert_allclose(found, [[0.25, 1, 0.8, 0], [0, 0, 0.2, 0]], rtol=1e-6)


@pytest.mark.parametrize("sparse", [True, False])
def test_retokenize_takes_dense_matrices_too(sparse):
    adata = as_anndata([[3, 5]], [("chr1", 0, 9), ("chr1", 5, 20)], sparse=sparse)
    assert retokenize(adata, ["chr1:6-8", "chr1:12-13"]).X.toarray().tolist() == [[8, 5]]


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16])
def test_counts_of_few_bits_do_not_overflow(dtype):
    largest = int(np.iinfo(dtype).max)
    adata = as_anndata([[largest, largest]], [("chr1", 0, 9), ("chr1", 5, 20)], dtype=dtype)
    assert retokenize(adata, ["chr1:0-100"]).X.toarray().tolist() == [[2 * largest]]


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.int64])
def test_large_counts_are_exact(dtype):
    adata = as_anndata([[2**24 + 1, 2]], [("chr1", 0, 9), ("chr1", 5, 20)], dtype=dtype)
    assert retokenize(adata, ["chr1:0-100"]).X.toarray().tolist() == [[2**24 + 3]]


def test_retokenize_what_was_counted(cells, here):
    import anndata

    cells.write_h5ad("x.h5ad")
    adata = anndata.read_h5ad("x.h5ad")
    same = retokenize(adata, ["chr1:900-1000", "chr2:5-50", "chr9:1-2"])
    assert same.X.toarray().tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert same.obs.columns.tolist() == adata.obs.columns.tolist()
    (here / "new.bed").write_text("chr1\t0\t5000\n")
    assert retokenize(adata, "new.bed").X.toarray().ravel().tolist() == [5, 0, 0, 0]


def test_an_unknown_how_is_told():
    adata = as_anndata([[1]], [("chr1", 0, 9)])
    with pytest.raises(GtokError, match="how 'count', 'any' or 'fraction', found 'sum'"):
        retokenize(adata, ["chr1:0-9"], how="sum")


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("peak_1", "'peak_1'"),
        ("chr1-100-200", "'chr1-100-200'"),
        ("chr1:9-5", "expected start <= end, found 9 > 5"),
        ("ENSG0001", "'ENSG0001'"),
    ],
)
def test_regions_that_cannot_be_told(name, pattern):
    adata = as_anndata([[1]], [("chr1", 0, 9)], columns=None)
    adata.var_names = [name]
    with pytest.raises(GtokError, match=pattern):
        retokenize(adata, ["chr1:0-9"])


# --- gtok fragments


def shell(*args, stdin=b""):
    """Run the command as a shell does; its status, what it printed, what it told."""
    done = python("-m", "gtok", "fragments", *args, stdin=stdin)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command in this process, which spares it the imports; what `shell` returns."""
    for name in ("signal.signal", "gc.freeze"):
        monkeypatch.setattr(name, lambda *_: None)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # to have it back

    def call(*args):
        with pytest.raises(SystemExit) as ended:
            main(["fragments", *map(str, args)])
        told = capsys.readouterr()
        return ended.value.code, told.out, told.err

    return call


def check_error(result, pattern, status=1):
    """One line says what is wrong, and nothing else is printed."""
    code, out, err = result
    assert code == status, err
    assert out == ""
    assert re.fullmatch(r"gtok: error: [^\n]+\n", err), err
    assert re.search(pattern, err), err


def folder_of(path):
    """Names and counts of a folder that scanpy would read."""
    names = gzip.decompress((path / "barcodes.tsv.gz").read_bytes()).decode().split()
    return names, scipy.io.mmread(str(path / "matrix.mtx.gz")).toarray().T.tolist()


def test_fragments_to_h5ad(here):
    import anndata

    code, out, err = shell("u.bed", "f.tsv", "-o", "x.h5ad")
    assert (code, out) == (0, ""), err
    adata = anndata.read_h5ad("x.h5ad")
    assert adata.obs_names.tolist() == NAMES
    assert adata.X.toarray().tolist() == PAIRED
    assert adata.uns["gtok"]["counting"] == "paired-insertion"
    lines = err.splitlines()
    assert lines[0] == "4 cells x 4 regions -> x.h5ad"
    assert re.search(r"^  fragments +8, 2 in a cell's median$", err, re.MULTILINE)
    assert re.search(r"^  entries +4, 25\.00% of the matrix$", err, re.MULTILINE)
    assert re.search(r"^  in regions +75\.0% in a cell's median$", err, re.MULTILINE)
    assert re.search(r"^  time +\d+\.\d s", err, re.MULTILINE)
    assert "excluded" not in err


def test_fragments_to_h5ad_of_several_files(here, run):
    import anndata

    assert run("u.bed", "f.tsv", "g.tsv.gz", "-q", "-o", "x.h5ad") == (0, "", "")
    adata = anndata.read_h5ad("x.h5ad")
    of_two = count_fragments(["f.tsv", "g.tsv.gz"], "u.bed")
    assert adata.obs_names.tolist() == of_two.names
    assert adata.X.toarray().tolist() == rows_of(of_two)
    assert adata.obs["sample"].tolist() == of_two.samples
    np.testing.assert_array_equal(adata.obs["frip"], of_two.quality["frip"])
    assert adata.uns["fragment_lengths"].tolist() == of_two.lengths.tolist()


def test_fragments_to_a_folder(here, run):
    code, out, err = run("u.bed", "f.tsv", "g.tsv.gz", "-o", "out")
    assert (code, out) == (0, ""), err
    assert err.startswith("5 cells x 4 regions -> out\n")
    names, counts = folder_of(here / "out")
    assert names == ["f:CC-1", "f:AA-1", "f:GG-1", "f:TT-1", "g:AA-1"]
    assert counts == [*PAIRED, [0, 0, 0, 1]]


def test_fragments_to_the_layout_of_cell_ranger(here, run):
    assert run("u.bed", "f.tsv", "--layout", "cellranger", "--quiet", "-o", "out") == (0, "", "")
    assert (here / "out" / "peaks.bed").read_text() == UNIVERSE
    assert scipy.io.mmread(str(here / "out" / "matrix.mtx")).toarray().T.tolist() == PAIRED


@pytest.mark.parametrize(
    ("options", "keywords"),
    [
        (["--counting", "fragment"], {"counting": "fragment"}),
        (["--counting", "insertion"], {"counting": "insertion"}),
        (["--barcodes", "w.txt"], {"barcodes": ["AA-1", "ZZ-1", "CC-1"]}),
        (["--shift", "4", "-5"], {"shift": (4, -5)}),
        (["--shift", "-15", "0"], {"shift": (-15, 0)}),
        (["--min-length", "70", "--max-length", "200"], {"min_length": 70, "max_length": 200}),
        (["--exclude-chrom", "chrM", "--exclude-chrom", "chr7"], {"exclude": ["chrM", "chr7"]}),
        (["--exclude", "e.bed", "--exclude-chrom", "chr7"],
         {"exclude": ["chr1:140-141", "chr7"]}),
    ],
)  # fmt: skip
def test_options_are_those_of_python(here, options, keywords, run):
    (here / "w.txt").write_text("AA-1\nZZ-1\nCC-1\n")
    (here / "e.bed").write_text("chr1\t140\t141\n")
    code, out, err = run("u.bed", "f.tsv", *options, "-o", "out")
    assert (code, out) == (0, ""), err
    wanted = count_fragments("f.tsv", "u.bed", **keywords)
    assert folder_of(here / "out") == (wanted.names, rows_of(wanted))
    if wanted.quality["n_excluded"].sum():
        n = wanted.quality["n_excluded"].sum()
        assert re.search(rf"^  excluded +{n} fragments$", err, re.MULTILINE)


def test_counting_by_overlap_differs(here, run):
    assert run("u.bed", "f.tsv", "--counting", "fragment", "-q", "-o", "out")[0] == 0
    assert folder_of(here / "out") == (NAMES, OVERLAPS)


def test_min_fragments_drops_cells(here, run):
    code, _, err = run("u.bed", "f.tsv", "--min-fragments", "2", "-o", "out")
    assert code == 0
    assert err.startswith("2 cells x 4 regions -> out\n")
    assert re.search(r"^  barcodes +4 found, 2 kept$", err, re.MULTILINE)
    assert re.search(r"^  fragments +6, 3 in a cell's median$", err, re.MULTILINE)
    assert folder_of(here / "out") == (["CC-1", "AA-1"], PAIRED[:2])


def test_tss_are_told(here, run):
    (here / "tss.bed").write_text("chr1\t950\t951\n")
    code, _, err = run("u.bed", "f.tsv", "--tss", "tss.bed", "-o", "out")
    assert code == 0
    assert re.search(r"^  TSS +[\d.]+x in a cell's median$", err, re.MULTILINE)


def test_fragments_from_standard_input(here):
    packed = gzip.compress(FRAGMENTS.encode())
    for content in (FRAGMENTS.encode(), packed):
        assert shell("u.bed", "-", "-q", "-o", "out", stdin=content) == (0, "", "")
        assert folder_of(here / "out") == (NAMES, PAIRED)


def test_a_file_without_fragments(here, run):
    code, out, err = run("u.bed", "none.tsv", "-o", "out")
    assert (code, out) == (0, ""), err
    assert err.startswith("0 cells x 4 regions -> out\n")
    assert "Warning" not in err
    assert folder_of(here / "out")[0] == []


@pytest.mark.parametrize("suffix", [".npz", ".mtx", ".mtx.gz", ".tsv", ".csv"])
def test_outputs_of_no_known_kind(here, suffix, run):
    check_error(run("u.bed", "f.tsv", "-o", f"x{suffix}"), r"expected a name that ends in \.h5ad")
    assert not list(here.glob("x*"))


@pytest.mark.parametrize("output", ["out", "out.h5ad"])
def test_bad_input_writes_nothing(here, output, run):
    (here / "bad.tsv").write_text(FRAGMENTS + "chr1\t9\t5\tA\n")
    before = sorted(path.name for path in here.iterdir())
    check_error(
        shell("u.bed", "bad.tsv", "-o", output), r"bad\.tsv, line 9: expected start <= end, found 9"
    )
    check_error(run("u.bed", "f.tsv", "bad.tsv", "-o", output), r"bad\.tsv, line 9: ")
    check_error(run("u.bed", "nowhere.tsv", "-o", output), r"nowhere\.tsv: No such file")
    check_error(run("nowhere.bed", "f.tsv", "-o", output), r"nowhere\.bed")
    check_error(run("u.bed", "f.tsv", "--barcodes", "w.txt", "-o", output), r"w\.txt: No such file")
    assert sorted(path.name for path in here.iterdir()) == before


@pytest.mark.parametrize(
    "options",
    [
        ["--counting", "reads"],
        ["--min-fragments", "0"],
        ["--min-length", "0"],
        ["--shift", "4"],
        ["--shift", "4", "x"],
        ["--layout", "seurat"],
    ],
)
def test_wrong_usage(here, options, run):
    code, out, err = run("u.bed", "f.tsv", "-o", "out", *options)
    assert (code, out) == (2, "")
    assert options[0] in err
    assert not (here / "out").exists()


def test_an_output_and_a_file_are_needed(here, run):
    code, _, err = run("u.bed", "f.tsv")
    assert code == 2
    assert "--output" in err
    code, _, err = run("u.bed", "-o", "out")
    assert code == 2
    assert "FRAGMENTS" in err


@pytest.mark.parametrize(
    ("name", "magic"), [("r.png", b"\x89PNG"), ("r.svg", b"<?xml"), ("r.pdf", b"%PDF")]
)
def test_a_report_is_drawn(here, name, magic, run):
    pytest.importorskip("matplotlib")
    done = run("u.bed", "f.tsv", "--report", name, "--min-fragments", "2", "-q", "-o", "out")
    assert done == (0, "", "")
    assert (here / name).read_bytes().startswith(magic)
    assert (here / name).stat().st_size > 5000


def test_a_report_of_no_cells_is_drawn(here, run):
    pytest.importorskip("matplotlib")
    assert run("u.bed", "none.tsv", "--report", "r.png", "-q", "-o", "out") == (0, "", "")
    assert (here / "r.png").read_bytes().startswith(b"\x89PNG")


def test_a_report_of_no_known_kind_writes_nothing(here, run):
    pytest.importorskip("matplotlib")
    before = sorted(path.name for path in here.iterdir())
    check_error(run("u.bed", "f.tsv", "--report", "r.docx", "-o", "out"), r"r\.docx")
    assert sorted(path.name for path in here.iterdir()) == before
