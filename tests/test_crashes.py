"""Whatever ends a writer, kill -9, a full disk, another writer: a file is whole, or the old one."""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import writers
from interrupts import SANITIZED, SLOWER, lateness

import gtok
from gtok._fragments import FragmentCounter
from gtok.threads import Stop

WRITERS = Path(writers.__file__)
each_kind = pytest.mark.parametrize("kind", writers.KINDS)
measured = pytest.mark.skipif(SANITIZED, reason="sanitizers keep memory that was given back")
linux = pytest.mark.skipif(sys.platform != "linux", reason="forks, kills and limits")


def expect_library(kind):
    needed = {"parquet": ["pyarrow"], "h5ad": ["anndata", "h5py"], "pseudobulk": ["pysam"]}
    for name in needed.get(kind, []):
        pytest.importorskip(name)


def run(*args):
    done = subprocess.run(
        [sys.executable, str(WRITERS), *map(str, args)],
        capture_output=True, text=True, timeout=120 * SLOWER,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@linux
@each_kind
@pytest.mark.slow
def test_killed_at_any_moment(kind, tmp_path):
    expect_library(kind)
    # Some were killed in the middle, or else nothing was tested.
    assert run("kill", kind, tmp_path, 50) > 5


@linux
@each_kind
def test_many_writers_of_one_file(kind, tmp_path):
    expect_library(kind)
    run("race", kind, tmp_path, 8)


@contextlib.contextmanager
def no_room():
    """Files that cannot grow beyond 20 kB, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@linux
@each_kind
def test_no_room(kind, tmp_path):
    expect_library(kind)
    name, write, _ = writers.KINDS[kind]
    path = tmp_path / name
    before = tmp_path / name
    if "." not in name:
        path.mkdir()
        before = path / "tokenizer.toml"
    before.write_bytes(b"what was there before")
    names = set(tmp_path.rglob("*"))
    with (
        pytest.raises(OSError, match=r"File too large|is the disk full\?") as caught,
        no_room(),
    ):
        write(path, 1)
    if kind == "pseudobulk":  # htslib does not tell why
        assert str(caught.value).startswith(f"{path}: ")
    else:
        assert caught.value.errno == errno.EFBIG
        # The very file; of several, the first that there was no room for.
        assert caught.value.filename.startswith(str(tmp_path / "x"))
    assert ".gtok-" not in str(caught.value)
    assert before.read_bytes() == b"what was there before"
    assert set(tmp_path.rglob("*")) == names


@linux
@pytest.mark.alone
def test_no_room_for_a_command(tmp_path):
    """The command says so in one line, and leaves what was there."""
    writers.bed(tmp_path / "u.bed", 1)
    (tmp_path / "out.tsv").write_text("before")
    command = [sys.executable, "-m", "gtok", "tokenize", "u.bed", "u.bed", "-o", "out.tsv"]
    limits = (20_000, resource.RLIM_INFINITY)
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits),
    )
    assert done.returncode == 1
    assert done.stderr == "gtok: error: out.tsv: File too large\n"
    assert (tmp_path / "out.tsv").read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.tsv", "u.bed"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_device(tmp_path):
    writers.bed(tmp_path / "u.bed", 1)
    command = [sys.executable, "-m", "gtok", "tokenize", "u.bed", "u.bed"]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr == "gtok: error: No space left on device\n"


@linux
@each_kind
def test_a_folder_that_cannot_be_written_to(kind, tmp_path):
    expect_library(kind)
    if os.getuid() == 0:
        folder = Path("/proc")  # root may write anywhere else
    else:
        folder = tmp_path / "closed"
        folder.mkdir(mode=0o500)
    name, write, _ = writers.KINDS[kind]
    with pytest.raises(OSError, match=str(folder / "x")):
        write(folder / name, 1)


@pytest.mark.parametrize("start", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_other_processes_answer_alike(start):
    if start == "fork" and not hasattr(os, "fork"):
        pytest.skip("no fork")
    tokenizer = writers.TOKENIZERS[0]
    samples = [[("chr1", i, i + 5_000)] for i in range(0, 100_000, 10_000)]
    expected = tokenizer.encode_batch(samples)
    with ProcessPoolExecutor(2, mp_context=get_context(start)) as pool:
        for i, found in enumerate(pool.map(tokenizer.encode, samples)):
            assert found == expected[i].tolist()


@pytest.mark.slow
@measured
def test_memory_stays_flat():
    """Ten thousand times all that allocates: what is not given back would be seen."""
    code = """
import gc, sys
import numpy as np, gtok
from gtok._bed import BedParser
from gtok._format import format_rows
rows = [(i % 7, 100 * i, 100 * i + 150, i) for i in range(300)]
text = b"".join(b"chr%d\\t%d\\t%d\\tname%d\\t5\\n" % row for row in rows)
def work():
    parser = BedParser((3, 4))
    parser.room(len(text))[:] = text
    parser.feed(len(text))
    parser.finish()
    names = [name.decode() for name in parser.chrom_names()]
    regions = gtok.RegionSet.from_codes(parser.columns()[0], names, *columns[1:])
    for method in ("bits", "ailist"):
        index = gtok.build_index(regions, method)
        offsets, ids = index.overlaps(regions)
        index.count(regions)
    batch = tokenizer.encode_batch([regions, regions], values="bp")
    batch.to_csr(300)
    format_rows([b"c"] * 7, *columns)
    try:
        index.overlaps(regions, min_overlap=-1)
    except gtok.GtokError:
        pass
def resident():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * 4096
parser = BedParser()
parser.room(len(text))[:] = text
parser.feed(len(text))
columns = parser.columns()
tokenizer = gtok.Tokenizer([("chr1", 0, 1000), ("chr2", 0, 100000)])
for _ in range(500): work()
before = resident()
for _ in range(int(sys.argv[1])): work()
print(resident() - before)
"""
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("no /proc")
    done = subprocess.run(
        [sys.executable, "-c", code, "10000"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 2**20


BEDS = [f"{i}.bed" for i in range(5)]
FRAGMENTS = [f"{i}.tsv" for i in range(5)]
DETERMINED = {
    "x.parquet": ["tokenize", "u.bed", *BEDS],
    "x.jsonl": ["tokenize", "u.bed", *BEDS],
    "x.tsv": ["tokenize", "u.bed", *BEDS],
    "x.gtok": ["tokenize", "u.bed", "1.bed"],
    "x.npz": ["matrix", "u.bed", *BEDS],
    "x.h5ad": ["matrix", "u.bed", *BEDS],
    "x.mtx": ["matrix", "u.bed", *BEDS],
    "x.mtx.gz": ["matrix", "u.bed", *BEDS],
    "x.bed.gz": ["universe", "build", *BEDS],
    "cells.h5ad": ["fragments", "u.bed", *FRAGMENTS],
    "cells": ["fragments", "u.bed", *FRAGMENTS],
    "groups": ["pseudobulk", *FRAGMENTS, "groups.txt"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DETERMINED)
def test_the_same_bytes_at_any_time_and_on_any_number_of_threads(name, tmp_path):
    expect_library({"cells.h5ad": "h5ad", "groups": "pseudobulk"}.get(name, name.split(".")[-1]))
    chance = np.random.default_rng(0)
    for i in range(5):
        starts = np.arange(0, 2_000_000, 700 + i)
        made = gtok.RegionSet.from_codes(np.zeros(len(starts)), ["chr1"], starts, starts + 300)
        made.to_bed(tmp_path / f"{i}.bed")
        cells = chance.integers(0, 50, len(starts))
        rows = zip(starts, cells, strict=True)
        text = "".join(f"chr1\t{start}\t{start + 300}\tC{cell}\t1\n" for start, cell in rows)
        (tmp_path / f"{i}.tsv").write_text(text)
    groups = [f"{i}:C{cell}\tgroup{cell % 3}\n" for i in range(5) for cell in range(50)]
    (tmp_path / "groups.txt").write_text("".join(groups))
    writers.bed(tmp_path / "u.bed", 0)
    written = []
    for n_threads in (1, 2, 5):
        out = tmp_path / f"on {n_threads}"
        out.mkdir()
        command = [sys.executable, "-m", "gtok", *DETERMINED[name], "-o", f"on {n_threads}/{name}"]
        if name != "groups":
            command += ["--threads", str(n_threads)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        files = [path for path in out.rglob("*") if path.is_file()]
        written.append({path.relative_to(out): path.read_bytes() for path in files})
        if n_threads == 1:
            time.sleep(2.1)  # the clock of zip files ticks every two seconds
    assert written[0]
    assert written[0] == written[1] == written[2]


# -- Ctrl-C ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_file(tmp_path_factory):
    """Seconds of inflating and parsing: the same member again and again, 60 million regions."""
    path = tmp_path_factory.mktemp("long") / "long.bed.gz"
    rows = b"".join(b"chr1\t%d\t%d\n" % (at, at + 90) for at in range(0, 20_000_000, 100))
    path.write_bytes(gzip.compress(rows, 1) * 300)
    return path


@pytest.fixture(scope="module")
def shuffled():
    """Five million regions, four of five on one chromosome."""
    rows = np.random.default_rng(1).permutation(5_000_000).astype(np.int32)
    names = [f"chr{i}" for i in range(24)]
    return gtok.RegionSet.from_codes(np.maximum(rows % 120 - 96, 0), names, rows, rows + 50)


def counts_of_fragments(regions, stop, n_cells=8):
    """A fragment across all regions in each of so many cells."""
    n = len(regions)
    counter = FragmentCounter(0, regions.starts, regions.ends, stop)
    counter.expect(n_cells, 1)
    nothing = np.zeros(n_cells, dtype=np.int32)
    cells = np.arange(n_cells, dtype=np.int32)
    ids = np.tile(np.arange(n, dtype=np.int32), n_cells)
    offsets = np.arange(n_cells + 1) * n
    counter.add(
        nothing, nothing, nothing + 100, cells, nothing, offsets, ids, np.zeros(1, np.uint8), None
    )
    return counter.matrix()


LONG = {
    "reading": lambda path, _: gtok.RegionSet.from_bed(path),
    "encoding": lambda path, _: writers.TOKENIZERS[0].encode(path),
    "encoding on two threads": lambda path, _: writers.TOKENIZERS[0].encode_batch(
        [path] * 3, n_threads=2
    ),
    "merging": lambda path, _: gtok.Universe.from_samples([path, path]),
    "a universe": lambda _, regions: gtok.Universe(regions),
    "bits": lambda _, regions: gtok.build_index(regions, "bits"),
    "ailist": lambda _, regions: gtok.build_index(regions, "ailist"),
    "a matrix": lambda _, regions: gtok.TokenBatch(
        np.tile(regions.starts, 4), np.arange(5) * len(regions)
    ).to_csr(len(regions)),
    "counting": lambda _, regions: counts_of_fragments(regions, Stop()),
}


@pytest.mark.slow
@linux
@pytest.mark.parametrize("name", LONG)
def test_ctrl_c_is_heard(name, long_file, shuffled):
    sample = [("chr1", 0, 1_000_000)]
    expected = writers.TOKENIZERS[0].encode(sample)
    assert expected
    limit = 0.2 * SLOWER
    lates = [
        lateness(lambda: LONG[name](long_file, shuffled), seconds, limit)
        for seconds in (0.1, 0.2, 0.4)
    ]
    assert lates[0] is not None
    assert max(filter(None, lates)) < limit, "seconds"
    assert writers.TOKENIZERS[0].encode(sample) == expected


def test_counting_is_broken_off_by_another_thread(shuffled):
    """Where fragments are counted by other threads than the one that hears Ctrl-C."""
    stop = Stop()
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        counts_of_fragments(shuffled, stop, 1)
    offsets, columns, counts = counts_of_fragments(shuffled, Stop(), 1)
    assert len(columns) == offsets[-1] == len(shuffled)
    assert (columns == np.arange(len(shuffled))).all()
    assert (counts == 1).all()


@linux
@pytest.mark.slow
@measured
def test_ctrl_c_leaves_nothing_behind(tmp_path):
    """Pressed a hundred times at any moment: no memory, file or thread is kept."""
    code = """
import gc, os, random, sys
import gtok
from interrupts import pressed_after
from numpy.random import default_rng
path = sys.argv[1]
n = 300_000
starts = default_rng(1).permutation(n) * 10
regions = gtok.RegionSet.from_codes(starts * 0, ["chr1"], starts, starts + 50)
regions.to_bed(path)
tokenizer = gtok.Tokenizer(regions)
def work():
    gtok.build_index(regions, "bits").overlaps(regions, n_threads=2)
    gtok.build_index(regions, "ailist").count(regions)
    tokenizer.encode_batch([path] * 3, n_threads=2)
    gtok.Universe.from_samples([path, path])
    regions.to_bed(path + ".copy.gz")
def held():
    gc.collect()
    resident = int(open("/proc/self/statm").read().split()[1]) * 4096
    return resident, len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
work()
expected = tokenizer.encode(path)
chance = random.Random(0)
n_pressed = 0
# What malloc keeps for later goes up and down: the least of many times is what is held.
times = []
for i in range(120):
    with pressed_after(chance.uniform(0.001, 0.5)) as late:
        work()
    n_pressed += late() is not None
    times.append(held())
before, after = (
    [min(column) for column in zip(*part)] for part in (times[:40], times[-40:])
)
assert tokenizer.encode(path) == expected
left = set(os.listdir(os.path.dirname(path))) - {"x.bed.gz", "x.bed.gz.copy.gz"}
print(n_pressed, after[0] - before[0], after[1] - before[1], after[2] - before[2], *left)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x.bed.gz")],
        cwd=WRITERS.parent, capture_output=True, text=True, timeout=500,
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    n_pressed, grown, files, threads, *left = done.stdout.split()
    assert int(n_pressed) > 30
    assert int(grown) < 30 << 20
    assert (files, threads, left) == ("0", "0", [])


MOMENTS = """
import gc, os, random, signal, sys, time
import gtok
from gtok.files import open_bytes, write_gzip
from gtok.threads import in_threads
folder, name = sys.argv[1:]
path = os.path.join(folder, "x.gz")
chunk = bytearray(1 << 20)
def write():
    with write_gzip(os.path.join(folder, "y.gz")) as handle:
        handle.write(b"x")
def read():
    with open_bytes(path) as stream:
        while stream.readinto(memoryview(chunk)):
            pass
def threads():
    assert sum(in_threads(abs, range(50), 3)) == 1225
def query():
    index.overlaps(regions, n_threads=2)
if name == "read":
    with write_gzip(path) as handle:
        handle.write(random.Random(0).randbytes(3 << 20))
if name == "query":
    regions = gtok.as_regions([("chr1", i, i + 9) for i in range(100_000)])
    index = gtok.build_index(regions)
def press(*_):
    raise KeyboardInterrupt
def held():
    gc.collect()
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
work = globals()[name]
work()
begun = time.perf_counter()
for _ in range(20):
    work()
needed = (time.perf_counter() - begun) / 20
time.sleep(0.2)  # a thread is still seen for a moment when it has said its last
before = held()
signal.signal(signal.SIGALRM, press)
chance = random.Random(0)
n_pressed = 0
for _ in range(2000):
    try:
        signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-6, needed))
        work()
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        n_pressed += 1
work()
limit = time.monotonic() + 10
while held() != before and time.monotonic() < limit:
    time.sleep(0.01)
print(n_pressed, held() == before, *set(os.listdir(folder)) - {"x.gz", "y.gz"})
"""


@linux
@pytest.mark.slow
@pytest.mark.parametrize("name", ["write", "read", "threads", "query"])
def test_ctrl_c_between_any_two_steps(name, tmp_path):
    """Two thousand times into a millisecond of work: nothing is left, or waits for ever."""
    done = subprocess.run(
        [sys.executable, "-c", MOMENTS, str(tmp_path), name],
        capture_output=True, text=True, timeout=120 * SLOWER,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    n_pressed, *left = done.stdout.split()
    assert int(n_pressed) > 100
    assert left == ["True"]
