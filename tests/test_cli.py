"""The commands, run as a shell runs them."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

import gtok
from gtok import Tokenizer, read_gtok, read_parquet

DATA = Path(__file__).resolve().parents[1] / "examples" / "data"
UNIVERSE = "chr2\t5\t50\nchr1\t150\t300\nchr1\t100\t200\nHLA-A*01:01\t0\t9\n"
A = "chr1\t120\t160\nchr9\t1\t5\nHLA-A*01:01\t8\t9\nchr1\t120\t160\n"
B = "chr2\t1\t6\n"
A_ROWS = (
    "chr1\t100\t200\t2\nchr1\t150\t300\t1\nHLA-A*01:01\t0\t9\t3\n"
    "chr1\t100\t200\t2\nchr1\t150\t300\t1\n"
)
MARKS = ["H3K4me1", "H3K4me2", "H3K4me3", "H3K27ac", "H3K27me3"]
posix = pytest.mark.skipif(os.name != "posix", reason="signals and terminals of POSIX")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a universe and samples, the current one."""
    for name, text in {"u.bed": UNIVERSE, "a.bed": A, "b.bed": B, "none.bed": ""}.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args, stdin=b"", module=("-m", "gtok")):
    """Run a command; its status, what it printed, what it told."""
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


# --- gtok tokenize


def test_tsv_is_what_is_printed(here):
    assert run("tokenize", "u.bed", "a.bed") == (0, A_ROWS, "")
    assert run("tokenize", "u.bed", "a.bed", "-o", "-") == (0, A_ROWS, "")


def test_several_samples_have_a_column_of_their_own(here):
    code, out, err = run("tokenize", "u.bed", "a.bed", "none.bed", "b.bed")
    assert (code, err) == (0, "")
    expected = [f"{row}\ta" for row in A_ROWS.splitlines()] + ["chr2\t5\t50\t0\tb"]
    assert out.splitlines() == expected


def test_samples_of_one_name_are_told_apart_by_their_folders(here):
    for folder in ("x", "y"):
        (here / folder).mkdir()
        (here / folder / "b.bed").write_text(B)
    _, out, _ = run("tokenize", "u.bed", "x/b.bed", "y/b.bed")
    assert out == "chr2\t5\t50\t0\tx/b.bed\nchr2\t5\t50\t0\ty/b.bed\n"


def test_to_tsv(here):
    code, out, err = run("tokenize", "u.bed", "a.bed", "-o", "x.tsv")
    assert (code, out) == (0, "")
    assert err == "1 sample: 4 regions, 75.0% with a token, 5 tokens -> x.tsv\n"
    assert (here / "x.tsv").read_text() == A_ROWS


def test_to_parquet(here):
    code, out, err = run("tokenize", "u.bed", "a.bed", "none.bed", "b.bed", "-o", "x.parquet")
    assert (code, out) == (0, "")
    assert err == "3 samples: 5 regions, 80.0% with a token, 7 tokens -> x.parquet\n"
    names, batch = read_parquet("x.parquet")
    assert names == ["a", "none", "b"]
    assert [ids.tolist() for ids in batch] == [[2, 1, 3, 2, 1], [4], [0]]
    assert batch.n_regions.tolist() == [4, 0, 1]
    assert batch.n_hits.tolist() == [3, 0, 1]


def test_to_gtok(here):
    assert run("tokenize", "u.bed", "a.bed", "-o", "x.gtok")[0] == 0
    assert read_gtok("x.gtok").tolist() == [2, 1, 3, 2, 1]


def test_to_jsonl(here):
    assert run("tokenize", "u.bed", "a.bed", "b.bed", "-o", "x.jsonl")[0] == 0
    rows = [json.loads(line) for line in (here / "x.jsonl").read_text().splitlines()]
    assert rows == [
        {"id": "a", "input_ids": [2, 1, 3, 2, 1], "n_regions": 4, "n_hits": 3},
        {"id": "b", "input_ids": [0], "n_regions": 1, "n_hits": 1},
    ]


