"""``gtok matrix``, and the options that it shares with ``gtok tokenize``."""

from __future__ import annotations

import gc
import gzip
import json
import math
import os
import random
import re
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
import scipy.io
import scipy.sparse

import gtok
from gtok import Tokenizer, Universe, read_parquet
from gtok.cli import main

FORMATS = ["x.npz", "x.h5ad", "x.mtx", "x.mtx.gz"]
UNIVERSE = [("chr2", 5, 50), ("chr1", 150, 300), ("chr1", 100, 200), ("HLA-A*01:01", 0, 9)]
# chrom, start, end, score.
SAMPLES = {
    "a": [
        ("chr1", 120, 160, 8.0),
        ("chr9", 1, 5, 100.0),
        ("HLA-A*01:01", 8, 9, 0.5),
        ("chr1", 120, 160, -2.0),
    ],
    "b": [("chr2", 1, 6, 3.0)],
    "c": [("chr1", 190, 290, 1.25), ("chr1", 195, 200, 4.0), ("chr2", 5, 50, 7.0)],
    "none": [],
}
COUNTS = [[0, 2, 2, 1], [1, 0, 0, 0], [1, 2, 2, 0], [0, 0, 0, 0]]
BLACK = [("chr1", 130, 131), ("chr2", 49, 50)]


def lines_of(rows):
    """BED, where there is a score narrowPeak."""
    return "".join(
        "\t".join(map(str, row[:3]))
        + "".join(f"\tp\t{score:g}\t.\t{2 * score:g}\t{score - 1:g}\t-1\t0" for score in row[3:])
        + "\n"
        for row in rows
    )


def drawn(seed, n, universe=False):
    """Many small regions on top of one another, some of them twice."""
    rng = random.Random(seed)
    rows = []
    while len(rows) < n:
        start = rng.randrange(600)
        row = (f"chr{rng.randrange(3)}", start, start + rng.randrange(1, 90))
        if universe:
            if row not in rows:
                rows.append(row)
            continue
        rows.append((*row, rng.randrange(-8, 64) / 4))
        if rng.random() < 0.3:
            rows.append((*rng.choice(rows)[:3], rng.randrange(-8, 64) / 4))
    return rows


CROWD = drawn(0, 60, universe=True)
CROWD_SAMPLES = {f"s{i}": drawn(i, n) for i, n in enumerate([70, 1, 40, 0, 90, 25], 1)}
CROWD_BLACK = [row[:3] for row in drawn(99, 4)]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with universes and samples, the current one."""
    texts = {"u.bed": UNIVERSE, "black.bed": BLACK, "crowd.bed": CROWD, "dark.bed": CROWD_BLACK}
    samples = {f"{name}.bed": rows for name, rows in {**SAMPLES, **CROWD_SAMPLES}.items()}
    for name, rows in {**texts, **samples}.items():
        (tmp_path / name).write_text(lines_of(rows))
    (tmp_path / "bad.bed").write_text("#\nchr1\t1\t5\nchr1\t9\t2\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capfd, monkeypatch):
    """Run a command in this process; its status, what it printed, what it told."""
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # put back afterwards

    def run(*args):
        capfd.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(arg) for arg in args])
        return (stopped.value.code, *capfd.readouterr())

    return run


def process(*args, stdin=b"", module=("-m", "gtok")):
    """The same in a process of its own."""
    done = subprocess.run(
        [sys.executable, *module, *map(str, args)], input=stdin, capture_output=True, timeout=60
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def check_error(result, pattern, status=1):
    """One line says what is wrong, and nothing else is printed."""
    code, out, err = result
    assert code == status, err
    assert out == ""
    assert re.fullmatch(r"gtok: error: [^\n]+\n", err), err
    assert re.search(pattern, err), err


def arrays_of(path):
    """What numpy finds in an npz."""
    with np.load(path) as archive:
        return dict(archive)


def read(path):
    """A matrix, the samples' names, what else is known of them, and the tokens of the columns."""
    if path.endswith(".npz"):
        arrays = arrays_of(path)
        obs = {name[4:]: arrays[name].tolist() for name in arrays if name.startswith("obs_")}
        columns = (arrays[name].tolist() for name in ("codes", "starts", "ends"))
        tokens = [
            f"{arrays['chrom_names'][code]}:{start}-{end}"
            for code, start, end in zip(*columns, strict=True)
        ]
        return scipy.sparse.load_npz(path), arrays["samples"].tolist(), obs, tokens
    if path.endswith(".h5ad"):
        import anndata

        adata = anndata.read_h5ad(path)
        obs = {name: adata.obs[name].tolist() for name in adata.obs}
        return adata.X, adata.obs_names.tolist(), obs, adata.var_names.tolist()
    stem = path.removesuffix(".gz").removesuffix(".mtx")
    with open(f"{stem}.samples.tsv", encoding="utf-8") as handle:
        header, *rows = [line.rstrip("\n").split("\t") for line in handle]
    names, *cells = zip(*rows, strict=True)
    assert header[0] == "sample"
    with open(f"{stem}.regions.bed", encoding="utf-8") as handle:
        regions = [line.split() for line in handle]
    tokens = [f"{chrom}:{start}-{end}" for chrom, start, end in regions]
    obs = {name: list(column) for name, column in zip(header[1:], cells, strict=True)}
    return scipy.io.mmread(path).tocsr(), list(names), obs, tokens


def dense(path):
    matrix = read(path)[0]
    return matrix.toarray()


def overlap(a, b):
    return a[0] == b[0] and a[1] < b[2] and b[1] < a[2]


def common(a, b):
    return min(a[2], b[2]) - max(a[1], b[1])


def enough(query, region, min_overlap, overlap_of):
    if min_overlap is None:
        return True
    if isinstance(min_overlap, int):
        return common(query, region) >= min_overlap
    lengths = {"query": [query], "region": [region], "both": [query, region]}[overlap_of]
    return all(common(query, region) >= min_overlap * (row[2] - row[1]) for row in lengths)


def kept_of(sample, exclude=(), unique=None):
    """What is left of a sample, and how many of its regions are excluded."""
    rows = [row for row in sample if not any(overlap(row, black) for black in exclude)]
    n_excluded = len(sample) - len(rows)
    if unique:
        firsts = {}
        for row in rows:
            firsts.setdefault(row[:3], row)
        rows = list(firsts.values())
    return rows, n_excluded


