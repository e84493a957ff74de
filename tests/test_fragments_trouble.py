"""What goes wrong while fragments are counted: Ctrl-C, full disks, files that are not there."""

from __future__ import annotations

import gzip
import os
import random
import resource
import signal
import subprocess
import sys
import time

import pytest

import gtok
from gtok.fragments import count_each

COMMANDS = {
    "h5ad": ["fragments", "u.bed", "{}", "-o", "x.h5ad"],
    "mtx": ["fragments", "u.bed", "{}", "-o", "x"],
    "two": ["fragments", "u.bed", "few.tsv", "{}", "-o", "x.h5ad", "-t", "2"],
    "pseudobulk": ["pseudobulk", "{}", "groups.tsv", "-o", "x"],
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "u.bed").write_text(
        "".join(f"chr1\t{i * 100}\t{i * 100 + 60}\n" for i in range(9999))
    )
    (tmp_path / "few.tsv").write_text("chr1\t5\t90\tA\t1\n")
    return tmp_path


def fragments(n, seed=1):
    chance = random.Random(seed)
    rows = []
    for _ in range(n):
        start = chance.randrange(1_000_000)
        end = start + chance.randrange(1, 500)
        rows.append(f"chr1\t{start}\t{end}\tcell{chance.randrange(500)}\t1\n")
    return "".join(rows).encode()


def command(name, path):
    words = [word.format(path) for word in COMMANDS[name]]
    return [sys.executable, "-m", "gtok", *words]


def groups(sample=""):
    return "".join(f"{sample}cell{i}\tg{i % 3}\n" for i in range(500))


def left(here):
    """What stands there besides the inputs."""
    inputs = {"u.bed", "few.tsv", "groups.tsv", "many.tsv.gz", "many.tsv"}
    return {str(path.relative_to(here)) for path in here.rglob("*") if path.name not in inputs}


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("name", COMMANDS)
def test_an_interrupt_is_heard_at_once(here, name):
    # The same member again and again inflates to some 30 million fragments: seconds of work.
    member = gzip.compress(fragments(100_000), 1)
    (here / "many.tsv.gz").write_bytes(member * 300)
    (here / "groups.tsv").write_text(groups())
    with subprocess.Popen(command(name, "many.tsv.gz"), stderr=subprocess.PIPE) as running:
        time.sleep(1.5)
        assert running.poll() is None, running.stderr.read()
        began = time.perf_counter()
        running.send_signal(signal.SIGINT)
        try:
            status = running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            pytest.fail("an interrupt was not heard")
        took = time.perf_counter() - began
        told = running.stderr.read()
    assert status == -signal.SIGINT
    assert told.strip() == b""
    assert took < 5  # half a second where nothing else runs; never the rest of the file
    assert left(here) == set()


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
@pytest.mark.alone
@pytest.mark.parametrize("limit", [10_000, 60_000, 100_000])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk(here, name, limit):
    (here / "many.tsv").write_bytes(fragments(60_000))
    (here / "groups.tsv").write_text(groups())

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # an error instead of a signal, as on a disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        command(name, "many.tsv"), preexec_fn=limited, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("gtok: error: ")
    assert done.stderr.count("\n") == 1
    assert left(here) == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_file_that_is_not_there(here, name):
    (here / "groups.tsv").write_text(groups())
    done = subprocess.run(command(name, "gone.tsv"), capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "gtok: error: gone.tsv: No such file or directory\n"
    assert left(here) == set()


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("n", [100, 200_000])
def test_a_file_that_breaks_off(here, name, n):
    packed = gzip.compress(fragments(n), 1)
    (here / "many.tsv.gz").write_bytes(packed[: len(packed) * 2 // 3])
    (here / "groups.tsv").write_text(groups())
    done = subprocess.run(command(name, "many.tsv.gz"), capture_output=True, text=True)
    assert done.returncode == 1
    assert "many.tsv.gz: the gzip stream breaks off" in done.stderr
    assert left(here) == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_bad_line_among_many(here, name):
    text = fragments(50_000)
    (here / "many.tsv.gz").write_bytes(gzip.compress(text + b"chr1\t9\t5\tA\n" + text, 1))
    (here / "groups.tsv").write_text(groups())
    done = subprocess.run(command(name, "many.tsv.gz"), capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("gtok: error: many.tsv.gz, line 50001: ")
    assert left(here) == set()


def test_a_stream_that_is_given_up_stops_its_threads(here):
    (here / "many.tsv").write_bytes(fragments(60_000))
    files = {f"s{i}": "many.tsv" for i in range(20)}
    stream = count_each(files, "u.bed", n_threads=2)
    assert next(stream).X.sum() > 0
    began = time.perf_counter()
    stream.close()
    assert time.perf_counter() - began < 5
    assert gtok.count_fragments("few.tsv", "u.bed").X.sum() == 1
