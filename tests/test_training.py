"""Datasets of torch: what they give, to whom, in which order, and what it costs."""

from __future__ import annotations

import copy
import gc
import importlib
import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gtok
from gtok import GtokError, TokenBatch, Tokenizer, Universe, write_parquet

torch = pytest.importorskip("torch", reason="torch is not installed")

from torch.utils.data import DataLoader  # noqa: E402

from gtok.training import TokenDataset, TokenStream, document_mask  # noqa: E402

pytestmark = [
    # From Python 3.12 on; the processes forked here do nothing but load samples.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    # On a machine of one core.
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
]
REGIONS = [("chr1", 10 * i, 10 * i + 5) for i in range(40)]
REGIONS += [("chr2", 10 * i, 10 * i + 5) for i in range(60)]
N = len(REGIONS)
PAD, CLS, SEP = N + 1, N + 3, N + 6
ROWS = [[3, 1, 2], [], [7], list(range(20, 33)), [5, 5], [99, 0, 98, 1]]
WORKERS = [(0, None), (1, "fork"), (2, "fork"), (1, "spawn"), (2, "spawn")]
proc = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux")


def batch_of(rows, *, values=False, queries=False):
    flat = np.array([id for row in rows for id in row], dtype=np.int32)
    return TokenBatch(
        flat,
        np.cumsum([0, *map(len, rows)]),
        flat / 4 if values else None,
        flat + 1000 if queries else None,
    )


def written(path, rows, n_at_once=2, tokenizer=None):
    """A parquet file of these samples."""
    parts = [rows[i : i + n_at_once] for i in range(0, len(rows), n_at_once)]
    pieces = [
        ([f"s{p}.{i}" for i in range(len(part))], batch_of(part)) for p, part in enumerate(parts)
    ]
    write_parquet(path, pieces, tokenizer)
    return path


def told(items):
    """Items as plain Python."""
    return [{name: column.tolist() for name, column in item.items()} for item in items]


def ids_of(items):
    return [item["input_ids"].tolist() for item in items]


def as_they_are(items):
    """A collate function; those of tests have to be found by processes that are spawned."""
    return items


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(REGIONS)


@pytest.fixture(scope="module")
def framing():
    return Tokenizer(REGIONS, template="cls ... sep")


# --- tensors of a batch


def test_padded_tensors():
    found = batch_of(ROWS[:3]).to_torch(pad_id=PAD)
    assert {name: (column.dtype, column.tolist()) for name, column in found.items()} == {
        "input_ids": (torch.int64, [[3, 1, 2], [PAD] * 3, [7, PAD, PAD]]),
        "attention_mask": (torch.int64, [[1, 1, 1], [0, 0, 0], [1, 0, 0]]),
    }
    left = batch_of(ROWS[:3]).to_torch(pad_id=PAD, side="left")
    assert left["input_ids"].tolist() == [[3, 1, 2], [PAD] * 3, [PAD, PAD, 7]]
    assert batch_of([]).to_torch(pad_id=0)["input_ids"].shape == (0, 0)


@given(st.lists(st.lists(st.integers(0, 2**31 - 1), max_size=5), min_size=1, max_size=6))
def test_nested_tensors(rows):
    found = batch_of(rows).to_torch("nested")
    assert (found.layout, found.dtype, found.shape[0]) == (torch.jagged, torch.int64, len(rows))
    assert [row.tolist() for row in found.unbind()] == rows
    if any(rows):
        padded = batch_of(rows).to_torch(pad_id=9)["input_ids"]
        # Of lengths below two, torch makes a column too many.
        assert torch.nested.to_padded_tensor(found, 9)[:, : padded.shape[1]].equal(padded)


def test_a_nested_tensor_of_no_samples():
    assert batch_of([]).to_torch("nested").shape[0] == 0


def test_tensors_do_not_share_the_memory_of_a_batch():
    batch = batch_of(ROWS)
    batch.to_torch("nested").values().fill_(0)
    assert batch[0].tolist() == ROWS[0]


