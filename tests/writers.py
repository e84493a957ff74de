"""What gtok writes, each way, as one of two contents that differ in size; and how it is read back.

Run as a program, it kills itself while it writes, and lets others write meanwhile:

    python writers.py kill|race KIND FOLDER TRIALS

A folder's files take their names one after another. Whoever is killed between two of them leaves
files of either content, each whole; a saved tokenizer says so.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import sys
import tempfile
import time
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import scipy.io

import gtok
from gtok.matrix_io import write_mtx, write_npz
from gtok.pseudobulk import split_fragments
from gtok.tokens_io import read_gtok, read_parquet, token_writer, write_gtok, write_parquet

SIZES = (20_000, 30_000)  # regions of either content


def universe(n):
    starts = np.arange(n) * 100
    return gtok.Universe(gtok.RegionSet.from_codes(np.zeros(n), ["chr1"], starts, starts + 50))


UNIVERSES = [universe(n) for n in SIZES]
TOKENIZERS = [gtok.Tokenizer(made) for made in UNIVERSES]
BATCHES = [t.encode_batch([t.universe.regions]) for t in TOKENIZERS]
INPUTS = tempfile.TemporaryDirectory()


# One cell's fragments, one for each region of either universe.
FRAGMENTS = [Path(INPUTS.name, f"{n}.tsv") for n in SIZES]
for n, path in zip(SIZES, FRAGMENTS, strict=True):
    path.write_text("".join(f"chr1\t{100 * i}\t{100 * i + 50}\tA\t1\n" for i in range(n)))


@cache
def counted():
    return [gtok.count_fragments(*pair) for pair in zip(FRAGMENTS, UNIVERSES, strict=True)]


def bed(path, which):
    UNIVERSES[which].regions.to_bed(path)


def gtok_file(path, which):
    write_gtok(path, np.tile(BATCHES[which].ids, 50))


def parquet(path, which):
    write_parquet(path, [(["sample"], BATCHES[which])], TOKENIZERS[which])


def tsv(path, which):
    token_writer(str(path), TOKENIZERS[which], 1)([(["sample"], BATCHES[which])])


def jsonl(path, which):
    token_writer(str(path), TOKENIZERS[which], 1)([(["sample"], BATCHES[which])])


def npz(path, which):
    matrix = BATCHES[which].to_csr(len(UNIVERSES[which]))
    write_npz(path, matrix, UNIVERSES[which], ["sample"], {}, {})


def h5ad(path, which):
    from gtok.matrix_io import write_h5ad

    matrix = BATCHES[which].to_csr(len(UNIVERSES[which]))
    write_h5ad(path, matrix, UNIVERSES[which], ["sample"], {}, {})


def mtx(path, which):
    matrix = BATCHES[which].to_csr(len(UNIVERSES[which]))
    write_mtx(path, matrix, UNIVERSES[which], ["sample"], {}, {})


def saved(path, which):
    TOKENIZERS[which].save_pretrained(path)


def cells(path, which):
    counted()[which].write_mtx(path)


def groups(path, which):
    split_fragments(FRAGMENTS[which], {"A": "a"}, path)


def size_of_h5ad(path):
    import h5py

    with h5py.File(path) as handle:
        return len(handle["X/data"][:])


def size_of_npz(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    return len(np.load(path)["data"])


def size_of_mtx(path):
    regions = len(gtok.RegionSet.from_bed(path.with_name("x.regions.bed")))
    assert path.with_name("x.samples.tsv").read_text() == "sample\nsample\n"
    assert regions in SIZES
    return scipy.io.mmread(path).nnz


def size_of_saved(path):
    try:
        return len(gtok.Tokenizer(path).universe)
    except gtok.GtokError as error:
        if "not the universe that was saved" not in str(error):
            raise
        return len(gtok.RegionSet.from_bed(path / "universe.bed.gz"))


def size_of_cells(path):
    with gzip.open(path / "features.tsv.gz") as handle:
        assert len(handle.readlines()) in SIZES
    return scipy.io.mmread(path / "matrix.mtx.gz").nnz


def size_of_groups(path):
    with gzip.open(path / "a.fragments.tsv.gz") as handle:
        return len(handle.readlines())


# A file's name, how it is written, and how many regions are read back.
KINDS = {
    "bed": ("x.bed", bed, lambda path: len(gtok.RegionSet.from_bed(path))),
    "bed.gz": ("x.bed.gz", bed, lambda path: len(gtok.RegionSet.from_bed(path))),
    "gtok": ("x.gtok", gtok_file, lambda path: len(read_gtok(path)) // 50),
    "parquet": ("x.parquet", parquet, lambda path: len(read_parquet(path)[1].ids)),
    "tsv": ("x.tsv", tsv, lambda path: len(path.read_text().splitlines())),
    "npz": ("x.npz", npz, size_of_npz),
    "h5ad": ("x.h5ad", h5ad, size_of_h5ad),
    "jsonl": ("x.jsonl", jsonl, lambda path: len(json.loads(path.read_text())["input_ids"])),
    "mtx": ("x.mtx", mtx, size_of_mtx),
    "saved folder": ("x", saved, size_of_saved),
    "cells": ("x", cells, size_of_cells),
    "pseudobulk": ("x", groups, size_of_groups),
}


def kill(kind, folder, trials):
    """Kill a process that writes one content and the other, at a random moment, so many times.

    Prints how many of them left a file that was not finished, under another name.
    """
    name, write, size = KINDS[kind]
    path = folder / name
    write(path, 0)
    names = set(folder.rglob("*"))
    began = time.perf_counter()
    write(path, 0)
    took = time.perf_counter() - began
    begun = 0
    chance = random.Random(0)
    for _ in range(trials):
        child = os.fork()
        if child == 0:
            which = 1
            while True:
                write(path, which)
                which = 1 - which
        time.sleep(chance.uniform(0, 3 * took))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), status
        assert size(path) in SIZES
        assert names <= set(folder.rglob("*"))
        left = set(folder.rglob("*")) - names
        begun += bool(left)
        for other in sorted(left, reverse=True):
            assert ".gtok-" in str(other.relative_to(folder)), other
            other.rmdir() if other.is_dir() else other.unlink()
    print(begun)


def race(kind, folder, trials):
    """Four processes write the same file; whoever reads meanwhile finds one of them, whole."""
    name, write, size = KINDS[kind]
    path = folder / name
    write(path, 0)
    names = set(folder.rglob("*"))
    children = []
    for i in range(4):
        child = os.fork()
        if child == 0:
            for _ in range(trials):
                write(path, i % 2)
            os._exit(0)
        children.append(child)
    found = set()
    while children:
        found.add(size(path))
        done, status = os.waitpid(-1, os.WNOHANG)
        if done:
            assert status == 0
            children.remove(done)
    assert found <= set(SIZES), found
    assert size(path) in SIZES
    assert set(folder.rglob("*")) == names
    print(len(found))


if __name__ == "__main__":
    {"kill": kill, "race": race}[sys.argv[1]](sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