def brute_force(
    universe,
    sample,
    values="count",
    reduce=sum,
    binary=False,
    unique=None,
    min_overlap=None,
    overlap_of="query",
    exclude=(),
):
    """A sample's row of the matrix, region by region and base pair by base pair."""
    rows = sorted(kept_of(sample, exclude, unique)[0], key=lambda row: row[:3])
    entries = []
    for region in universe:
        found, covered = [], set()
        for row in rows:
            if not overlap(row, region) or not enough(row, region, min_overlap, overlap_of):
                continue
            shared = set(range(max(row[1], region[1]), min(row[2], region[2])))
            new = len(shared - covered) / (region[2] - region[1])
            covered |= shared
            found.append({"bp": len(shared), "fraction": new, "signal": row[-1]}.get(values, 1))
        entries.append((1 if binary else reduce(found)) if found else 0)
    return entries


# --- formats


@pytest.mark.parametrize("output", FORMATS)
def test_what_a_matrix_holds(here, run, output):
    code, out, _ = run("matrix", "u.bed", "a.bed", "b.bed", "c.bed", "none.bed", "-o", output)
    assert (code, out) == (0, "")
    matrix, names, obs, tokens = read(output)
    assert scipy.sparse.issparse(matrix)
    assert matrix.toarray().tolist() == COUNTS
    assert matrix.dtype.kind == "i"
    assert names == ["a", "b", "c", "none"]
    assert tokens == ["chr2:5-50", "chr1:150-300", "chr1:100-200", "HLA-A*01:01:0-9"]
    assert {name: [int(cell) for cell in cells] for name, cells in obs.items()} == {
        "n_regions": [4, 1, 3, 0],
        "n_hits": [3, 1, 3, 0],
    }


def test_every_format_holds_the_same(here, run):
    files = [f"{name}.bed" for name in CROWD_SAMPLES]
    expected = [brute_force(CROWD, rows) for rows in CROWD_SAMPLES.values()]
    for output in FORMATS:
        assert run("matrix", "crowd.bed", *files, "-o", output)[0] == 0
        matrix, names, obs, tokens = read(output)
        assert matrix.toarray().tolist() == expected
        assert names == list(CROWD_SAMPLES)
        assert [int(n) for n in obs["n_regions"]] == [len(rows) for rows in CROWD_SAMPLES.values()]
        assert tokens == [f"{chrom}:{start}-{end}" for chrom, start, end in CROWD]


def test_every_format_holds_the_same_fractions(here, run):
    found = {}
    for output in FORMATS:
        args = ("crowd.bed", "s1.bed", "s5.bed", "--values", "fraction", "-o", output)
        assert run("matrix", *args)[0] == 0
        found[output] = dense(output).astype(np.float32)
    assert len({array.tobytes() for array in found.values()}) == 1
    assert np.count_nonzero(found["x.npz"]) > 50


@pytest.mark.parametrize("output", FORMATS)
def test_a_matrix_is_all_that_is_written(here, run, output):
    before = set(os.listdir(here))
    assert run("matrix", "u.bed", "a.bed", "-o", output)[0] == 0
    beside = {"x.samples.tsv", "x.regions.bed"} if ".mtx" in output else set()
    assert set(os.listdir(here)) - before == {output} | beside


@pytest.mark.parametrize("output", ["x", "x.csv", "x.NPZ", "x.h5ad.gz", "x.npz.gz", "-", "npz"])
def test_other_formats_are_refused_before_anything_is_read(here, run, output):
    before = sorted(os.listdir(here))
    result = run("matrix", "nothing.bed", "nothing-either.bed", "-o", output)
    check_error(result, re.escape(f"{output}: expected a name that ends in .npz, .h5ad, .mtx"))
    assert sorted(os.listdir(here)) == before


def test_an_output_is_asked_for(here, run):
    code, out, err = run("matrix", "u.bed", "a.bed")
    assert (code, out) == (2, "")
    assert "Missing option '-o'" in err


def test_settings_are_told_in_the_output(here, run):
    given = ("--values", "bp", "--reduce", "max", "--min-overlap", "0.5", "--unique", "query")
    assert run("matrix", "u.bed", "a.bed", *given, "-o", "x.npz")[0] == 0
    assert json.loads(str(arrays_of("x.npz")["gtok"])) == {
        "version": gtok.__version__,
        "universe": Universe("u.bed").digest,
        "values": "bp",
        "reduce": "max",
        "binary": False,
        "min_overlap": 0.5,
        "overlap_of": "query",
        "unique": "query",
    }
    assert run("matrix", "u.bed", "a.bed", "--binary", "-o", "x.npz")[0] == 0
    settings = json.loads(str(arrays_of("x.npz")["gtok"]))
    assert settings["binary"] is True
    assert settings["values"] == "count"
    assert not {"min_overlap", "overlap_of", "unique", "signal", "genome"} & set(settings)


@pytest.mark.parametrize("output", ["x.npz", "x.mtx", "x.mtx.gz"])
def test_threads_change_no_byte(here, run, output):
    files = []
    for i in range(40):
        (here / f"t{i}.bed").write_text(lines_of(drawn(100 + i, 3 + 2 * i)))
        files.append(f"t{i}.bed")
    found = set()
    for threads in (1, 2, 4):
        assert run("matrix", "crowd.bed", *files, "-t", threads, "-o", output)[0] == 0
        beside = ["x.samples.tsv", "x.regions.bed"] if ".mtx" in output else []
        found.add(tuple((here / name).read_bytes() for name in [output, *beside]))
    assert len(found) == 1
    expected = [brute_force(CROWD, drawn(100 + i, 3 + 2 * i)) for i in range(40)]
    assert dense(output).tolist() == expected


def test_threads_change_nothing_in_h5ad(here, run):
    files = [f"{name}.bed" for name in CROWD_SAMPLES]
    found = []
    for threads in (1, 2, 4):
        assert run("matrix", "crowd.bed", *files, "-t", threads, "-o", "x.h5ad")[0] == 0
        matrix, *rest = read("x.h5ad")
        found.append((matrix.toarray().tolist(), *rest))
    assert found[0] == found[1] == found[2]