def test_tensors_that_cannot_be(monkeypatch):
    with pytest.raises(GtokError, match="a pad_id for the padded layout, found none"):
        batch_of(ROWS).to_torch()
    with pytest.raises(GtokError, match="layout 'padded' or 'nested', found 'jagged'"):
        batch_of(ROWS).to_torch("jagged")
    # None makes an import fail as it does where a module is not installed.
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"to_torch needs torch: pip install torch$"):
        batch_of(ROWS).to_torch(pad_id=0)
    monkeypatch.delitem(sys.modules, "gtok.training")
    with pytest.raises(ImportError, match=r"needs torch: pip install 'gtok\[hf\]' torch$"):
        importlib.import_module("gtok.training")


# --- what a dataset gives


def test_items(framing):
    dataset = TokenDataset(batch_of(ROWS[:2], values=True, queries=True), framing)
    assert told(dataset) == [
        {
            "input_ids": [CLS, 3, 1, 2, SEP],
            "values": [0, 0.75, 0.25, 0.5, 0],
            "locus_ids": [-1, 1003, 1001, 1002, -1],
        },
        {"input_ids": [CLS, SEP], "values": [0, 0], "locus_ids": [-1, -1]},
    ]
    assert [column.dtype for column in dataset[0].values()] == [
        torch.int64, torch.float32, torch.int64,
    ]  # fmt: skip
    assert told([dataset[-1]]) == told([dataset[1]])
    assert (dataset.lengths.tolist(), dataset.lengths.dtype) == ([5, 2], np.int64)
    for i in (2, -3):
        with pytest.raises(IndexError, match=rf"a sample from 0 to 1, found {i}"):
            dataset[i]


def test_items_are_the_callers_own(tmp_path):
    batch = batch_of(ROWS)
    for dataset in (TokenDataset(batch), TokenDataset(written(tmp_path / "x.parquet", ROWS))):
        dataset[0]["input_ids"].fill_(0)
        assert dataset[0]["input_ids"].tolist() == ROWS[0]
    assert batch[0].tolist() == ROWS[0]


def test_every_source_gives_the_same_items(tmp_path, framing):
    anndata = pytest.importorskip("anndata")
    pd = pytest.importorskip("pandas")
    rows = [sorted(set(row)) for row in ROWS]
    names = [f"s{i}" for i in range(len(rows))]
    counts = np.zeros((len(rows), N), dtype=np.int32)
    for i, row in enumerate(rows):
        counts[i, row] = 2
    peaks = pd.DataFrame(REGIONS, columns=["chrom", "start", "end"]).set_index(
        pd.Index(framing.universe.tokens)
    )
    adata = anndata.AnnData(counts, var=peaks, obs=pd.DataFrame(index=names))
    cells = gtok.CellMatrix(
        gtok.cells.scipy.sparse.csr_matrix(counts), names, None, framing.universe, {}, None, {}
    )
    path = tmp_path / "x.parquet"
    write_parquet(path, [(names[:4], batch_of(rows[:4])), (names[4:], batch_of(rows[4:]))])
    expected = [[CLS, *row, SEP] for row in rows]
    for source in (adata, cells, batch_of(rows), path, str(path), [path]):
        dataset = TokenDataset(source, framing)
        assert ids_of(dataset) == expected
        assert dataset.lengths.tolist() == [len(row) + 2 for row in rows]
        assert dataset.sample_names == (None if isinstance(source, TokenBatch) else names)
    for source in (adata, cells):
        assert [item["values"].tolist() for item in TokenDataset(source, framing)] == [
            [0, *[2] * len(row), 0] for row in rows
        ]
    assert ids_of(TokenDataset(cells)) == rows