def test_quiet(here):
    assert run("tokenize", "u.bed", "a.bed", "-q", "-o", "x.tsv") == (0, "", "")
    assert run("tokenize", "--quiet", "u.bed", "a.bed", "-o", "x.tsv") == (0, "", "")


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_standard_input(here, pack):
    assert run("tokenize", "u.bed", "-", stdin=pack(A.encode())) == (0, A_ROWS, "")
    _, out, _ = run("tokenize", "u.bed", "b.bed", "-", stdin=pack(B.encode()))
    assert out == "chr2\t5\t50\t0\tb\nchr2\t5\t50\t0\tstdin\n"
    assert run("tokenize", "-", "a.bed", stdin=pack(UNIVERSE.encode())) == (0, A_ROWS, "")


@pytest.mark.parametrize("args", [("u.bed", "-", "-"), ("-", "-"), ("-", "a.bed", "-")])
def test_standard_input_is_read_once(here, args):
    check_error(run("tokenize", *args, stdin=UNIVERSE.encode()), "standard input.*twice")


def test_a_list_of_files(here):
    (here / "list.txt").write_text("a.bed\r\n\n  b.bed  \n")
    _, _, err = run("tokenize", "u.bed", "none.bed", "@list.txt", "-o", "x.jsonl")
    assert err.startswith("3 samples")
    ids = [json.loads(line)["id"] for line in (here / "x.jsonl").read_text().splitlines()]
    assert ids == ["none", "a", "b"]
    check_error(run("tokenize", "u.bed", "@nothing.txt"), "nothing.txt: No such file")
    (here / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    check_error(run("tokenize", "u.bed", "@bytes.txt"), "bytes.txt")


@pytest.mark.parametrize(
    "options",
    [
        {"method": "ailist"},
        {"unknown": "region"},
        {"unknown": "drop"},
        {"order": "genome"},
        {"order": "random", "seed": 3},
        {"unique": "query"},
        {"unique": "token"},
    ],
    ids=str,
)
def test_options_are_the_tokenizers(here, options):
    args = [arg for name, value in options.items() for arg in (f"--{name}", str(value))]
    code, _, _ = run("tokenize", "u.bed", "a.bed", "b.bed", *args, "-o", "x.parquet")
    assert code == 0
    _, batch = read_parquet("x.parquet")
    expected = Tokenizer("u.bed", **options).encode_batch(["a.bed", "b.bed"])
    assert [ids.tolist() for ids in batch] == [ids.tolist() for ids in expected]


def test_threads_change_nothing(here):
    for i in range(40):
        (here / f"{i}.bed").write_text(A + B * i)
    args = ("tokenize", "u.bed", *(f"{i}.bed" for i in range(40)))
    _, one, _ = run(*args, "--threads", 1)
    code, many, _ = run(*args, "-t", 7)
    assert code == 0
    assert many == one
    assert len(one.splitlines()) == 40 * 5 + sum(range(40))


def test_a_saved_folder_and_a_config_as_universe(here):
    Tokenizer("u.bed", order="genome").save_pretrained("saved")
    (here / "t.toml").write_text('universe = "u.bed"\n[gtok]\norder = "genome"\n')
    expected = "chr1\t100\t200\t2\nchr1\t150\t300\t1\n" * 2 + "HLA-A*01:01\t0\t9\t3\n"
    for universe in ("saved", "t.toml"):
        assert run("tokenize", universe, "a.bed") == (0, expected, "")


def test_warnings_are_told(here):
    (here / "ensembl.bed").write_text("1\t5\t9\n")
    code, out, err = run("tokenize", "u.bed", "ensembl.bed")
    assert (code, out) == (0, "")
    assert re.fullmatch(r"gtok: warning: no chromosome of ensembl\.bed.*'chr2'.*'1'\n", err)


def test_names_of_files_need_not_be_text(here):
    name = os.fsdecode(b"\xff.bed")
    try:
        (here / name).write_text(B)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    for args in ((), ("-o", "x.jsonl"), ("-o", "x.parquet")):
        code, _, err = run("tokenize", "u.bed", "a.bed", name, *args)
        assert "Traceback" not in err
        assert code in (0, 1)


# --- what goes wrong


def test_a_missing_file(here):
    check_error(run("tokenize", "u.bed", "nothing.bed"), r"nothing\.bed: No such file")
    check_error(run("tokenize", "nothing.bed", "a.bed"), r"nothing\.bed: No such file")
    check_error(run("tokenize", "nothing.toml", "a.bed"), r"nothing\.toml: No such file")
    check_error(run("universe", "check", "nothing.bed"), r"nothing\.bed: No such file")
    (here / "folder").mkdir()
    check_error(run("tokenize", "u.bed", "folder"), r"folder: Is a directory")
    check_error(run("tokenize", "folder", "a.bed"), r"folder.*tokenizer\.toml, universe\.bed\.gz")


def test_bad_bed(here):
    (here / "bad.bed").write_text("#\nchr1\t1\t5\nchr1\t9\t2\n")
    check_error(run("tokenize", "u.bed", "a.bed", "bad.bed"), r"bad\.bed, line 3: .*9 > 2")
    check_error(run("tokenize", "bad.bed", "a.bed"), r"bad\.bed, line 3: .*9 > 2")
    check_error(run("tokenize", "u.bed", "-", stdin=b"x\n"), r"standard input, line 1: ")
    (here / "x.vcf").write_text("##fileformat=VCFv4.2\n")
    check_error(run("tokenize", "u.bed", "x.vcf"), r"x\.vcf is a VCF file, not BED")


def test_a_bad_universe(here):
    (here / "twice.bed").write_text(UNIVERSE + "chr2\t5\t50\n")
    check_error(run("tokenize", "twice.bed", "a.bed"), r"twice\.bed, line 5: chr2:5-50.*line 1")
    check_error(run("tokenize", "none.bed", "a.bed"), r"none\.bed.*at least one region")
    (here / "t.toml").write_text('universe = "u.bed"\ntokenizer_type = "tree"\n')
    check_error(run("tokenize", "t.toml", "a.bed"), r"t\.toml: .*'tree'")


def test_bad_outputs(here):
    check_error(run("tokenize", "u.bed", "a.bed", "b.bed", "-o", "x.gtok"), r"x\.gtok.*\.parquet")
    check_error(run("tokenize", "u.bed", "a.bed", "-o", "x.csv"), r"x\.csv.*\.parquet, \.gtok")
    result = run("tokenize", "u.bed", "a.bed", "-o", "nowhere/x.tsv")
    check_error(result, r"nowhere.*: No such file or directory")
    assert ".part" not in result[2]
    (here / "folder.tsv").mkdir()
    check_error(
        run("tokenize", "u.bed", "a.bed", "-o", "folder.tsv"), r"folder\.tsv: Is a directory"
    )


@pytest.mark.parametrize("name", ["x.tsv", "x.parquet", "x.jsonl"])
def test_a_failure_leaves_what_was_there(here, name):
    (here / "bad.bed").write_text("x\n")
    (here / name).write_text("before")
    kept = sorted(os.listdir(here))
    assert run("tokenize", "u.bed", "a.bed", "bad.bed", "-t", 1, "-o", name)[0] == 1
    assert sorted(os.listdir(here)) == kept
    assert (here / name).read_text() == "before"


@pytest.mark.parametrize(
    "args",
    [
        ("tokenize",),
        ("tokenize", "u.bed"),
        ("tokenize", "u.bed", "a.bed", "--order", "value"),
        ("tokenize", "u.bed", "a.bed", "--method", "tree"),
        ("tokenize", "u.bed", "a.bed", "--unknown", "x"),
        ("tokenize", "u.bed", "a.bed", "--seed", "-1"),
        ("tokenize", "u.bed", "a.bed", "--threads", "0"),
        ("tokenize", "u.bed", "a.bed", "--no-such-option"),
        ("universe", "check"),
        ("no-such-command",),
    ],
    ids=" ".join,
)
def test_wrong_usage(here, args):
    code, out, err = run(*args)
    assert (code, out) == (2, "")
    assert "Usage: gtok" in err
    assert "Error: " in err
    assert "Traceback" not in err


def test_a_traceback_where_asked_for(here):
    code, out, err = run("--debug", "tokenize", "u.bed", "nothing.bed")
    assert (code, out) == (1, "")
    assert err.startswith("Traceback")
    assert "FileNotFoundError" in err


# --- pipes and signals


@posix
def test_a_closed_pipe(here):
    args = ["tokenize", DATA / "universe.hg19.bed.gz", DATA / "hESC_H3K4me1.bed.gz"]
    command = [sys.executable, "-m", "gtok", *map(str, args)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as gtok_:
        head = subprocess.run(["head", "-1"], stdin=gtok_.stdout, capture_output=True, check=True)
        gtok_.stdout.close()
        err = gtok_.stderr.read()
        status = gtok_.wait(60)
    assert head.stdout.startswith(b"chr")
    assert err == b""
    assert status == -signal.SIGPIPE


@posix
def test_an_interrupt(here):
    command = [sys.executable, "-m", "gtok", "tokenize", "u.bed", "-", "-o", "x.tsv"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as gtok_:
        # More than a pipe holds: once it is gone, somebody is reading, and waits for more.
        gtok_.stdin.write(b"chr1\t120\t160\n" * 100_000)
        gtok_.send_signal(signal.SIGINT)
        try:
            status = gtok_.wait(10)
        except subprocess.TimeoutExpired:
            gtok_.kill()
            pytest.fail("an interrupt was not heard while waiting for standard input")
        err = gtok_.stderr.read()
        gtok_.stdin.raw.close()
    assert status == -signal.SIGINT
    assert err.strip() == b""
    assert "x.tsv" not in os.listdir(here)
    assert not [name for name in os.listdir(here) if name.endswith(".part")]


def on_a_terminal(*args):
    """What a command tells a terminal."""
    fcntl, pty, termios = map(pytest.importorskip, ("fcntl", "pty", "termios"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    try:
        status = subprocess.run(
            [sys.executable, "-m", "gtok", *args], stderr=theirs, stdout=subprocess.PIPE, timeout=60
        ).returncode
        os.close(theirs)
        told = b""
        try:
            while piece := os.read(ours, 4096):
                told += piece
        except OSError:  # how Linux says that the other end is closed
            pass
    finally:
        os.close(ours)
    return status, told.decode()


@posix
def test_progress_is_shown_to_a_terminal_only(here):
    args = ("tokenize", "u.bed", "a.bed", "b.bed", "none.bed", "-o", "x.tsv")
    status, told = on_a_terminal(*args)
    assert status == 0
    assert re.search(r"[0-3]/3 .*file", told)
    assert on_a_terminal(*args, "--quiet") == (0, "")
    assert re.fullmatch(r"3 samples: [^\n]+\n", run(*args)[2])


# --- gtok universe build


def test_a_universe_is_built_as_bedtools_merges(here):
    code, out, err = run("universe", "build", "u.bed", "a.bed", "b.bed", "-o", "built.bed.gz")
    assert (code, out) == (0, "")
    assert "3 files -> 4 regions on 4 chromosomes" in err
    built = gzip.decompress(Path("built.bed.gz").read_bytes()).decode()
    assert built == "HLA-A*01:01\t0\t9\nchr1\t100\t300\nchr2\t1\t50\nchr9\t1\t5\n"
    assert run("tokenize", "built.bed.gz", "b.bed")[1] == "chr2\t1\t50\t2\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--min-samples", "2"], ["HLA-A*01:01:0-9", "chr1:100-300", "chr2:1-50"]),
        (["--min-samples", "0.6"], ["HLA-A*01:01:0-9", "chr1:100-300", "chr2:1-50"]),
        (["--min-samples", "2", "--exclude-chrom", "chr1"], ["HLA-A*01:01:0-9", "chr2:1-50"]),
        (["--exclude", "a.bed"], ["chr1:160-300", "chr2:1-50"]),
        (["--max-gap", "1000", "--quiet"], None),
    ],
)
def test_how_a_universe_is_built(here, options, expected):
    if "--exclude" in options:
        (here / "u.bed").write_text("chr2\t5\t50\nchr1\t160\t300\nchr1\t100\t200\n")
    code, _, err = run("universe", "build", "@list.txt", "-o", "o.bed", *options)
    assert code == 1  # there is no list yet
    (here / "list.txt").write_text("u.bed\na.bed\nb.bed\n")
    code, out, err = run("universe", "build", "@list.txt", "-o", "o.bed", *options)
    assert (code, out) == (0, "")
    if expected is None:
        assert err == ""
    else:
        assert gtok.Universe.from_bed("o.bed").tokens == expected


def test_a_universe_of_nothing(here):
    check_error(run("universe", "build", "none.bed", "-o", "o.bed"), "at least one region")
    check_error(run("universe", "build", "a.bed", "-o", "o.bed", "--min-samples", "2"), "none in")
    code, _, err = run("universe", "build", "a.bed", "-o", "o.bed", "--min-samples", "x")
    assert (code, "found 'x'" in err) == (2, True)
    assert not (here / "o.bed").exists()


# --- gtok universe check


def test_a_clean_universe(here):
    code, out, err = run("universe", "check", "u.bed")
    assert (code, out) == (0, "")
    assert err.startswith("u.bed: 0 errors, 0 warnings; 4 regions on 3 chromosomes")
    assert err.count("\n") == 1


def test_every_problem_is_printed_with_its_line(here):
    text = "chr1\t1\t5\n# x\nchr1\t9\t2\nchr1\t1\t5\nx\nchr1\t7\t7\n1\t3\t4\n"
    (here / "bad.bed").write_text(text)
    for code, out, err in (
        run("universe", "check", "bad.bed"),
        run("universe", "check", "-", stdin=text.encode()),
    ):
        assert code == 1
        found = [line.split(":", 3) for line in out.splitlines()]
        assert [(line, kind.strip()) for _, line, kind, _ in found] == [
            ("1", "warning"), ("3", "error"), ("4", "error"), ("5", "error"), ("6", "warning")
        ] or [(line, kind.strip()) for _, line, kind, _ in found] == [
            ("3", "error"), ("4", "error"), ("5", "error"), ("6", "warning"), ("7", "warning")
        ]  # fmt: skip
        assert "chr1:1-5 stands already on line 1" in out
        assert "3 errors, 2 warnings" in err


def test_warnings_alone_are_no_failure(here):
    (here / "w.bed").write_text("chr1\t5\t5\n")
    code, out, _ = run("universe", "check", "w.bed")
    assert code == 0
    assert re.fullmatch(r"w\.bed:1: warning: [^\n]+\n", out)


def test_checking_what_is_no_bed(here):
    (here / "x.vcf").write_text("##fileformat=VCFv4.2\n")
    check_error(run("universe", "check", "x.vcf"), "VCF")


# --- gtok demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return folder, run("demo", "-o", folder / "out")


def test_the_demo_prints_a_table(demo):
    folder, (code, out, err) = demo
    assert (code, err) == (0, "")
    tokenizer = Tokenizer(DATA / "universe.hg19.bed.gz")
    batch = tokenizer.encode_batch([DATA / f"hESC_{mark}.bed.gz" for mark in MARKS])
    assert f"{len(tokenizer.universe):,} regions" in out
    lines = out.splitlines()
    header = next(line for line in lines if line.startswith("sample"))
    assert re.split(r"  +", header) == [
        "sample",
        "regions",
        "with a token",
        "tokens",
        "share",
        "ms",
    ]
    for mark, ids, n_regions, n_hits in zip(
        MARKS, batch, batch.n_regions, batch.n_hits, strict=True
    ):
        cells = next(line for line in lines if line.startswith(f"{mark} ")).split()
        share = f"{n_hits / n_regions:.0%}"
        assert cells[:-1] == [mark, f"{n_regions:,}", f"{n_hits:,}", f"{len(ids):,}", share]
        assert float(cells[-1]) > 0
    assert str(folder / "out") in out


def test_the_demo_writes_its_files(demo):
    folder, (_, out, _) = demo
    written = folder / "out"
    assert sorted(os.listdir(written)) == [
        "matrix.npz", "similarity.png", "tokenizer", "tokens.parquet"
    ]  # fmt: skip
    assert all(name in out for name in os.listdir(written))
    names, batch = read_parquet(written / "tokens.parquet")
    assert names == MARKS
    matrix = scipy.sparse.load_npz(written / "matrix.npz")
    tokenizer = Tokenizer.from_pretrained(written / "tokenizer")
    assert matrix.shape == (5, len(tokenizer.universe))
    assert np.array_equal(np.asarray(matrix.sum(axis=1)).ravel(), batch.lengths)
    assert tokenizer.universe.genome == "hg19"
    assert tokenizer.encode(DATA / "hESC_H3K27ac.bed.gz") == batch[3].tolist()
    picture = (written / "similarity.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 5000


def test_the_demo_without_optional_libraries(tmp_path):
    # None makes an import fail as it does where a package is not installed.
    code = (
        "import sys\n"
        "for name in ('matplotlib', 'pyarrow', 'pandas'): sys.modules[name] = None\n"
        "from gtok.cli import main\n"
        "main()\n"
    )
    status, out, err = run("demo", "-o", tmp_path / "out", module=("-c", code))
    assert (status, err) == (0, "")
    assert "gtok[plot]" in out
    assert sorted(os.listdir(tmp_path / "out")) == ["matrix.npz", "tokenizer", "tokens.jsonl"]
    lines = (tmp_path / "out" / "tokens.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["id"] for row in rows] == MARKS
    assert "similarity.png" not in out
    assert "tokens.jsonl" in out


def test_the_demo_again(demo):
    """Over what an earlier run left."""
    folder, _ = demo
    code, _, err = run("demo", "-o", folder / "out")
    assert (code, err) == (0, "")
    check_error(run("demo", "-o", "/dev/null/x"), "/dev/null")


# --- the whole


def test_version():
    assert run("--version") == (0, f"gtok {gtok.__version__}\n", "")


def test_the_script_is_installed():
    script = shutil.which("gtok", path=os.path.dirname(sys.executable))
    assert script is not None
    done = subprocess.run([script, "--version"], capture_output=True, check=True)
    assert done.stdout.decode() == f"gtok {gtok.__version__}\n"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), ["tokenize", "universe", "demo", "0-based"]),
        (("tokenize",), ["UNIVERSE", "BED", "--output", "--threads", "--quiet", "@LIST"]),
        (("universe",), ["build", "check"]),
        (("universe", "check"), ["FILE"]),
        (("demo",), ["--output"]),
    ],
)
def test_help(args, words):
    code, out, err = run(*args, "--help")
    assert (code, err) == (0, "")
    for word in words:
        assert word in out
    assert run(*args, "-h")[1] == out


@pytest.mark.parametrize("args", ["--version", "--help"])
def test_the_version_costs_no_numpy(args):
    code = (
        "import sys\n"
        "from gtok.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit:\n"
        "    pass\n"
        "print(sorted({'numpy', 'scipy', 'pandas', 'narwhals', 'tqdm'} & set(sys.modules)))\n"
    )
    status, out, _ = run(args, module=("-c", code))
    assert status == 0
    assert out.splitlines()[-1] == "[]"