# --- samples


SHEET = (
    "path\tage\tsample\tweight\tbatch\tnote\n"
    "a.bed\t31\tone\t0.5\t001\tx\n"
    "c.bed\t-4\ttwo\tNA\t002\t\n"
    'b.bed\t0\tthree\t2e-1\t010\t"q"\n'
)


@pytest.mark.parametrize("output", FORMATS)
def test_a_sheet(here, run, output):
    (here / "sheet.tsv").write_text(SHEET)
    code, out, _ = run("matrix", "u.bed", "--sheet", "sheet.tsv", "-o", output)
    assert (code, out) == (0, "")
    matrix, names, obs, _ = read(output)
    assert names == ["one", "two", "three"]
    assert matrix.toarray().tolist() == [COUNTS[0], COUNTS[2], COUNTS[1]]
    assert list(obs) == ["age", "weight", "batch", "note", "n_regions", "n_hits"]
    assert list(map(str, obs["weight"])) == ["0.5", "nan", "0.2"]
    assert obs["batch"] == ["001", "002", "010"]
    assert obs["note"] == ["x", "", '"q"']
    if ".mtx" in output:
        assert obs["age"] == ["31", "-4", "0"]
    else:
        assert obs["age"] == [31, -4, 0]
        assert isinstance(obs["age"][0], int)
        assert isinstance(obs["weight"][0], float)
        assert math.isnan(obs["weight"][1])


def test_columns_of_a_sheet_have_types(here, run):
    import anndata

    (here / "sheet.tsv").write_text(SHEET)
    for output in ("x.npz", "x.h5ad"):
        assert run("matrix", "u.bed", "--sheet", "sheet.tsv", "-o", output)[0] == 0
    arrays = arrays_of("x.npz")
    assert arrays["obs_age"].dtype == np.int64
    assert arrays["obs_weight"].dtype == np.float64
    assert arrays["obs_batch"].dtype.kind == "U"
    obs = anndata.read_h5ad("x.h5ad").obs
    assert obs["age"].dtype == np.int64
    assert obs["weight"].dtype == np.float64
    assert obs["n_hits"].dtype == np.int64


def test_a_sheet_without_names_calls_samples_by_their_files(here, run):
    (here / "sheet.tsv").write_text("tissue\tpath\nliver\tb.bed\nlung\ta.bed\n")
    assert run("matrix", "u.bed", "--sheet", "sheet.tsv", "-o", "x.mtx")[0] == 0
    text = (here / "x.samples.tsv").read_text()
    assert text == "sample\ttissue\tn_regions\tn_hits\nb\tliver\t1\t1\na\tlung\t4\t3\n"


def test_paths_in_a_sheet_are_as_on_the_command_line(here, run):
    (here / "folder").mkdir()
    (here / "folder" / "sheet.tsv").write_text("path\na.bed\n")
    assert run("matrix", "u.bed", "--sheet", "folder/sheet.tsv", "-o", "x.npz")[0] == 0
    assert dense("x.npz").tolist() == COUNTS[:1]


def test_a_file_may_be_two_samples_of_a_sheet(here, run):
    (here / "sheet.tsv").write_text("path\tsample\na.bed\tone\na.bed\ttwo\n")
    assert run("matrix", "u.bed", "--sheet", "sheet.tsv", "-o", "x.npz")[0] == 0
    assert dense("x.npz").tolist() == [COUNTS[0], COUNTS[0]]


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("path\tsample\na.bed\tx\nb.bed\tx\n", "each sample once, found 'x' twice"),
        ("path\na.bed\na.bed\n", "each sample once, found 'a.bed' twice"),
        ("path\tn_hits\na.bed\t1\n", "sheet.tsv: found a column 'n_hits' which gtok writes"),
        ("path\tn_regions\na.bed\t1\n", "sheet.tsv: found a column 'n_regions' which gtok"),
        ("path\tn_excluded\na.bed\t1\n", "sheet.tsv: found a column 'n_excluded' which gtok"),
        ("sample\nx\n", "sheet.tsv: expected a header with a column 'path'"),
        ("path\tx\na.bed\t1\nb.bed\n", "sheet.tsv, line 3: expected 2 columns, found 1"),
        ("path\na.bed\nnothing.bed\n", "nothing.bed: No such file"),
    ],
)
def test_a_bad_sheet(here, run, text, pattern):
    (here / "sheet.tsv").write_text(text)
    before = sorted(os.listdir(here))
    check_error(run("matrix", "u.bed", "--sheet", "sheet.tsv", "-o", "x.npz"), pattern)
    assert sorted(os.listdir(here)) == before


def test_a_missing_sheet(here, run):
    check_error(run("matrix", "u.bed", "--sheet", "no.tsv", "-o", "x.npz"), "no.tsv: No such file")


@pytest.mark.parametrize("args", [(), ("a.bed", "--sheet", "sheet.tsv")])
def test_either_files_or_a_sheet(here, run, args):
    (here / "sheet.tsv").write_text(SHEET)
    code, out, err = run("matrix", "u.bed", *args, "-o", "x.npz")
    assert (code, out) == (2, "")
    assert "either BED files or --sheet" in err
    assert not (here / "x.npz").exists()


def test_a_list_of_files(here, run):
    (here / "list.txt").write_text("a.bed\r\n\n  b.bed  \n")
    assert run("matrix", "u.bed", "none.bed", "@list.txt", "c.bed", "-o", "x.npz")[0] == 0
    matrix, names, _, _ = read("x.npz")
    assert names == ["none", "a", "b", "c"]
    assert matrix.toarray().tolist() == [COUNTS[3], COUNTS[0], COUNTS[1], COUNTS[2]]
    check_error(run("matrix", "u.bed", "@no.txt", "-o", "x.npz"), "no.txt: No such file")


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a.bed", "p/b.narrowPeak", "p/c.d.bed.gz"], ["a", "b", "c.d"]),
        (["p/a.bed", "q/a.bed", "b.bed"], ["p/a.bed", "q/a.bed", "b"]),
        (["p/a.bed", "q/a.bed.gz"], ["p/a.bed", "q/a.bed.gz"]),
    ],
)
def test_samples_are_called_by_their_files(here, run, paths, names):
    for path in paths:
        (here / path).parent.mkdir(exist_ok=True)
        text = lines_of(SAMPLES["b"]).encode()
        (here / path).write_bytes(gzip.compress(text) if path.endswith("gz") else text)
    assert run("matrix", "u.bed", *paths, "-o", "x.npz")[0] == 0
    assert read("x.npz")[1] == names


