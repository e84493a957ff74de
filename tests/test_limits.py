"""What is too much: bounded memory and an error, for bytes and for numbers."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
import pytest
from interrupts import SANITIZED

import gtok
from gtok import GtokError, RegionSet, TokenBatch, Tokenizer, Universe, read_gtok, write_gtok
from gtok.index import build_index
from gtok.tokens_io import write_parquet

MIB = 1 << 20
PAST = 2**31 + 5
ROW = b"chr1\t100\t200000\n"  # of 16 bytes
linux = pytest.mark.skipif(sys.platform != "linux", reason="limits and peaks of Linux")
limited = pytest.mark.skipif(SANITIZED, reason="sanitizers take memory without limits")

# What a process says of a call, and the most memory that it had meanwhile beyond its first.
CHILD = """
import resource, sys
import numpy, gtok
from gtok.pseudobulk import split_fragments
from gtok.building import chrom_sizes
gtok.RegionSet.from_bed("u.bed"), gtok.Tokenizer("u.bed"), gtok.count_fragments("f.tsv", "u.bed")
def peak():
    # getrusage knows the peak of the process that began this one, too.
    status = open("/proc/self/status").read()
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10
before = peak()
limit = int(sys.argv[2]) << 20
if limit:
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + limit, used + limit))
try:
    found = eval(sys.argv[1])
except Exception as error:
    found = f"{type(error).__name__}: {error}"
