"""What the page asks of gtok, in its worker.

Samples come and go as their ids and counts, which the page keeps: the worker can be ended at any
time, and knows nothing but a tokenizer.
"""

import csv
import io
import os
import tempfile
import time
import warnings
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import gtok
from gtok._counts import sum_rows
from gtok.batch import TokenBatch
from gtok.columns import repeated
from gtok.matrix_io import write_mtx
from gtok.samples import sample_names
from gtok.tokens_io import token_writer

N_TOKENS = 12  # the first ones, to be shown
N_CHROMS = 40  # those with the most regions, to be shown
SIMILAR_AT_ONCE = 1 << 15  # columns

# What a matrix of counts is made with, as `gtok matrix` writes it down.
SETTINGS = {"values": "count", "reduce": "sum", "binary": False}


def make(name, method, duplicates):
    """A tokenizer, and what there is to say of it."""
    began = time.perf_counter()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        universe = gtok.Universe.from_bed(Path(name), duplicates=duplicates)
        tokenizer = gtok.Tokenizer(universe, method=method)
    return tokenizer, {
        "summary": universe.regions.summary,
        "method": tokenizer.index.method,
        "seconds": time.perf_counter() - began,
        "warnings": [str(warning.message) for warning in told],
    }


def encode(tokenizer, name):
    """The ids of a file, and what there is to say of them."""
    began = time.perf_counter()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        batch = tokenizer.encode_batch([Path(name)])
    return {
        "seconds": time.perf_counter() - began,
        "ids": batch.ids,
        "nRegions": int(batch.n_regions[0]),
        "nHits": int(batch.n_hits[0]),
        "first": tokenizer.decode(batch.ids[:N_TOKENS]),
        "warnings": [str(warning.message) for warning in told],
    }


def strips(tokenizer, samples, n_bins):
    """How many regions of the universe lie in each bin of each chromosome, and how many are hit.

    All bins are of the same width: the longest chromosome has all of them.
    """
    (ids,) = samples
    regions = tokenizer.universe.regions
    names = regions.chrom_names
    hit = np.zeros(len(regions), dtype=bool)
    hit[ids[ids < len(regions)]] = True
    shown = np.argsort(-np.bincount(regions.codes, minlength=len(names)), kind="stable")[:N_CHROMS]
    row_of = np.full(len(names), -1)
    row_of[shown] = np.arange(len(shown))
    row = row_of[regions.codes]
    length = int(regions.ends.max()) + 1
    middles = (regions.starts.astype(np.int64) + regions.ends) // 2
    keys = (row * n_bins + middles * n_bins // length).astype(np.intp)
    there, found = (
        np.bincount(keys[which], minlength=len(shown) * n_bins).reshape(-1, n_bins)
        for which in (row >= 0, (row >= 0) & hit)
    )
    ends = np.zeros(len(names), dtype=np.int32)
    np.maximum.at(ends, regions.codes, regions.ends)
    return {
        "length": length,
        "nOthers": len(names) - len(shown),
        "chroms": [
            {
                "name": names[code],
                "end": int(ends[code]),
                "there": there[i].astype(np.int32),
                "found": found[i].astype(np.int32),
            }
            for i, code in enumerate(shown.tolist())
        ],
    }


def similarity(tokenizer, samples):
    """Regions in both over regions in either, for each pair: what `gtok.similarity` tells."""
    width = len(tokenizer.universe)
    columns = [np.unique(ids[ids < width]) for ids in samples]
    shared = np.zeros((len(samples), len(samples)))
    for lo in range(0, width, SIMILAR_AT_ONCE):
        rows = np.zeros((len(samples), SIMILAR_AT_ONCE), dtype=np.float32)
        for row, ids in zip(rows, columns, strict=True):
            first, last = np.searchsorted(ids, [lo, lo + SIMILAR_AT_ONCE])
            row[ids[first:last] - lo] = 1
        shared += rows @ rows.T
    size = shared.diagonal()
    either = size[:, None] + size - shared
    alike = np.divide(shared, either, out=np.zeros_like(shared), where=either > 0)
    np.fill_diagonal(alike, 1)
    return alike.tolist()


def write(tokenizer, kind, paths, samples, n_regions, n_hits):
    """The bytes of a file to be downloaded: tsv, jsonl, gtok, mtx (in a zip archive) or csv."""
    names = sample_names(paths)
    offsets = np.concatenate([[0], np.cumsum([len(ids) for ids in samples])])
    ids = np.concatenate([np.empty(0, dtype=np.int32), *samples])
    batch = TokenBatch(ids, offsets, n_regions=n_regions, n_hits=n_hits)
    with tempfile.TemporaryDirectory() as folder:
        if kind in ("tsv", "jsonl", "gtok"):
            path = Path(folder, f"tokens.{kind}")
            token_writer(path, tokenizer, len(names))([(names, batch)])
            return path.read_bytes()
        width = len(tokenizer.universe)
        indptr, indices, sums = sum_rows(batch.ids, batch.offsets, width)
        data = sums.astype(np.int32)
        if kind == "csv":
            return _csv(tokenizer.universe.regions, names, indptr, indices, data)
        matrix = SimpleNamespace(
            shape=(len(names), width), indptr=indptr, indices=indices, data=data
        )
        counts = {"n_regions": n_regions, "n_hits": n_hits}
        path = Path(folder, "matrix.mtx")
        write_mtx(path, matrix, tokenizer.universe, names, counts, SETTINGS)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(os.listdir(folder)):
                archive.write(Path(folder, name), name)
        return packed.getvalue()


def _csv(regions, names, indptr, indices, data):
    """A row per region and a column per sample, as spreadsheets have it."""
    counts = np.zeros((len(regions), len(names)), dtype=np.int32)
    rows = repeated(np.arange(len(names)), np.diff(indptr))
    counts[indices, rows] = data
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["chrom", "start", "end", *names])
    for region, row in zip(regions, counts.tolist(), strict=True):
        table.writerow([*region, *row])
    return text.getvalue().encode()