def test_the_same_file_twice(here, run):
    check_error(run("matrix", "u.bed", "a.bed", "b.bed", "a.bed", "-o", "x.npz"), "'a.bed' twice")
    assert not (here / "x.npz").exists()


def test_standard_input(here):
    stdin = lines_of(SAMPLES["c"]).encode()
    code, out, _ = process("matrix", "u.bed", "a.bed", "-", "-o", "x.npz", stdin=stdin)
    assert (code, out) == (0, "")
    matrix, names, _, _ = read("x.npz")
    assert names == ["a", "stdin"]
    assert matrix.toarray().tolist() == [COUNTS[0], COUNTS[2]]


@pytest.mark.parametrize(
    "args",
    [
        ("u.bed", "-", "-"),
        ("-", "-"),
        ("u.bed", "--sheet", "twice.tsv"),
        ("-", "--sheet", "once.tsv"),
        ("u.bed", "-", "--exclude", "-"),
    ],
    ids=" ".join,
)
def test_standard_input_is_read_once(here, args):
    (here / "twice.tsv").write_text("path\tsample\n-\tone\n-\ttwo\n")
    (here / "once.tsv").write_text("path\tsample\n-\tone\n")
    result = process("matrix", *args, "-o", "x.npz", stdin=lines_of(UNIVERSE).encode())
    check_error(result, "standard input.*twice")


# --- what an entry is


CHOICES = [
    {},
    {"values": "bp"},
    {"values": "fraction"},
    {"values": "signal"},
    {"values": "bp", "reduce": "max"},
    {"values": "fraction", "reduce": "max"},
    {"values": "signal", "reduce": "max"},
    {"reduce": "max"},
    {"binary": True},
    {"values": "bp", "binary": True},
    {"unique": "query"},
    {"values": "signal", "unique": "query"},
    {"min_overlap": 1},
    {"min_overlap": 20},
    {"min_overlap": 0.5},
    {"min_overlap": 1.0},
    {"min_overlap": 0.5, "overlap_of": "query"},
    {"min_overlap": 0.5, "overlap_of": "region"},
    {"min_overlap": 0.5, "overlap_of": "both"},
    {"min_overlap": 20, "values": "fraction"},
    {"min_overlap": 0.25, "overlap_of": "region", "values": "bp", "reduce": "max"},
    {"exclude": CROWD_BLACK},
    {"exclude": [("chr1", 0, 10**6)]},
    {"exclude": [*CROWD_BLACK, ("chr1", 0, 10**6), ("chr2", 0, 10**6)]},
    {"exclude": CROWD_BLACK, "values": "signal", "unique": "query", "min_overlap": 2},
]


def as_arguments(choice):
    """A choice as the command line says it."""
    args = []
    for name, value in choice.items():
        if name == "exclude":
            if CROWD_BLACK[0] in value:
                args += ["--exclude", "dark.bed"]
            for chrom, start, _ in value:
                args += ["--exclude-chrom", chrom] if start == 0 else []
        elif value is True:
            args.append(f"--{name}")
        else:
            args += [f"--{name.replace('_', '-')}", str(value)]
    return args + (["--signal", "score"] if choice.get("values") == "signal" else [])


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: " ".join(as_arguments(choice)))
def test_entries_are_those_of_brute_force(here, run, choice):
    args = as_arguments(choice)
    files = [f"{name}.bed" for name in CROWD_SAMPLES]
    code, _, err = run("matrix", "crowd.bed", *files, *args, "-o", "x.npz")
    assert code == 0, err
    wanted = {**choice, "reduce": max if choice.get("reduce") == "max" else sum}
    expected = np.array([brute_force(CROWD, rows, **wanted) for rows in CROWD_SAMPLES.values()])
    found, _, obs, _ = read("x.npz")
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-6, atol=1e-6)
    counted = choice.get("values", "count") == "count" or choice.get("binary", False)
    assert found.dtype == (np.int32 if counted else np.float32)

    left = [
        kept_of(rows, choice.get("exclude", ()), choice.get("unique"))
        for rows in CROWD_SAMPLES.values()
    ]
    limits = choice.get("min_overlap"), choice.get("overlap_of", "query")
    assert obs["n_regions"] == [len(rows) for rows, _ in left]
    assert obs["n_hits"] == [
        sum(any(overlap(row, r) and enough(row, r, *limits) for r in CROWD) for row in rows)
        for rows, _ in left
    ]
    if "exclude" in choice:
        assert obs["n_excluded"] == [n_excluded for _, n_excluded in left]
        assert sum(obs["n_excluded"]) > 0
    else:
        assert "n_excluded" not in obs