print(peak() - before, found)
"""


@pytest.fixture(scope="module")
def bombs():
    """A folder of small files that are large inside, or look so."""
    with tempfile.TemporaryDirectory() as folder:
        texts = {
            "u.bed": b"chr1\t100\t200\n",
            "f.tsv": b"chr1\t90\t180\tA\t1\n",
            "g.tsv": b"A\tB\n",
        }
        for name, text in texts.items():
            with open(os.path.join(folder, name), "wb") as handle:
                handle.write(text)
        # 16 MiB a member, of which a thousandth is on the disk.
        for name, part, n_members in [
            ("zeros.gz", bytes(16), 64),
            ("comments.gz", b"#" + b"x" * 62 + b"\n", 64),
            ("blank.gz", b"\n", 4),
            ("rows.gz", ROW, 32),
        ]:
            member = gzip.compress(part * (16 * MIB // len(part)), 1)
            with open(os.path.join(folder, name), "wb") as handle:
                handle.writelines([member] * n_members)
        yield folder


def child(folder, call, limit=0):
    done = subprocess.run(
        [sys.executable, "-c", CHILD, call, str(limit)],
        cwd=folder, capture_output=True, text=True, timeout=100,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    peak, _, found = done.stdout.partition(" ")
    return 0 if SANITIZED else int(peak), found.strip()


# --- streams


@linux
@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('gtok.RegionSet.from_bed("zeros.gz")', "BedError: zeros.gz, line 1: longer than 67108864"),
        ('gtok.Tokenizer("u.bed").encode("zeros.gz")', "BedError: zeros.gz, line 1: longer than"),
        ('gtok.count_fragments("zeros.gz", "u.bed")', "BedError: zeros.gz, line 1: longer than"),
        (
            'gtok.count_fragments("f.tsv", "u.bed", barcodes="zeros.gz")',
            "GtokError: zeros.gz, line 1: expected a line of at most 67108864",
        ),
        ('split_fragments("f.tsv", "zeros.gz", "x")', "GtokError: zeros.gz, line 1: expected a"),
        ('chrom_sizes("zeros.gz")', "GtokError: zeros.gz, line 1: expected a line of at most"),
    ],
)
def test_lines_without_an_end(bombs, call, message):
    peak, found = child(bombs, call)
    assert found.startswith(message)
    assert peak < 320, "MiB"  # the line's limit, and what it takes to double a buffer


@linux
@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('gtok.RegionSet.from_bed("/dev/zero")', "BedError: /dev/zero, line 1: longer than"),
        ('gtok.Tokenizer.from_config("/dev/zero")', "ConfigError: /dev/zero: expected a config of"),
        ('gtok.read_gtok("/dev/zero")', "GtokError: /dev/zero: not a .gtok file"),
    ],
)
def test_files_without_an_end(bombs, call, message):
    peak, found = child(bombs, call)
    assert found.startswith(message)
    assert peak < 320, "MiB"


@linux
@pytest.mark.alone
@pytest.mark.parametrize("name", ["comments.gz", "blank.gz"])
def test_what_is_passed_over_takes_no_memory(bombs, name):
    peak, found = child(bombs, f'gtok.RegionSet.from_bed("{name}")')
    assert found == "RegionSet(0 regions on 0 chromosomes, 0 bp)"
    assert peak < 40, "MiB"


@linux
def test_the_limit_of_a_line_can_be_set(bombs):
    call = 'gtok.RegionSet.from_bed("zeros.gz", max_line=1 << 20)'
    peak, found = child(bombs, call)
    assert found.startswith("BedError: zeros.gz, line 1: longer than 1048576 bytes")
    assert peak < 20, "MiB"
    call = 'gtok.count_fragments("zeros.gz", "u.bed", max_line=1 << 20)'
    assert child(bombs, call)[1].startswith("BedError: zeros.gz, line 1: longer than 1048576 bytes")


def test_the_limit_of_a_line_can_be_raised(tmp_path):
    path = tmp_path / "x.bed"
    path.write_bytes(b"chr1\t5\t10\t" + b"x" * (1 << 26) + b"\n")
    with pytest.raises(GtokError, match=r"longer than 67108864 bytes"):
        RegionSet.from_bed(path)
    assert len(RegionSet.from_bed(path, max_line=1 << 27)) == 1
    path.write_bytes(b"chr1\t5\t10\tA\t1\t" + b"x" * 200 + b"\n")
    with pytest.raises(GtokError, match=r"longer than 200 bytes"):
        gtok.count_fragments(path, ["chr1:1-20"], max_line=200)
    assert gtok.count_fragments(path, ["chr1:1-20"], max_line=300).X.sum() == 1


@linux
@limited
@pytest.mark.alone
def test_rows_take_twelve_bytes_each_and_more_than_there_is_is_an_error(bombs):
    """A bomb of valid rows is their number, which nobody can tell from a sample."""
    rows = 32 * MIB
    peak, found = child(bombs, 'len(gtok.RegionSet.from_bed("rows.gz"))')
    assert found == str(rows)
    assert peak < 3 * 12 * rows >> 20, "MiB"  # columns double as they grow
    peak, found = child(bombs, 'len(gtok.RegionSet.from_bed("rows.gz"))', limit=300)
    assert found.startswith("MemoryError")
    assert peak < 300, "MiB"


@linux
@limited
@pytest.mark.alone
def test_the_command_line_says_that_memory_is_out(bombs):
    import resource

    done = subprocess.run(
        [sys.executable, "-m", "gtok", "tokenize", "rows.gz", "u.bed"],
        cwd=bombs, capture_output=True, text=True, timeout=100,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (700 * MIB, 700 * MIB)),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"gtok: error: out of memory.*\n", done.stderr), done.stderr


@linux
@pytest.mark.parametrize(
    "args",
    [
        "tokenize u.bed @zeros.gz",
        "matrix u.bed --sheet zeros.gz -o x.npz",
        "tokenize zeros.gz u.bed",
    ],
)
def test_the_command_line_and_lines_without_an_end(bombs, args):
    done = subprocess.run(
        [sys.executable, "-m", "gtok", *args.split()],
        cwd=bombs, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"gtok: error: zeros\.gz, line 1: .* 67108864 bytes.*\n", done.stderr)


# --- numbers of more than 31 bits


@pytest.fixture
def zeros(tmp_path):
    """More than 2^31 ids, which lie on no disk and in no memory."""
    with open(tmp_path / "ids", "wb") as handle:
        handle.truncate(4 * PAST)
    return np.memmap(tmp_path / "ids", np.int32, "r")


def test_offsets_past_31_bits(zeros):
    batch = TokenBatch(zeros, np.array([0, 2**31 - 1, 2**31 + 2, PAST]))
    assert batch.lengths.tolist() == [2**31 - 1, 3, 3]
    assert [len(batch[i]) for i in range(3)] == [2**31 - 1, 3, 3]
    assert [len(ids) for ids in batch] == [2**31 - 1, 3, 3]
    assert np.shares_memory(batch[2], zeros[-3:])
    assert repr(batch) == "TokenBatch(3 samples, 2,147,483,653 tokens)"


def test_offsets_that_were_wrapped(zeros):
    wrapped = np.array([0, 2**31 - 1, PAST]).astype(np.int32)
    with pytest.raises(
        GtokError, match=r"expected offsets from 0 to 2147483653, .*\[-2147483643\]"
    ):
        TokenBatch(zeros, wrapped)


def test_a_piece_of_parquet_past_31_bits(zeros, tmp_path):
    pytest.importorskip("pyarrow")
    batch = TokenBatch(zeros, np.array([0, PAST]))
    with pytest.raises(GtokError, match=r"fewer than 2\*\*31 tokens in a piece, found TokenBatch"):
        write_parquet(tmp_path / "x.parquet", [(["a"], batch)])
    assert os.listdir(tmp_path) == ["ids"]


@pytest.mark.parametrize("ids", [[2**31], [-(2**31) - 1], [2**63], [5, 2**32 + 5]])
def test_ids_past_31_bits(ids):
    with pytest.raises(GtokError, match=r"expected ids of 32 bits"):
        TokenBatch(np.array(ids), np.array([0, len(ids)]))


def test_ids_of_gtok_files_are_wider(tmp_path):
    ids = [0, 2**31 - 1, 2**31, 2**32 - 1]
    write_gtok(tmp_path / "x.gtok", ids)
    assert read_gtok(tmp_path / "x.gtok").tolist() == ids


@pytest.mark.parametrize("n", [2**31 - 7, 2**31, 2**40])
def test_more_regions_than_ids(n):
    """Refused by their number, before a copy of them is made."""
    codes = np.broadcast_to(np.int32(0), n)
    with pytest.raises(GtokError, match=rf"fewer than 2\*\*31 - 7 regions, found {n:,}"):
        RegionSet.from_codes(codes, ["chr1"], codes, codes)


@pytest.mark.parametrize("dtype", [np.int64, np.uint32, np.uint64, np.float64, object])
@pytest.mark.parametrize("end", [2**31 - 1, 2**31, 2**32 + 5])
def test_coordinates_past_31_bits(dtype, end):
    try:
        ends = np.array([end], dtype=dtype)
    except OverflowError:
        assert end > 2**32
        return
    if end < 2**31:
        assert RegionSet(["chr1"], [5], ends).ends.tolist() == [end]
        return
    with pytest.raises(GtokError, match=rf"ends, row 0: expected a number .* found {end}"):
        RegionSet(["chr1"], [5], ends)


def test_the_last_coordinate():
    """Nothing that is reckoned with coordinates wraps at the last of them."""
    last = 2**31 - 1
    regions = [("chr1", 0, last), ("chr1", last - 1, last), ("chr1", last, last)]
    queries = RegionSet.from_codes(
        np.zeros(3, np.int32), ["chr1"], *np.array(regions).T[1:].astype(int)
    )
    for method in ("bits", "ailist"):
        index = build_index(queries, method)
        assert index.count(queries).tolist() == [2, 2, 0]
    with pytest.warns(UserWarning, match="1 region of no length"):
        tokenizer = Tokenizer(regions, min_overlap=last)
    assert tokenizer.encode(regions[:1]) == [0]
    assert Universe.tiles({"chr1": last}, 2**30).regions.ends.tolist() == [2**30, last]


@pytest.mark.parametrize("shift", [(0, 5), (2**31 - 1, 2**31 - 1), (-(2**31) + 1, 0)])
def test_fragments_shifted_past_the_last_coordinate(tmp_path, shift):
    path = tmp_path / "f.tsv"
    path.write_text("chr1\t2147483600\t2147483647\tA\t1\nchr1\t5\t10\tA\t1\n")
    cells = gtok.count_fragments(path, [("chr1", 0, 2**31 - 1)], shift=shift)
    moved = [(min(max(a + shift[0], 0), 2**31 - 1), min(max(b + shift[1], 0), 2**31 - 1))
             for a, b in [(2147483600, 2147483647), (5, 10)]]  # fmt: skip
    assert cells.X.sum() == sum(a < b for a, b in moved)


def test_hits_of_more_than_31_bits():
    """Their number, without them: 2^16 regions under each of 2^16 queries."""
    n = 1 << 16
    stack = RegionSet.from_codes(np.zeros(n, np.int32), ["chr1"], np.zeros(n), np.arange(n) + 10)
    counts = build_index(stack, "bits").count(
        RegionSet.from_codes(np.zeros(n, np.int32), ["chr1"], np.zeros(n), np.full(n, 5))
    )
    assert counts.dtype == np.int64
    assert counts.sum() == 2**32
