"""Token batches as ragged tensors of TensorFlow, and a Keras model that learns from one."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtok import TokenBatch, Tokenizer

REGIONS = [("chr1", 10 * i, 10 * i + 5) for i in range(20)]


def test_tensorflow_that_is_not_there(monkeypatch):
    # None makes an import fail as it does where a module is not installed.
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError, match=r"needs TensorFlow: pip install tensorflow$"):
        TokenBatch(np.array([1]), np.array([0, 1])).to_tensorflow()


@pytest.fixture(scope="module")
def tf():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    return pytest.importorskip("tensorflow", reason="tensorflow is not installed")


@given(st.lists(st.lists(st.integers(0, 2**31 - 1), max_size=5), max_size=6))
def test_ragged_tensors(tf, rows):
    offsets = np.cumsum([0, *map(len, rows)])
    batch = TokenBatch(np.array([id for row in rows for id in row]), offsets)
    found = batch.to_tensorflow()
    assert isinstance(found, tf.RaggedTensor)
    assert (found.dtype, found.row_splits.dtype) == (tf.int64, tf.int64)
    assert found.to_list() == rows


def test_a_keras_model_learns(tf):
    keras = tf.keras
    keras.utils.set_random_seed(0)
    tokenizer = Tokenizer(REGIONS, unknown="drop")
    samples = [REGIONS[i : i + 1 + i % 4] for i in range(12)] + [[("chr1", 6, 8)]] * 4
    batch = tokenizer.encode_batch([[(c, s + 1, e) for c, s, e in sample] for sample in samples])
    assert batch.lengths.tolist() == [1, 2, 3, 4] * 3 + [0] * 4
    labels = np.array([[len(sample) % 2] for sample in samples], dtype=np.float32)
    ids = keras.Input((None,), dtype="int64", ragged=True)
    embedding = keras.layers.Embedding(tokenizer.vocab_size, 4)
    summed = keras.layers.Lambda(lambda x: tf.reduce_sum(x, axis=1), output_shape=(4,))
    model = keras.Model(ids, keras.layers.Dense(1)(summed(embedding(ids))))
    model.compile(keras.optimizers.Adam(0.05), "mse")
    before = embedding.get_weights()[0].copy()
    losses = model.fit(batch.to_tensorflow(), labels, epochs=20, batch_size=8, verbose=0)
    moved = np.abs(embedding.get_weights()[0] - before).sum(axis=1) > 0
    # The tokens of the samples have learned, and no others.
    assert np.flatnonzero(moved).tolist() == np.unique(batch.ids).tolist()
    assert losses.history["loss"][-1] < losses.history["loss"][0] / 4