@pytest.mark.parametrize("choice", CHOICES[1:], ids=lambda choice: " ".join(as_arguments(choice)))
def test_every_choice_makes_a_difference(choice):
    wanted = {**choice, "reduce": max if choice.get("reduce") == "max" else sum}
    one, other = (
        [brute_force(CROWD, rows, **options) for rows in CROWD_SAMPLES.values()]
        for options in (wanted, {})
    )
    assert (one == other) == (str(choice) == "{'min_overlap': 1}")


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], [[0, 2, 2, 1], [1, 2, 2, 0]]),
        (["--binary"], [[0, 1, 1, 1], [1, 1, 1, 0]]),
        (["--unique", "query"], [[0, 1, 1, 1], [1, 2, 2, 0]]),
        (["--values", "bp"], [[0, 20, 80, 1], [45, 105, 15, 0]]),
        (["--values", "bp", "--reduce", "max"], [[0, 10, 40, 1], [45, 100, 10, 0]]),
        (
            ["--values", "fraction"],
            [[0, 10 / 150, 40 / 100, 1 / 9], [1, 100 / 150, 10 / 100, 0]],
        ),
        (["--values", "signal", "--signal", "score"], [[0, 6, 6, 0.5], [7, 5.25, 5.25, 0]]),
        (["--values", "signal", "--signal", "5"], [[0, 6, 6, 0.5], [7, 5.25, 5.25, 0]]),
        (["--values", "signal", "--signal", "signalValue"], [[0, 12, 12, 1], [14, 10.5, 10.5, 0]]),
        (["--values", "signal", "--signal", "7"], [[0, 12, 12, 1], [14, 10.5, 10.5, 0]]),
        (["--values", "signal", "--signal", "pValue"], [[0, 4, 4, -0.5], [6, 3.25, 3.25, 0]]),
        (
            ["--values", "signal", "--signal", "score", "--reduce", "max"],
            [[0, 8, 8, 0.5], [7, 4, 4, 0]],
        ),
        (["--min-overlap", "11"], [[0, 0, 2, 0], [1, 1, 0, 0]]),
        (["--min-overlap", "0.5"], [[0, 0, 2, 1], [1, 2, 1, 0]]),
        (["--min-overlap", "1.0"], [[0, 0, 2, 1], [1, 2, 1, 0]]),
        (["--min-overlap", "0.1", "--overlap-of", "region"], [[0, 0, 2, 1], [1, 1, 1, 0]]),
        (["--min-overlap", "0.4", "--overlap-of", "both"], [[0, 0, 2, 0], [1, 1, 0, 0]]),
        (["--exclude", "black.bed"], [[0, 0, 0, 1], [0, 2, 2, 0]]),
        (["--exclude-chrom", "chr2"], [[0, 2, 2, 1], [0, 2, 2, 0]]),
        (
            ["--exclude-chrom", "chr2", "--exclude-chrom", "HLA-A*01:01"],
            [[0, 2, 2, 0], [0, 2, 2, 0]],
        ),
        (
            ["--exclude", "black.bed", "--exclude-chrom", "HLA-A*01:01"],
            [[0, 0, 0, 0], [0, 2, 2, 0]],
        ),
        (["--exclude", "black.bed", "--exclude", "none.bed"], [[0, 0, 0, 1], [0, 2, 2, 0]]),
        (["--exclude", "none.bed", "--exclude", "black.bed"], [[0, 0, 0, 1], [0, 2, 2, 0]]),
        (["--exclude", "none.bed"], [[0, 2, 2, 1], [1, 2, 2, 0]]),
        (["--method", "ailist"], [[0, 2, 2, 1], [1, 2, 2, 0]]),
    ],
    ids=lambda x: " ".join(x) if all(isinstance(item, str) for item in x) else "",
)
def test_entries_by_hand(here, run, args, expected):
    code, out, err = run("matrix", "u.bed", "a.bed", "c.bed", *args, "-o", "x.npz")
    assert (code, out) == (0, ""), err
    np.testing.assert_allclose(dense("x.npz"), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("args", "options", "weigh"),
    [
        ([], {}, {}),
        (["--values", "bp"], {}, {"values": "bp"}),
        (["--values", "fraction"], {}, {"values": "fraction"}),
        (["--values", "signal", "--signal", "7"], {}, {"values": "signal", "signal": 7}),
        (["--unique", "query"], {"unique": "query"}, {}),
        (["--min-overlap", "0.5"], {"min_overlap": 0.5}, {}),
        (["--min-overlap", "5"], {"min_overlap": 5}, {}),
        (["--exclude-chrom", "chr0"], {"exclude": ["chr0"]}, {}),
        (["--exclude", "dark.bed"], {"exclude": "dark.bed"}, {}),
    ],
    ids=str,
)
def test_entries_are_those_of_the_library(here, run, args, options, weigh):
    files = [f"{name}.bed" for name in CROWD_SAMPLES]
    assert run("matrix", "crowd.bed", *files, *args, "-o", "x.npz")[0] == 0
    batch = Tokenizer("crowd.bed", unknown="drop", **options).encode_batch(files, **weigh)
    expected = batch.to_csr(len(CROWD))
    found = scipy.sparse.load_npz("x.npz")
    assert found.dtype == expected.dtype
    for name in ("indptr", "indices", "data"):
        assert np.array_equal(getattr(found, name), getattr(expected, name))


def test_a_universe_with_a_region_twice(here, run):
    (here / "twice.bed").write_text(lines_of([*UNIVERSE[:2], UNIVERSE[0], *UNIVERSE[2:]]))
    check_error(run("matrix", "twice.bed", "a.bed", "-o", "x.npz"), r"twice\.bed, line 3: chr2:5-5")
    args = ("matrix", "twice.bed", "a.bed", "b.bed", "-o", "x.npz")
    check_error(run(*args, "--duplicates", "error"), r"twice\.bed, line 3: .*line 1")
    assert not (here / "x.npz").exists()
    assert run(*args, "--duplicates", "drop")[0] == 0
    matrix, _, _, tokens = read("x.npz")
    assert matrix.toarray().tolist() == COUNTS[:2]
    assert tokens == Universe("u.bed").tokens


def test_a_saved_folder_and_a_config_as_universe(here, run):
    Tokenizer("u.bed", exclude="black.bed", min_overlap=0.5).save_pretrained("saved")
    (here / "t.toml").write_text(
        'universe = "u.bed"\n[gtok]\nexclude = "black.bed"\nmin_overlap = 0.5\n'
    )
    for universe in ("saved", "t.toml"):
        assert run("matrix", universe, "a.bed", "c.bed", "-o", "x.npz")[0] == 0
        matrix, _, obs, _ = read("x.npz")
        assert matrix.toarray().tolist() == [[0, 0, 0, 1], [0, 2, 1, 0]]
        assert obs["n_excluded"] == [2, 1]
        args = ("matrix", universe, "a.bed", "--min-overlap", "1", "--exclude", "none.bed")
        assert run(*args, "-o", "x.npz")[0] == 0
        assert dense("x.npz").tolist() == COUNTS[:1]


@pytest.mark.parametrize("universe", ["saved", "t.toml"])
def test_duplicates_are_dropped_of_any_universe(here, run, universe):
    Tokenizer("u.bed").save_pretrained("saved")
    (here / "t.toml").write_text('universe = "u.bed"\n')
    args = ("matrix", universe, "a.bed", "--duplicates", "drop", "-o", "x.npz")
    code, _, err = run(*args)
    assert code == 0, err
    assert dense("x.npz").tolist() == COUNTS[:1]