def test_a_tokenizer_of_transformers(tmp_path, framing):
    transformers = pytest.importorskip("transformers")
    anndata = pytest.importorskip("anndata")
    pd = pytest.importorskip("pandas")
    from gtok.hf import RegionTokenizer

    theirs = RegionTokenizer(framing)
    batch = batch_of(ROWS, values=True)
    options = {"max_length": 6, "truncation": "stratified"}
    dataset = TokenDataset(batch, theirs, **options)
    assert told(dataset) == told(TokenDataset(batch, framing, **options))
    padded = transformers.DataCollatorWithPadding(theirs)([dataset[0], dataset[2]])
    assert padded["input_ids"].tolist() == [[CLS, 3, 1, 2, SEP], [CLS, 7, SEP, PAD, PAD]]
    assert padded["attention_mask"].tolist() == [[1] * 5, [1, 1, 1, 0, 0]]
    path = written(tmp_path / "x.parquet", ROWS, tokenizer=framing)
    assert ids_of(TokenDataset(path, theirs)) == [[CLS, *row, SEP] for row in ROWS]
    peaks = pd.DataFrame(index=framing.universe.tokens[:2])
    adata = anndata.AnnData(np.array([[0, 3]]), var=peaks)
    assert ids_of(TokenDataset(adata, theirs)) == [[CLS, 1, SEP]]


def test_several_files(tmp_path):
    paths = [
        written(tmp_path / "a.parquet", ROWS[:3]),
        written(tmp_path / "none.parquet", []),
        written(tmp_path / "b.parquet", ROWS[3:]),
    ]
    dataset = TokenDataset(paths)
    assert ids_of(dataset) == ROWS
    assert dataset.sample_names == ["s0.0", "s0.1", "s1.0", "s0.0", "s0.1", "s1.0"]


@pytest.mark.parametrize("kind", ["batch", "file"])
def test_no_samples(tmp_path, kind):
    source = batch_of([]) if kind == "batch" else written(tmp_path / "x.parquet", [])
    dataset = TokenDataset(source)
    assert (len(dataset), list(dataset), dataset.lengths.tolist()) == (0, [], [])
    assert dataset.sample_names == (None if kind == "batch" else [])
    assert list(TokenStream(dataset)) == []
    assert list(TokenStream(dataset, pack=4, pad_id=PAD)) == []
    copied = pickle.loads(pickle.dumps(dataset))
    assert len(copied) == 0


def test_names_of_any_kind(tmp_path):
    names = ["ü", "", "a\tb", "\U0001f9ec"]
    write_parquet(tmp_path / "x.parquet", [(names, batch_of([[1]] * 4))])
    assert TokenDataset(tmp_path / "x.parquet").sample_names == names


def test_what_is_no_source(tmp_path, tokenizer):
    for source in (None, 3, [], {"a": 1}, np.arange(3)):
        with pytest.raises(TypeError, match="expected a TokenBatch, an AnnData"):
            TokenDataset(source)
    with pytest.raises(FileNotFoundError):
        TokenDataset(tmp_path / "none.parquet")
    cache = tmp_path / "cache"
    cache.mkdir()
    path = tmp_path / "x.parquet"
    path.write_bytes(b"chr1\t1\t2\n")
    with pytest.raises(GtokError, match=r"x\.parquet: not a parquet file"):
        TokenDataset(path, cache_dir=cache)
    pa = pytest.importorskip("pyarrow")
    for columns, message in (
        ({"tokens": [[1]]}, "columns id and input_ids, found tokens"),
        ({"id": ["a"], "input_ids": [[2**31]]}, "ids of 32 bits, found 2147483648"),
        ({"id": ["a"], "input_ids": [[0.5]]}, "lists of whole numbers"),
    ):
        pa.parquet.write_table(pa.table(columns), path)
        with pytest.raises(GtokError, match=message):
            TokenDataset([written(tmp_path / "good.parquet", ROWS), path], cache_dir=cache)
    assert list(cache.iterdir()) == []
    written(path, ROWS, tokenizer=Tokenizer(REGIONS[1:]))
    with pytest.raises(GtokError, match=r"expected ids of the tokenizer's universe"):
        TokenDataset(path, tokenizer)


