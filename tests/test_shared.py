"""Arrays that processes share: where they are, and when their files go."""

from __future__ import annotations

import copy
import gc
import os
import pickle

import numpy as np
import pytest

from gtok.shared import SharedArrays

COLUMNS = {
    "a": np.arange(100_000, dtype=np.int32),
    "b": np.linspace(0, 1, 7, dtype=np.float32),
    "none": np.empty(0, dtype=np.int64),
}


def check(arrays):
    assert list(arrays.columns) == list(COLUMNS)
    for name, column in COLUMNS.items():
        np.testing.assert_array_equal(arrays.columns[name], column, strict=True)


def test_a_pickle_maps_files(tmp_path):
    arrays = SharedArrays(COLUMNS, tmp_path)
    assert os.listdir(tmp_path) == []
    packed = pickle.dumps(arrays)
    assert len(packed) < 1000
    assert pickle.dumps(arrays) == packed
    assert len(os.listdir(tmp_path)) == 1  # written once
    check(arrays)
    mapped = pickle.loads(packed)
    check(mapped)
    check(pickle.loads(pickle.dumps(mapped)))
    for column in ("a", "b"):
        with pytest.raises(ValueError, match="read-only"):
            mapped.columns[column][0] = 1
    # The files are those of the first alone; what is mapped stays.
    del arrays
    gc.collect()
    assert os.listdir(tmp_path) == []
    check(mapped)
    with pytest.raises(FileNotFoundError, match="a pickle of them lives as long as what"):
        pickle.loads(packed)


def test_arrays_written_piece_by_piece(tmp_path):
    pieces = [
        {name: column[lo : lo + 30_000] for name, column in COLUMNS.items()}
        for lo in range(0, 100_000, 30_000)
    ]
    arrays = SharedArrays.written([*pieces, {}], tmp_path)
    check(arrays)
    check(copy.deepcopy(arrays))
    check(pickle.loads(pickle.dumps(arrays)))
    assert len(os.listdir(tmp_path)) == 1
    del arrays
    gc.collect()
    assert os.listdir(tmp_path) == []


def test_nothing_stays_of_what_broke_off(tmp_path):
    def pieces():
        yield COLUMNS
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        SharedArrays.written(pieces(), tmp_path)
    assert os.listdir(tmp_path) == []


# From Python 3.12 on, where other tests have started threads.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_files_stay_where_a_fork_lets_go_of_them(tmp_path):
    arrays = SharedArrays.written([COLUMNS], tmp_path)
    child = os.fork()
    if child == 0:
        del arrays
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    assert len(os.listdir(tmp_path)) == 1
    check(arrays)