@pytest.mark.parametrize(
    ("args", "pattern"),
    [
        (["--values", "signal"], "values='signal' goes with signal="),
        (["--signal", "score"], "values='signal' goes with signal="),
        (["--values", "bp", "--signal", "5"], "values='signal' goes with signal="),
        (["--min-overlap", "0"], "min_overlap.*found 0"),
        (["--min-overlap", "-3"], "min_overlap.*found -3"),
        (["--min-overlap", "0.0"], "min_overlap.*found 0.0"),
        (["--min-overlap", "1.5"], "min_overlap.*found 1.5"),
        (["--exclude", "nothing.bed"], r"nothing\.bed: No such file"),
        (["--exclude", "bad.bed"], r"bad\.bed, line 3"),
        (["--values", "signal", "--signal", "height"], r"a\.bed: expected signal .*'height'"),
        (["--values", "signal", "--signal", "3"], r"a\.bed: .*column from 4, found 3"),
        (["--values", "signal", "--signal", "6"], r"a\.bed, line 1: .*number in column 6"),
        (["--values", "signal", "--signal", "11"], r"a\.bed, line 1: .*column 11, found nothing"),
    ],
    ids=str,
)
def test_options_that_do_not_fit(here, run, args, pattern):
    check_error(run("matrix", "u.bed", "a.bed", "b.bed", *args, "-o", "x.npz"), pattern)
    assert not (here / "x.npz").exists()


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["--values", "peaks"], "peaks"),
        (["--reduce", "mean"], "mean"),
        (["--unique", "token"], "token"),
        (["--overlap-of", "either"], "either"),
        (["--min-overlap", "half"], "'half'"),
        (["--min-overlap", "1e-1"], "'1e-1'"),
        (["--duplicates", "keep"], "keep"),
        (["--threads", "0"], "0"),
        (["--unknown", "drop"], "--unknown"),
    ],
    ids=str,
)
def test_wrong_usage(here, run, args, word):
    code, out, err = run("matrix", "u.bed", "a.bed", *args, "-o", "x.npz")
    assert (code, out) == (2, "")
    assert "Usage: gtok matrix" in err
    assert word in err.splitlines()[-1]
    assert not (here / "x.npz").exists()


# --- what is told


def test_the_summary(here, run):
    args = ("matrix", "u.bed", "a.bed", "b.bed", "c.bed", "-o", "x.npz")
    code, out, err = run(*args)
    assert (code, out) == (0, "")
    lines = err.splitlines()
    assert lines[:-1] == [
        "3 samples x 4 regions -> x.npz",
        "  entries     7, 58.33% of the matrix",
        "  input       8 regions, 87.5% with an overlap",
        "  least       75.0% with an overlap, in a",
    ]
    size = (here / "x.npz").stat().st_size / 1000
    told = re.fullmatch(r"  time        [\d.]+ m?s, and [\d.]+ m?s to write ([\d.]+) kB", lines[-1])
    assert told is not None
    assert float(told[1]) == pytest.approx(size, rel=0.01)


def test_the_summary_of_one_sample(here, run):
    _, _, err = run("matrix", "u.bed", "b.bed", "--exclude", "black.bed", "-o", "x.mtx")
    assert err.splitlines()[:-1] == [
        "1 sample x 4 regions -> x.mtx",
        "  entries     1, 25.00% of the matrix",
        "  input       1 regions, 100.0% with an overlap",
        "  excluded    0 regions",
    ]


def test_the_summary_tells_what_is_excluded_and_left_out(here, run):
    args = ("a.bed", "bad.bed", "c.bed", "--exclude", "black.bed", "--skip-bad", "-o", "x.npz")
    code, out, err = run("matrix", "u.bed", *args)
    assert (code, out) == (3, "")
    assert err.splitlines()[:-1] == [
        "gtok: left out: bad.bed, line 3: expected start <= end, found 9 > 2",
        "2 samples x 4 regions -> x.npz",
        "  entries     3, 37.50% of the matrix",
        "  input       4 regions, 75.0% with an overlap",
        "  excluded    3 regions",
        "  left out    1 file, named above",
        "  least       50.0% with an overlap, in a",
    ]


def test_a_summary_of_nothing(here, run):
    code, _, err = run("matrix", "u.bed", "none.bed", "-o", "x.npz")
    assert code == 0
    assert "  entries     0, 0.00% of the matrix\n  input       0 regions, 0.0% with" in err
    assert dense("x.npz").tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize("flag", ["-q", "--quiet"])
@pytest.mark.parametrize("output", FORMATS)
def test_quiet(here, run, output, flag):
    assert run("matrix", "u.bed", "a.bed", "b.bed", flag, "-o", output) == (0, "", "")
    assert dense(output).tolist() == COUNTS[:2]


# --- what goes wrong


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize(
    ("name", "pattern"),
    [("bad.bed", r"error: bad\.bed, line 3: .*9 > 2"), ("nothing.bed", r"nothing\.bed: No such")],
)
def test_one_bad_file_and_nothing_is_written(here, run, output, threads, name, pattern):
    before = sorted(os.listdir(here))
    files = [f"{sample}.bed" for sample in CROWD_SAMPLES]
    result = run("matrix", "crowd.bed", *files[:3], name, *files[3:], "-t", threads, "-o", output)
    check_error(result, pattern)
    assert sorted(os.listdir(here)) == before


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_the_first_of_several_bad_files_is_named(here, run, threads):
    (here / "worse.bed").write_text("x\n")
    files = ("a.bed", "worse.bed", "b.bed", "bad.bed", "nothing.bed")
    check_error(run("matrix", "u.bed", *files, "-t", threads, "-o", "x.npz"), "worse.bed, line 1: ")