def test_matrices_that_do_not_fit(tokenizer):
    anndata = pytest.importorskip("anndata")
    with pytest.raises(GtokError, match="an AnnData needs a tokenizer"):
        TokenDataset(anndata.AnnData(np.zeros((1, 1))))
    csr = gtok.cells.scipy.sparse.csr_matrix((1, 2))
    cells = gtok.CellMatrix(csr, ["a"], None, Universe(REGIONS[:2]), {}, None, {})
    with pytest.raises(GtokError, match="a matrix over the tokenizer's universe"):
        TokenDataset(cells, tokenizer)


def test_the_examples_run():
    doctest = pytest.importorskip("doctest")
    for room in ("gtok.training", "gtok.shared"):
        found = doctest.testmod(
            importlib.import_module(room), optionflags=doctest.NORMALIZE_WHITESPACE
        )
        assert found.attempted
        assert not found.failed


# --- samples that are too long


@pytest.mark.parametrize("truncation", ["random", "stratified", "top"])
def test_samples_are_cut(framing, truncation):
    rows = [list(range(i, N, 3)) for i in range(3)] + [[1, 2], []]
    batch = batch_of(rows, values=True, queries=True)
    dataset = TokenDataset(batch, framing, max_length=12, truncation=truncation, seed=5)
    assert dataset.lengths.tolist() == [12, 12, 12, 4, 2] == list(map(len, ids_of(dataset)))
    first = told(dataset)
    for row, item in zip(rows, first, strict=True):
        assert (item["input_ids"][0], item["input_ids"][-1]) == (CLS, SEP)
        kept = item["input_ids"][1:-1]
        assert kept == sorted(set(kept) & set(row))
        assert item["locus_ids"] == [-1, *(id + 1000 for id in kept), -1]
        assert item["values"] == [0, *(id / 4 for id in kept), 0]
        if len(row) > 2:
            if truncation == "top":
                assert kept == row[-10:]
            if truncation == "stratified":
                assert sum(id < 40 for id in kept) == 4  # as 40 regions of 100
    assert told(dataset) == first
    dataset.set_epoch(1)
    assert dataset.epoch == 1
    assert (told(dataset) == first) == (truncation == "top")
    dataset.set_epoch(0)
    assert told(dataset) == first
    other = TokenDataset(batch, framing, max_length=12, truncation=truncation, seed=6)
    assert (told(other) == first) == (truncation == "top")


def test_every_token_is_seen_in_some_epoch():
    dataset = TokenDataset(batch_of([list(range(30))]), max_length=10)
    seen = set()
    for epoch in range(30):
        dataset.set_epoch(epoch)
        seen |= set(dataset[0]["input_ids"].tolist())
    assert seen == set(range(30))


def test_cuts_that_cannot_be(framing):
    batch = batch_of(ROWS)
    assert ids_of(TokenDataset(batch, framing, max_length=2)) == [[CLS, SEP]] * len(ROWS)
    for options, message in (
        ({"max_length": 1}, "max_length=1 leaves no room beside the special tokens"),
        ({"truncation": "head"}, "truncation 'random', 'stratified' or 'top', found 'head'"),
        ({"max_length": 9, "truncation": "top"}, "the samples have none"),
    ):
        with pytest.raises(GtokError, match=message):
            TokenDataset(batch, framing, **options)
    with pytest.raises(GtokError, match="'stratified' needs a tokenizer"):
        TokenDataset(batch, max_length=9, truncation="stratified")


# --- workers

MANY = [[i] * (i % 5) + [i + 1000] for i in range(101)]


def loader_of(dataset, workers, **options):
    n, method = workers
    options = {"batch_size": 4, "collate_fn": as_they_are, **options}
    return DataLoader(dataset, num_workers=n, multiprocessing_context=method, **options)


def through(loader):
    return [ids for items in loader for ids in ids_of(items)]