@pytest.mark.parametrize("output", FORMATS)
def test_a_failure_leaves_what_was_there(here, run, output):
    assert run("matrix", "u.bed", "a.bed", "-o", output)[0] == 0
    before = {name: (here / name).read_bytes() for name in os.listdir(here)}
    for args in (["bad.bed"], ["nothing.bed"], ["--min-overlap", "0"], ["bad.bed", "--skip-bad"]):
        if "--skip-bad" in args:
            args = ["nothing.bed", *args]
            assert run("matrix", "u.bed", *args, "-o", output)[0] == 1
        else:
            assert run("matrix", "u.bed", "c.bed", *args, "-o", output)[0] == 1
        assert {name: (here / name).read_bytes() for name in os.listdir(here)} == before


@pytest.mark.parametrize("output", FORMATS)
def test_a_missing_folder(here, run, output):
    before = sorted(os.listdir(here))
    result = run("matrix", "u.bed", "a.bed", "-o", f"nowhere/{output}")
    check_error(result, r"nowhere/x\.(npz|h5ad|mtx|samples\.tsv).*: No such file or directory")
    assert ".part" not in result[2]
    assert sorted(os.listdir(here)) == before


@pytest.mark.parametrize("output", FORMATS)
def test_a_folder_is_no_target(here, run, output):
    (here / output).mkdir()
    before = sorted(os.listdir(here))
    result = run("matrix", "u.bed", "a.bed", "-o", output)
    check_error(result, rf"\b{re.escape(output)}: Is a directory\n")
    assert sorted(os.listdir(here)) == before
    assert os.listdir(here / output) == []


def test_a_bad_universe(here, run):
    check_error(run("matrix", "nothing.bed", "a.bed", "-o", "x.npz"), "nothing.bed: No such file")
    check_error(run("matrix", "bad.bed", "a.bed", "-o", "x.npz"), r"bad\.bed, line 3")
    check_error(run("matrix", "none.bed", "a.bed", "-o", "x.npz"), "at least one region")
    # It is no sample, that one could do without.
    result = run("matrix", "bad.bed", "a.bed", "--skip-bad", "-o", "x.npz")
    check_error(result, r"bad\.bed, line 3")
    assert not (here / "x.npz").exists()


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("output", FORMATS)
def test_bad_files_are_left_out_where_asked_for(here, run, output, threads):
    (here / "damaged.bed.gz").write_bytes(gzip.compress(b"chr1\t120\t160\n" * 9)[:-9])
    files = ("a.bed", "bad.bed", "b.bed", "nothing.bed", "damaged.bed.gz", "c.bed")
    args = (*files, "--skip-bad", "-t", threads, "-o", output)
    code, out, err = run("matrix", "u.bed", *args)
    assert (code, out) == (3, "")
    told = [line for line in err.splitlines() if line.startswith("gtok: left out: ")]
    assert [line.removeprefix("gtok: left out: ").split(":")[0].split(",")[0] for line in told] == [
        "bad.bed", "nothing.bed", "damaged.bed.gz"
    ]  # fmt: skip
    assert told[0].endswith(", line 3: expected start <= end, found 9 > 2")
    assert told[1].endswith("nothing.bed: No such file or directory")
    assert "truncated" in told[2]
    assert "  left out    3 files, named above" in err
    matrix, names, obs, _ = read(output)
    assert names == ["a", "b", "c"]
    assert matrix.toarray().tolist() == COUNTS[:3]
    assert [int(n) for n in obs["n_regions"]] == [4, 1, 3]


@pytest.mark.parametrize("output", FORMATS)
def test_rows_stay_beside_what_is_known_of_them(here, run, output):
    (here / "sheet.tsv").write_text(
        "sample\tage\tpath\tbatch\n"
        "p\t1\tbad.bed\t01\n"
        "q\t2\ta.bed\t02\n"
        "r\t3\tnothing.bed\t03\n"
        "s\t4\tc.bed\t04\n"
        "t\t5\tbad.bed\t05\n"
    )
    args = ("--sheet", "sheet.tsv", "--skip-bad", "-q", "-o", output)
    code, out, err = run("matrix", "u.bed", *args)
    assert (code, out) == (3, "")
    assert [line.split()[3].rstrip(",:") for line in err.splitlines()] == [
        "bad.bed", "nothing.bed", "bad.bed"
    ]  # fmt: skip
    matrix, names, obs, _ = read(output)
    assert names == ["q", "s"]
    assert matrix.toarray().tolist() == [COUNTS[0], COUNTS[2]]
    assert [int(age) for age in obs["age"]] == [2, 4]
    assert obs["batch"] == ["02", "04"]
    assert [int(n) for n in obs["n_regions"]] == [4, 3]


def test_nothing_to_leave_out(here, run):
    assert run("matrix", "u.bed", "a.bed", "--skip-bad", "-q", "-o", "x.npz") == (0, "", "")


@pytest.mark.parametrize("output", FORMATS)
def test_nothing_is_written_where_every_file_is_bad(here, run, output):
    before = sorted(os.listdir(here))
    code, out, err = run("matrix", "u.bed", "bad.bed", "nothing.bed", "--skip-bad", "-o", output)
    assert (code, out) == (1, "")
    assert [line.split(".bed")[0] for line in err.splitlines()[:2]] == [
        "gtok: left out: bad", "gtok: left out: nothing"
    ]  # fmt: skip
    assert err.splitlines()[2:] == ["gtok: error: no file could be read; nothing is written"]
    assert sorted(os.listdir(here)) == before


def test_a_signal_that_is_no_number_is_of_a_bad_file(here, run):
    (here / "dots.bed").write_text("chr1\t120\t160\tp\t.\n")
    args = ("a.bed", "dots.bed", "--values", "signal", "--signal", "score", "-o", "x.npz")
    check_error(run("matrix", "u.bed", *args), r"dots\.bed, line 1: expected a number in column 5")
    code, _, err = run("matrix", "u.bed", *args, "--skip-bad")
    assert code == 3
    assert "left out: dots.bed, line 1: expected a number in column 5" in err
    assert dense("x.npz").tolist() == [[0, 6, 6, 0.5]]


def test_a_missing_file_may_be_called_as_a_region_is(here, run):
    check_error(run("matrix", "u.bed", "a.bed", "chr1:1-5", "-o", "x.npz"), "chr1:1-5: No such fil")
    code, _, err = run("matrix", "u.bed", "a.bed", "chr1:1-5", "--skip-bad", "-o", "x.npz")
    assert code == 3, err
    (here / "chr1:1-5").write_text(lines_of(SAMPLES["b"]))
    assert run("matrix", "u.bed", "a.bed", "chr1:1-5", "-o", "x.npz")[0] == 0
    assert dense("x.npz").tolist() == COUNTS[:2]