@pytest.mark.parametrize("workers", WORKERS, ids=str)
def test_every_sample_goes_to_one_worker(tmp_path, workers):
    cache = tmp_path / "cache"
    cache.mkdir()
    path = written(tmp_path / "x.parquet", MANY, 30)
    dataset = TokenDataset(batch_of(MANY), cache_dir=cache)
    assert through(loader_of(dataset, workers)) == MANY
    # However many workers were spawned, the arrays were written once.
    assert len(os.listdir(cache)) == (workers[1] == "spawn")
    stream = TokenStream(dataset if workers[0] == 1 else path, seed=3)
    loader = loader_of(stream, workers, persistent_workers=workers[0] > 0)
    orders = []
    for epoch in (0, 1, 0):
        stream.set_epoch(epoch)
        orders.append(through(loader))
        assert sorted(orders[-1]) == sorted(MANY)
    assert orders[0] == orders[2]
    assert orders[0] != orders[1]
    if workers[0] < 2:
        stream.set_epoch(1)
        assert ids_of(stream) == orders[1]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_epoch_reaches_workers_that_run(method):
    dataset = TokenDataset(batch_of([list(range(50))] * 4), max_length=10)
    loader = loader_of(dataset, (1, method), persistent_workers=True)
    found = []
    for epoch in (0, 1, 0):
        dataset.set_epoch(epoch)
        found.append(through(loader))
        assert found[-1] == ids_of(dataset)
    assert found[0] == found[2] != found[1]


def test_the_order_of_a_stream():
    batch = batch_of(MANY)
    assert ids_of(TokenStream(batch, shuffle=False)) == MANY
    first = ids_of(TokenStream(batch))
    assert first == ids_of(TokenStream(batch, seed=0)) != MANY
    assert first != ids_of(TokenStream(batch, seed=1))
    stream = TokenStream(TokenDataset(batch))
    stream.set_epoch(1)
    # Each pass looks at the epoch when it begins.
    passing = iter(stream)
    stream.set_epoch(0)
    assert ids_of(stream) == first != ids_of(passing)


def rank_main(rank, folder):
    """What one of two processes gets, by itself and through workers; written to a file."""
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    store = f"file://{folder}/store"
    stream = TokenStream(batch_of(MANY))  # made before the processes know of each other
    torch.distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=2)
    found = [through(loader_of(stream, (n, method))) for n, method in WORKERS[:1] + WORKERS[2:4]]
    torch.distributed.destroy_process_group()
    Path(folder, f"{rank}.json").write_text(json.dumps(found))


def test_processes_share_the_samples(tmp_path):
    context = multiprocessing.get_context("fork")
    ranks = [context.Process(target=rank_main, args=(rank, str(tmp_path))) for rank in range(2)]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join()
    assert [process.exitcode for process in ranks] == [0, 0]
    a, b = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    assert len(a) == len(b) == 3
    for mine, yours in zip(a, b, strict=True):
        assert sorted(mine + yours) == sorted(MANY)
        assert (len(mine), len(yours)) == (51, 50)
    assert a[0] == a[2]


# --- what it costs

HUGE = 16 << 20  # tokens, 64 MiB


def private_memory(items):
    """A collate function: a sum, so that all has been read, and the worker's private memory."""
    total = sum(int(item["input_ids"].sum()) for item in items)
    size, of_file = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        name, *rest = line.split()
        if not name.endswith(":"):
            of_file = rest[3] != "0"  # the inode; such pages are the system's to drop
        elif name == "Private_Dirty:" and not of_file:
            size += int(rest[0]) << 10
    return total, size


@proc
@pytest.mark.parametrize("kind", ["batch", "file"])
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_have_no_arrays_of_their_own(tmp_path, method, kind):
    ids = np.arange(HUGE, dtype=np.int32)
    batch = TokenBatch(ids, np.arange(0, HUGE + 1, 1 << 16))
    small = TokenBatch(ids[: 1 << 18], np.arange(0, (1 << 18) + 1, 1 << 16))
    peaks = []
    for tokens in (small, batch):
        source = tokens
        if kind == "file":
            source = tmp_path / "x.parquet"
            write_parquet(source, [(["x"] * len(tokens), tokens)])
        dataset = TokenDataset(source, cache_dir=tmp_path)
        loader = loader_of(dataset, (1, method), batch_size=2, collate_fn=private_memory)
        totals, memory = zip(*loader, strict=True)
        assert sum(totals) == int(tokens.ids.sum(dtype=np.int64))
        peaks.append(max(memory))
    assert peaks[1] - peaks[0] < HUGE * 4 / 8


@proc
def test_a_file_is_decoded_in_little_memory(tmp_path):
    n_groups, n = 20, 1 << 20
    chance = np.random.default_rng(0)
    batch = TokenBatch(chance.integers(0, 2**31, n), np.arange(0, n + 1, 1 << 12))
    for name, groups in (("small.parquet", 2), ("big.parquet", n_groups)):
        write_parquet(tmp_path / name, [(["x"] * len(batch), batch)] * groups)
    code = (
        "import re\n"
        "from gtok.training import TokenDataset\n"
        "def peak():\n"
        "    status = open('/proc/self/status').read()\n"
        "    return int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) << 10\n"
        "TokenDataset('small.parquet')\n"
        "before = peak()\n"
        "dataset = TokenDataset('big.parquet')\n"
        "print(peak() - before, len(dataset))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(Path(gtok.__file__).parents[1])},
    )  # fmt: skip
    more, n_samples = map(int, done.stdout.split())
    assert n_samples == n_groups * n >> 12
    assert more < n_groups * n * 4 / 4


def crash(items):
    """A collate function that its worker does not survive."""
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("kind", ["batch", "file"])
def test_temporary_files_go(tmp_path, kind):
    cache = tmp_path / "cache"
    cache.mkdir()
    source = batch_of(MANY) if kind == "batch" else written(tmp_path / "x.parquet", MANY)
    dataset = TokenDataset(source, cache_dir=cache)
    assert len(os.listdir(cache)) == (kind == "file")
    loader = loader_of(dataset, (1, "spawn"), collate_fn=crash)
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(loader)
    assert len(os.listdir(cache)) == 1
    assert ids_of(dataset) == MANY
    del dataset, loader
    gc.collect()
    assert os.listdir(cache) == []