@pytest.mark.slow
def test_without_anndata(here):
    # None makes an import fail as it does where a package is not installed.
    code = (
        "import sys\nsys.modules['anndata'] = None\nfrom gtok.cli import main\nmain()\n"
    )  # fmt: skip
    before = sorted(os.listdir(here))
    result = process("matrix", "nothing.bed", "no.bed", "-o", "x.h5ad", module=("-c", code))
    check_error(result, r"needs AnnData: pip install 'gtok\[cells\]'\n")
    assert "No such file" not in result[2]
    assert process("matrix", "u.bed", "a.bed", "-q", "-o", "x.npz", module=("-c", code))[0] == 0
    assert sorted(os.listdir(here)) == sorted([*before, "x.npz"])


def test_help(run):
    code, out, err = run("matrix", "--help")
    assert (code, err) == (0, "")
    for word in (
        "UNIVERSE",
        ".npz",
        ".h5ad",
        ".mtx",
        "--sheet",
        "--skip-bad",
        "@LIST",
        "is then 3",
    ):
        assert word in re.sub(r"\s+", " ", out)


# --- gtok tokenize


@pytest.mark.parametrize(
    ("args", "options"),
    [
        (["--min-overlap", "20"], {"min_overlap": 20}),
        (["--min-overlap", "0.5"], {"min_overlap": 0.5}),
        (["--min-overlap", "0.5", "--overlap-of", "query"], {"min_overlap": 0.5}),
        (
            ["--min-overlap", ".5", "--overlap-of", "region"],
            {"min_overlap": 0.5, "overlap_of": "region"},
        ),
        (
            ["--min-overlap", "0.5", "--overlap-of", "both"],
            {"min_overlap": 0.5, "overlap_of": "both"},
        ),
        (["--exclude", "dark.bed"], {"exclude": CROWD_BLACK}),
        (["--exclude-chrom", "chr1"], {"exclude": [("chr1", 0, 10**6)]}),
        (
            ["--exclude-chrom", "chr1", "--exclude", "dark.bed", "--exclude-chrom", "chr0"],
            {"exclude": [*CROWD_BLACK, ("chr1", 0, 10**6), ("chr0", 0, 10**6)]},
        ),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, list) else "",
)
def test_tokenize_takes_overlaps_and_exclusions(here, run, args, options):
    files = [f"{name}.bed" for name in CROWD_SAMPLES]
    common_args = ("--unknown", "drop", "-q", "-o", "x.parquet")
    assert run("tokenize", "crowd.bed", *files, *args, *common_args) == (0, "", "")
    names, batch = read_parquet("x.parquet")
    assert names == list(CROWD_SAMPLES)
    expected = [brute_force(CROWD, rows, **options) for rows in CROWD_SAMPLES.values()]
    assert batch.to_csr(len(CROWD)).toarray().tolist() == expected
    left = [kept_of(rows, options.get("exclude", ())) for rows in CROWD_SAMPLES.values()]
    assert batch.n_regions.tolist() == [len(rows) for rows, _ in left]
    if "exclude" in options:
        assert batch.n_excluded.tolist() == [n_excluded for _, n_excluded in left]
    else:
        assert batch.n_excluded is None


def test_tokenize_tells_what_is_excluded(here, run):
    args = ("a.bed", "c.bed", "--exclude", "black.bed", "-o", "x.tsv")
    code, out, err = run("tokenize", "u.bed", *args)
    assert (code, out) == (0, "")
    assert err == "2 samples: 4 regions, 75.0% with a token, 3 excluded, 5 tokens -> x.tsv\n"
    code, out, _ = run("tokenize", "u.bed", "a.bed", "--exclude-chrom", "chr1")
    assert (code, out) == (0, "HLA-A*01:01\t0\t9\t3\n")


def test_tokenize_drops_duplicates_where_asked_for(here, run):
    (here / "twice.bed").write_text(lines_of([*UNIVERSE[:2], UNIVERSE[0], *UNIVERSE[2:]]))
    check_error(run("tokenize", "twice.bed", "b.bed"), r"twice\.bed, line 3")
    code, out, _ = run("tokenize", "twice.bed", "b.bed", "a.bed", "--duplicates", "drop")
    assert (code, out.splitlines()[1]) == (0, "chr1\t100\t200\t2\ta")


@pytest.mark.parametrize(
    ("args", "status"),
    [
        (["--min-overlap", "0"], 1),
        (["--min-overlap", "2.0"], 1),
        (["--exclude", "nothing.bed"], 1),
        (["--min-overlap", "half"], 2),
        (["--overlap-of", "either"], 2),
    ],
    ids=str,
)
def test_tokenize_refuses_what_does_not_fit(here, run, args, status):
    code, out, err = run("tokenize", "u.bed", "a.bed", *args)
    assert (code, out) == (status, "")
    assert args[1] in err


@pytest.mark.parametrize("n", [31, 32, 33, 64, 70])
def test_tokenize_keeps_the_order_of_many_files(here, run, n):
    pytest.importorskip("pyarrow")
    samples = {f"m{(37 * i) % 101}": drawn(1000 + i, 1 + (i * 29) % 60) for i in range(n)}
    for name, rows in samples.items():
        (here / f"{name}.bed").write_text(lines_of(rows))
    files = [f"{name}.bed" for name in samples]
    assert files != sorted(files)
    args = ("--unknown", "drop", "-t", 4, "-o", "x.parquet")
    code, out, err = run("tokenize", "crowd.bed", *files, *args)
    assert (code, out) == (0, "")
    assert err.startswith(f"{n} samples: {sum(map(len, samples.values())):,} regions, ")
    names, batch = read_parquet("x.parquet")
    assert names == list(samples)
    assert batch.n_regions.tolist() == [len(rows) for rows in samples.values()]
    expected = [brute_force(CROWD, rows) for rows in samples.values()]
    assert batch.to_csr(len(CROWD)).toarray().tolist() == expected