def test_temporary_files_go_when_python_ends(tmp_path):
    written(tmp_path / "x.parquet", MANY)
    code = (
        "import os\n"
        "from gtok.training import TokenDataset\n"
        "dataset = TokenDataset('x.parquet', cache_dir='.')\n"
        "print(len(os.listdir()))\n"
        "raise SystemExit(len(dataset))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(gtok.__file__).parents[1])},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (len(MANY), "2\n"), done.stderr
    assert os.listdir(tmp_path) == ["x.parquet"]


def test_pickles_and_copies(tmp_path, framing):
    batch = batch_of(MANY, values=True, queries=True)
    dataset = TokenDataset(
        batch, framing, max_length=4, truncation="stratified", cache_dir=tmp_path
    )
    stream = TokenStream(dataset)
    packed = pickle.dumps(stream)
    assert pickle.dumps(stream) == packed  # written once
    expected = told(stream)
    for copied in (pickle.loads(packed), copy.deepcopy(stream), copy.copy(stream)):
        assert told(copied) == expected
        assert told(pickle.loads(pickle.dumps(copied))) == expected
        assert copied.dataset._epoch.is_shared()
    assert len(os.listdir(tmp_path)) == 1
    assert len(pickle.dumps(TokenDataset(TokenBatch(np.arange(10**6), [0, 10**6])))) < 5000
    del dataset, stream, copied
    gc.collect()
    assert os.listdir(tmp_path) == []
    with pytest.raises(FileNotFoundError, match="a pickle of them lives as long as"):
        pickle.loads(packed)


# --- packing


def rows_packed_plainly(samples, length, pad_id):
    """What packing makes of (number, ids), said as simply as can be."""
    flat = [(id, number) for number, ids in samples for id in ids]
    rows = []
    for at in range(0, len(flat), length):
        part = flat[at : at + length]
        documents = [number for _, number in part]
        fill = length - len(part)
        rows.append(
            {
                "input_ids": [id for id, _ in part] + [pad_id] * fill,
                "attention_mask": [1] * len(part) + [0] * fill,
                "position_ids": [i - documents.index(d) for i, d in enumerate(documents)]
                + [0] * fill,
                "document_ids": documents + [-1] * fill,
            }
        )
    return rows


@given(
    st.lists(st.lists(st.integers(0, 90), max_size=12), max_size=8),
    st.integers(1, 9),
    st.booleans(),
)
def test_packing_loses_nothing(rows, length, shuffle):
    dataset = TokenDataset(batch_of(rows))
    stream = TokenStream(dataset, shuffle=shuffle, pack=length, pad_id=PAD)
    order = stream._share().tolist()
    assert sorted(order) == list(range(len(rows)))
    assert told(stream) == rows_packed_plainly([(i, rows[i]) for i in order], length, PAD)


def test_rows_that_are_packed(framing):
    dataset = TokenDataset(batch_of([[1, 2], [], [3]], values=True, queries=True), framing)
    stream = TokenStream(dataset, shuffle=False, pack=5, pad_id=PAD)
    assert told(stream) == [
        {
            "input_ids": [CLS, 1, 2, SEP, CLS],
            "values": [0, 0.25, 0.5, 0, 0],
            "locus_ids": [-1, 1001, 1002, -1, -1],
            "attention_mask": [1] * 5,
            "position_ids": [0, 1, 2, 3, 0],
            "document_ids": [0, 0, 0, 0, 1],
        },
        {
            "input_ids": [SEP, CLS, 3, SEP, PAD],
            "values": [0, 0, 0.75, 0, 0],
            "locus_ids": [-1, -1, 1003, -1, -1],
            "attention_mask": [1, 1, 1, 1, 0],
            "position_ids": [0, 0, 1, 2, 0],
            "document_ids": [1, 2, 2, 2, -1],
        },
    ]
    assert [column.dtype for column in next(iter(stream)).values()] == [
        torch.int64, torch.float32, *[torch.int64] * 4,
    ]  # fmt: skip


@pytest.mark.parametrize("workers", [(0, None), (2, "fork")], ids=str)
def test_packed_rows_through_workers(workers):
    n, method = workers
    stream = TokenStream(batch_of(MANY), pack=16, pad_id=PAD)
    loader = DataLoader(stream, batch_size=3, num_workers=n, multiprocessing_context=method)
    rows = [dict(zip(batch, row, strict=True)) for batch in loader
            for row in zip(*batch.values(), strict=True)]  # fmt: skip
    inside = torch.cat([row["attention_mask"] for row in rows]).bool()
    ids = torch.cat([row["input_ids"] for row in rows])[inside]
    documents = torch.cat([row["document_ids"] for row in rows])[inside]
    found = {i: ids[documents == i].tolist() for i in range(len(MANY))}
    assert found == dict(enumerate(MANY))
    assert all(row["input_ids"].shape == (16,) for row in rows)
    assert sum(not row["attention_mask"].all() for row in rows) <= max(1, n)


def test_packing_that_cannot_be():
    with pytest.raises(GtokError, match="a pad_id to fill packed rows up with, found none"):
        TokenStream(batch_of(ROWS), pack=4)
    with pytest.raises(GtokError, match="found pack=0"):
        TokenStream(batch_of(ROWS), pack=0, pad_id=PAD)


def test_the_mask_of_documents():
    ids = torch.tensor([[4, 4, 9, -1, -1], [0, 1, 2, 3, 4]])
    mask = document_mask(ids)
    assert (mask.dtype, mask.shape) == (torch.bool, (2, 1, 5, 5))
    for row, square in zip(ids, mask[:, 0], strict=True):
        for i in range(5):
            assert square[i].tolist() == [bool(row[i] == row[j]) for j in range(5)]


@pytest.mark.parametrize("kind", ["bidirectional", "causal"])
def test_packed_documents_are_alone(kind):
    transformers = pytest.importorskip("transformers")
    sizes = {
        "vocab_size": N + 7, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 32,
    }  # fmt: skip
    torch.manual_seed(0)
    if kind == "causal":
        model = transformers.LlamaModel(transformers.LlamaConfig(**sizes)).eval()
    else:
        model = transformers.BertModel(transformers.BertConfig(**sizes)).eval()
    rows = [[3, 1, 2, 8], [7, 7], [20, 21, 22], [5], [30, 31, 32, 33]]
    packed = list(TokenStream(batch_of(rows), shuffle=False, pack=10, pad_id=PAD))
    assert len(packed) == 2
    batch = torch.utils.data.default_collate(packed)
    mask = document_mask(batch["document_ids"])
    if kind == "causal":
        mask = mask.tril()
    inputs = {name: batch[name] for name in ("input_ids", "position_ids")}
    with torch.no_grad():
        together = model(**inputs, attention_mask=mask).last_hidden_state
        careless = model(**inputs, attention_mask=torch.ones_like(mask)).last_hidden_state
        for i, row in enumerate(rows):
            alone = model(torch.tensor([row])).last_hidden_state[0]
            here = batch["document_ids"] == i
            torch.testing.assert_close(together[here], alone, rtol=0, atol=1e-5)
            assert not torch.allclose(careless[here], alone, rtol=0, atol=1e-3)
    assert together.isfinite().all()


# --- the samplers and the Trainer of transformers


def test_samples_grouped_by_length():
    trainer_pt_utils = pytest.importorskip("transformers.trainer_pt_utils")
    dataset = TokenDataset(batch_of([[1] * (i * 37 % 64) for i in range(200)]))
    generator = torch.Generator().manual_seed(0)
    sampler = trainer_pt_utils.LengthGroupedSampler(8, lengths=dataset.lengths, generator=generator)
    by_itself = trainer_pt_utils.LengthGroupedSampler(8, dataset=dataset)
    assert by_itself.lengths == dataset.lengths.tolist()
    loader = DataLoader(dataset, batch_size=8, sampler=sampler, collate_fn=as_they_are)
    lengths = [[len(item["input_ids"]) for item in items] for items in loader]
    assert sorted(n for batch in lengths for n in batch) == sorted(dataset.lengths)
    spread = np.mean([max(batch) - min(batch) for batch in lengths])
    by_chance = np.mean([np.ptp(batch) for batch in dataset.lengths.reshape(-1, 8)])
    assert spread < by_chance / 4


# What the Trainer says of a machine without an accelerator.
@pytest.mark.filterwarnings("ignore:.*pin_memory.*no accelerator:UserWarning")
@pytest.mark.parametrize("kind", ["by length", "stream"])
def test_the_trainer(tmp_path, framing, kind):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    sizes = {
        "vocab_size": N + 7, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 64,
    }  # fmt: skip
    model = transformers.BertForMaskedLM(transformers.BertConfig(**sizes))
    rows = [[1 + j % 90 for j in range(i * 37 % 50)] for i in range(64)]
    dataset = TokenDataset(batch_of(rows, values=True), framing)
    epochs = []
    widths = []

    def collate(items):
        batch = framing.pad([{"input_ids": item["input_ids"]} for item in items])
        ids = torch.tensor(batch["input_ids"])
        widths.append(ids.shape[1])
        epochs.append(dataset.epoch)
        mask = torch.tensor(batch["attention_mask"])
        return {"input_ids": ids, "attention_mask": mask, "labels": ids}

    strategy = {"train_sampling_strategy": "group_by_length"} if kind == "by length" else {}
    arguments = transformers.TrainingArguments(
        str(tmp_path), max_steps=16, per_device_train_batch_size=8, report_to="none",
        disable_tqdm=True, save_strategy="no", use_cpu=True, remove_unused_columns=False,
        **strategy,
    )  # fmt: skip
    trainer = transformers.Trainer(
        model, arguments, data_collator=collate,
        train_dataset=dataset if kind == "by length" else TokenStream(dataset),
    )  # fmt: skip
    before = model.bert.embeddings.word_embeddings.weight.detach().clone()
    trainer.train()
    after = model.bert.embeddings.word_embeddings.weight
    assert not torch.equal(before, after)
    if kind == "by length":
        assert np.mean(widths) < 40  # by chance nearly all batches are about 50 wide
    else:
        assert set(epochs) >= {0, 1}  # the Trainer tells the epoch
