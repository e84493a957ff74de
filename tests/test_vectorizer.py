"""`RegionVectorizer`: what scikit-learn asks of a transformer, and the matrices against others."""

from __future__ import annotations

import copy
import gzip
import inspect
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import oracle
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from hypothesis import assume, given
from hypothesis import strategies as st

pytest.importorskip("sklearn")

import joblib
import sklearn
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

import gtok.vectorizer
from gtok import BedError, GtokError, Region, RegionSet, RegionVectorizer, Tokenizer, Universe

# Neither in order nor apart from one another.
UNIVERSE = [
    ("chr2", 5, 50),
    ("chr1", 300, 400),
    ("chr1", 100, 200),
    ("chr1", 150, 250),
    ("chr3", 0, 9),
]
N = len(UNIVERSE)
TOKENS = [f"{chrom}:{start}-{end}" for chrom, start, end in UNIVERSE]
# With a signal each.
SAMPLES = [
    [("chr1", 120, 160, 3.0), ("chr1", 120, 160, 5.0), ("chr2", 0, 10, 0.5), ("chr9", 1, 2, 7.0)],
    [("chr1", 180, 320, 2.0), ("chr1", 390, 391, 1.0), ("chr1", 310, 350, 4.0)],
    [("chr3", 5, 6, 1.5), ("chr2", 49, 70, 2.5)],
    [("chr1", 500, 600, 9.0)],
]
PLAIN = [[row[:3] for row in sample] for sample in SAMPLES]
LABELS = [0, 1, 0, 1]

foreign = pytest.mark.filterwarnings("ignore:no chromosome of")
of_no_length = pytest.mark.filterwarnings(r"ignore:.*of no length \(start = end\)")


def dense_of(samples, universe=UNIVERSE):
    """Counts, one region at a time."""
    dense = np.zeros((len(samples), len(universe)), dtype=int)
    for i, sample in enumerate(samples):
        for ids in oracle.overlaps(universe, [row[:3] for row in sample]):
            dense[i, ids] += 1
    return dense


COUNTS = dense_of(SAMPLES)


def region_set(rows):
    return RegionSet([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])


def columns(rows):
    names = ["chrom", "start", "end", "signal"]
    return {name: [row[i] for row in rows] for i, name in enumerate(names[: len(rows[0])])}


def write(path, rows):
    text = "".join("\t".join(map(str, row)) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.fixture
def files(tmp_path):
    """The samples as narrowPeak files."""
    return [
        write(tmp_path / f"{i}.narrowPeak.gz", [(*row[:3], ".", 0, ".", row[3]) for row in sample])
        for i, sample in enumerate(SAMPLES)
    ]


def equal(a, b):
    """The same matrix to the last bit, stored the same way."""
    return (
        type(a) is type(b)
        and a.shape == b.shape
        and a.dtype == b.dtype
        and all(
            np.array_equal(getattr(a, part), getattr(b, part))
            for part in ("data", "indices", "indptr")
        )
    )


def check_canonical(matrix, n_rows, n_columns):
    """Sorted, nothing twice, seen by looking and not by asking the matrix's own flags."""
    assert type(matrix) is scipy.sparse.csr_matrix
    assert matrix.shape == (n_rows, n_columns)
    assert matrix.indices.dtype == matrix.indptr.dtype == np.int32
    for lo, hi in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        assert (np.diff(matrix.indices[lo:hi]) > 0).all()
    assert matrix.has_canonical_format
    assert len(matrix.indices) == len(matrix.data) == matrix.indptr[-1]


# --- parameters


def test_the_constructor_stores_parameters_and_does_nothing_else():
    names = list(inspect.signature(RegionVectorizer).parameters)
    assert names[0] == "universe"
    given = {name: object() for name in names}
    vectorizer = RegionVectorizer(**given)
    assert vars(vectorizer) == given  # objects are equal if they are the same
    assert vectorizer.get_params() == given
    assert vars(RegionVectorizer(given["universe"]))["universe"] is given["universe"]
    with pytest.raises(TypeError, match="positional"):
        RegionVectorizer(UNIVERSE, "bp")


def test_defaults():
    assert RegionVectorizer().get_params() == {
        "universe": None,
        "values": "count",
        "signal": None,
        "reduce": "sum",
        "binary": False,
        "min_overlap": None,
        "overlap_of": "query",
        "unique": None,
        "exclude": None,
        "max_gap": 0,
        "min_samples": 1,
        "method": "auto",
        "dtype": None,
        "n_jobs": None,
    }


def test_set_params():
    vectorizer = RegionVectorizer()
    path = object()
    assert vectorizer.set_params(universe=path, values="nonsense", n_jobs=3) is vectorizer
    assert vectorizer.universe is path
    assert vectorizer.get_params()["values"] == "nonsense"
    with pytest.raises(ValueError, match="Invalid parameter 'vocabulary'"):
        vectorizer.set_params(vocabulary=1)


def test_every_parameter_is_documented():
    text = inspect.getdoc(RegionVectorizer)
    for name in RegionVectorizer().get_params():
        assert f"\n{name} : " in text
    for name in ("universe_", "tokenizer_"):
        assert f"\n{name} : " in text


def test_repr():
    assert repr(RegionVectorizer()) == "RegionVectorizer()"
    assert (
        repr(RegionVectorizer(values="bp", n_jobs=2)) == "RegionVectorizer(n_jobs=2, values='bp')"
    )
    assert repr(RegionVectorizer(Universe(UNIVERSE))) == (
        f"RegionVectorizer(universe={Universe(UNIVERSE)!r})"
    )
    fitted = RegionVectorizer(exclude=region_set(UNIVERSE)).fit([[("chr5", 1, 2)]])
    assert repr(fitted) == f"RegionVectorizer(exclude={region_set(UNIVERSE)!r})"
    long = RegionVectorizer([("chr1", i, i + 1) for i in range(5000)])
    assert len(repr(long)) < 2000


@pytest.mark.parametrize(
    "universe", [None, TOKENS, Universe(UNIVERSE), pd.DataFrame(columns(UNIVERSE))]
)
def test_notebooks_show_it(universe):
    vectorizer = RegionVectorizer(universe)
    for _ in range(2):
        assert "RegionVectorizer" in vectorizer._repr_html_()
        assert "TfidfTransformer" in make_pipeline(vectorizer, TfidfTransformer())._repr_html_()
        vectorizer.fit(PLAIN)


def test_a_clone_is_unfitted_and_shares_what_never_changes():
    universe, exclude = Universe(UNIVERSE), region_set([("chr9", 1, 2)])
    vectorizer = RegionVectorizer(universe, exclude=exclude, values="bp", min_overlap=0.5)
    vectorizer.fit(PLAIN)
    again = clone(vectorizer)
    assert again is not vectorizer
    assert again.universe is universe
    assert again.exclude is exclude
    assert again.get_params() == vectorizer.get_params()
    assert set(vars(again)) == set(vectorizer.get_params())
    with pytest.raises(NotFittedError):
        clone(RegionVectorizer().fit(PLAIN)).transform(PLAIN)


@pytest.mark.parametrize(
    "universe",
    [TOKENS, UNIVERSE, Path("u.bed"), "u.bed", RegionSet(["chr1"], [1], [2])],
    ids=lambda universe: type(universe).__name__,
)
def test_a_clone_of_other_parameters(universe):
    again = clone(RegionVectorizer(universe, exclude=["chrM"]))
    assert again.universe == universe
    assert again.exclude == ["chrM"]
    frame = pd.DataFrame(columns(UNIVERSE))
    assert clone(RegionVectorizer(frame)).universe.equals(frame)


def test_deepcopies_of_a_fitted_one():
    vectorizer = RegionVectorizer(Universe(UNIVERSE)).fit(PLAIN)
    again = copy.deepcopy(vectorizer)
    assert again.universe_ is vectorizer.universe_
    assert equal(again.transform(PLAIN), vectorizer.transform(PLAIN))


# --- fitting


def test_fit_returns_self():
    for vectorizer in (RegionVectorizer(), RegionVectorizer(UNIVERSE)):
        assert vectorizer.fit(PLAIN) is vectorizer
        assert vectorizer.fit(PLAIN, LABELS) is vectorizer
        assert vectorizer.fit(iter(PLAIN), y=LABELS) is vectorizer
        assert isinstance(vectorizer.universe_, Universe)
        assert isinstance(vectorizer.tokenizer_, Tokenizer)
        assert vectorizer.tokenizer_.universe is vectorizer.universe_


def test_fitting_sets_nothing_but_what_ends_in_an_underscore():
    vectorizer = RegionVectorizer()
    before = set(vars(vectorizer))
    vectorizer.fit(PLAIN).transform(PLAIN)
    assert set(vars(vectorizer)) - before == {"universe_", "tokenizer_"}
    # Samples have no columns.
    assert not hasattr(vectorizer, "n_features_in_")
    assert not hasattr(vectorizer, "feature_names_in_")


LEARN = {"max_gap": 40, "min_samples": 2, "exclude": ["chr3"]}


@pytest.mark.parametrize("names", [[], ["max_gap"], ["min_samples"], ["exclude"], list(LEARN)])
def test_a_universe_is_learned_as_from_samples_does(names):
    samples = [*PLAIN, [("chr1", 0, 125), ("chr2", 45, 46), ("chr3", 2, 7)]]
    options = {name: LEARN[name] for name in names}
    expected = Universe.from_samples(samples, **options)
    assert (expected == Universe.from_samples(samples)) == (not names)
    vectorizer = RegionVectorizer(**options).fit(samples)
    assert vectorizer.universe_ == expected
    assert equal(vectorizer.transform(samples), as_the_tokenizer_has_it(samples, options, expected))


def test_a_given_universe_is_not_learned_and_training_samples_not_read():
    vectorizer = RegionVectorizer(UNIVERSE, max_gap=1000, min_samples=3)
    vectorizer.fit(["/no/such/file.bed"])
    assert vectorizer.universe_ == Universe(UNIVERSE)


def test_fitting_again_forgets():
    vectorizer = RegionVectorizer()
    first = vectorizer.fit(PLAIN[:2]).universe_
    assert vectorizer.fit(PLAIN[2:]).universe_ == RegionVectorizer().fit(PLAIN[2:]).universe_
    assert vectorizer.universe_ != first
    assert vectorizer.set_params(universe=UNIVERSE).fit([]).universe_ == Universe(UNIVERSE)


@pytest.mark.parametrize(
    "universe", [None, TOKENS, Universe(UNIVERSE), pd.DataFrame(columns(UNIVERSE))]
)
def test_nothing_that_is_given_changes(universe):
    frame = pd.DataFrame(columns(PLAIN[1]))
    samples = [[*PLAIN[0]], frame, np.array(["chr1:1-2"]), region_set(PLAIN[2])]
    kept, inner = list(samples), copy.deepcopy(samples[:3])
    exclude = ["chr9"]
    vectorizer = RegionVectorizer(universe, values="bp", exclude=exclude, dtype="float64")
    params = vectorizer.get_params()
    shown = repr(universe)
    vectorizer.fit_transform(samples)
    vectorizer.fit(samples).transform(samples)
    assert all(after is before for after, before in zip(samples, kept, strict=True))
    assert samples[0] == inner[0]
    assert frame.equals(inner[1])
    assert np.array_equal(samples[2], inner[2])
    assert samples[3] == region_set(PLAIN[2])
    after = vectorizer.get_params()
    assert all(after[name] is value for name, value in params.items())
    assert exclude == ["chr9"]
    assert repr(universe) == shown


def test_parameters_that_are_paths_stay_paths(tmp_path):
    universe, exclude = write(tmp_path / "u.bed", UNIVERSE), write(tmp_path / "b.bed", UNIVERSE[:1])
    vectorizer = RegionVectorizer(universe, exclude=str(exclude)).fit(PLAIN)
    assert vectorizer.universe is universe
    assert vectorizer.exclude == str(exclude)
    assert vectorizer.universe_.tokens == TOKENS


def test_unfitted_without_a_universe():
    vectorizer = RegionVectorizer()
    for ask in (
        check_is_fitted,
        lambda v: v.transform(PLAIN),
        lambda v: v.transform([]),
        lambda v: v.get_feature_names_out(),
        lambda v: v.inverse_transform(np.eye(N)),
    ):
        with pytest.raises(NotFittedError, match="RegionVectorizer"):
            ask(vectorizer)
    assert set(vars(vectorizer)) == set(vectorizer.get_params())


def test_a_fit_that_fails_is_none():
    vectorizer = RegionVectorizer()
    with pytest.raises(GtokError):
        vectorizer.fit([[]])
    with pytest.raises(NotFittedError):
        vectorizer.transform(PLAIN)


@pytest.mark.parametrize("universe", [TOKENS, UNIVERSE, Universe(UNIVERSE), region_set(UNIVERSE)])
def test_with_a_universe_there_is_nothing_to_fit(universe):
    check_is_fitted(RegionVectorizer(universe))
    fitted = RegionVectorizer(universe).fit(PLAIN)
    matrix = RegionVectorizer(universe).transform(PLAIN)
    assert equal(matrix, fitted.transform(PLAIN))
    assert matrix.toarray().tolist() == COUNTS.tolist()
    assert RegionVectorizer(universe).get_feature_names_out().tolist() == TOKENS
    found = RegionVectorizer(universe).inverse_transform(np.eye(N))
    assert [str(region) for regions in found for region in regions] == TOKENS


@pytest.mark.parametrize(
    "change",
    [{"universe": TOKENS[:2]}, {"min_overlap": 1.0}, {"unique": "query"}, {"exclude": ["chr1"]}],
    ids=lambda change: next(iter(change)),
)
def test_parameters_of_an_unfitted_one_may_change_between_calls(change):
    """As `values` may, and as of scikit-learn's own transformers that have nothing to fit."""
    expected = RegionVectorizer(**{"universe": UNIVERSE, **change}).transform(PLAIN)
    vectorizer = RegionVectorizer(UNIVERSE)
    assert not equal(vectorizer.transform(PLAIN), expected)
    assert equal(vectorizer.set_params(**change).transform(PLAIN), expected)


@pytest.mark.parametrize("change", [{"values": "bp"}, {"binary": True}, {"dtype": "float64"}])
def test_values_may_change_between_calls(change):
    expected = RegionVectorizer(UNIVERSE, **change).transform(PLAIN)
    for vectorizer in (RegionVectorizer(UNIVERSE), RegionVectorizer(UNIVERSE).fit(PLAIN)):
        assert not equal(vectorizer.transform(PLAIN), expected)
        assert equal(vectorizer.set_params(**change).transform(PLAIN), expected)


# --- saving


@pytest.mark.parametrize(
    "universe", [None, TOKENS, Universe(UNIVERSE)], ids=["learned", "list", "u"]
)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickling(universe, protocol):
    exclude = region_set([("chr1", 391, 392)])
    vectorizer = RegionVectorizer(universe, values="bp", min_overlap=2, exclude=exclude)
    before = pickle.loads(pickle.dumps(vectorizer, protocol))
    assert before.get_params() == vectorizer.get_params()
    assert set(vars(before)) == set(vars(vectorizer))
    expected = vectorizer.fit_transform(PLAIN)
    assert equal(before.fit_transform(PLAIN), expected)
    after = pickle.loads(pickle.dumps(vectorizer, protocol))
    assert equal(after.transform(PLAIN), expected)
    assert equal(clone(after).fit_transform(PLAIN), expected)
    assert after.universe_ == vectorizer.universe_
    assert after.universe_ is after.tokenizer_.universe
    assert after.get_feature_names_out().tolist() == vectorizer.get_feature_names_out().tolist()


@pytest.mark.parametrize("universe", [None, Universe(UNIVERSE)], ids=["learned", "given"])
@pytest.mark.parametrize("options", [{}, {"compress": 3}])
def test_joblib(tmp_path, universe, options):
    vectorizer = RegionVectorizer(universe, exclude=region_set([("chr9", 1, 2)]))
    joblib.dump(vectorizer, tmp_path / "before", **options)
    expected = vectorizer.fit_transform(PLAIN)
    assert equal(joblib.load(tmp_path / "before").fit_transform(PLAIN), expected)
    joblib.dump(vectorizer, tmp_path / "after", **options)
    assert equal(joblib.load(tmp_path / "after").transform(PLAIN), expected)
    if not options:
        mapped = joblib.load(tmp_path / "after", mmap_mode="r")
        assert isinstance(mapped.universe_.regions.starts, np.memmap)
        assert equal(mapped.transform(PLAIN), expected)


def test_a_saved_pipeline_is_the_pipeline():
    model = make_pipeline(RegionVectorizer(), TfidfTransformer(), LogisticRegression())
    model.fit(PLAIN, LABELS)
    back = pickle.loads(pickle.dumps(model))
    assert np.array_equal(back.predict_proba(PLAIN), model.predict_proba(PLAIN))


def test_pipelines_that_remember(tmp_path, monkeypatch):
    fitted = []
    genuine = RegionVectorizer.fit

    def counted(self, X, y=None):
        fitted.append(self)
        return genuine(self, X, y)

    monkeypatch.setattr(RegionVectorizer, "fit", counted)
    universe = Universe(UNIVERSE)
    model = make_pipeline(
        RegionVectorizer(universe), TfidfTransformer(), LogisticRegression(), memory=str(tmp_path)
    )
    first = model.fit(PLAIN, LABELS).predict_proba(PLAIN)
    assert len(fitted) == 1
    # Asking the universe does not make it another one.
    assert universe.id(TOKENS[0]) == 0
    assert universe.digest
    assert np.array_equal(clone(model).fit(PLAIN, LABELS).predict_proba(PLAIN), first)
    assert len(fitted) == 1
    model.set_params(regionvectorizer__universe=Universe(UNIVERSE[:3])).fit(PLAIN, LABELS)
    assert len(fitted) == 2


# --- names, and the way back


@pytest.mark.parametrize("universe", [None, Universe(UNIVERSE)])
def test_feature_names(universe):
    vectorizer = RegionVectorizer(universe)
    matrix = vectorizer.fit_transform(PLAIN)
    names = vectorizer.get_feature_names_out()
    assert isinstance(names, np.ndarray)
    assert names.dtype == object
    assert names.shape == (matrix.shape[1],)
    assert all(type(name) is str for name in names)
    assert names.tolist() == vectorizer.universe_.tokens
    if universe is None:
        assert names[:2].tolist() == ["chr1:120-160", "chr1:180-350"]
    for ignored in (None, ["path"], np.array(["path"], dtype=object)):
        assert vectorizer.get_feature_names_out(ignored).tolist() == names.tolist()
        assert vectorizer.get_feature_names_out(input_features=ignored).tolist() == names.tolist()


def test_feature_names_go_down_a_pipeline():
    model = make_pipeline(RegionVectorizer(UNIVERSE), TfidfTransformer()).fit(PLAIN)
    assert model.get_feature_names_out().tolist() == TOKENS


def test_inverse_transform():
    vectorizer = RegionVectorizer(UNIVERSE)
    matrix = vectorizer.fit_transform(PLAIN)
    expected = [[UNIVERSE[j] for j in np.flatnonzero(row)] for row in COUNTS]
    for form in (
        matrix,
        matrix.toarray(),
        matrix.tocsc(),
        scipy.sparse.coo_array(matrix),
        matrix.toarray().tolist(),
        TfidfTransformer().fit_transform(matrix),
        -matrix.astype(float),
    ):
        found = vectorizer.inverse_transform(form)
        assert all(type(regions) is RegionSet for regions in found)
        assert [[tuple(region) for region in regions] for regions in found] == expected


def test_inverse_transform_passes_over_stored_zeros_and_adds_up_what_is_stored_twice():
    vectorizer = RegionVectorizer(UNIVERSE)
    data, indices = [1.0, 0.0, 2.0, -2.0, 3.0], [4, 1, 2, 2, 0]
    matrix = scipy.sparse.csr_matrix((data, indices, [0, 5]), shape=(1, N))
    assert [str(region) for region in vectorizer.inverse_transform(matrix)[0]] == [
        TOKENS[0],
        TOKENS[4],
    ]


def test_inverse_transform_leaves_the_matrix_as_it_is():
    vectorizer = RegionVectorizer(UNIVERSE, values="bp")
    matrix = vectorizer.transform([[("chr1", 155, 155), ("chr1", 390, 500)]])
    assert matrix.data.tolist() == [10, 0, 0]  # of no length: met, in no base pair
    kept = matrix.copy()
    assert [list(regions) for regions in vectorizer.inverse_transform(matrix)] == [[UNIVERSE[1]]]
    assert equal(matrix, kept)
    unsorted = scipy.sparse.csr_matrix(([1, 2, 3], [4, 1, 1], [0, 3]), shape=(1, N))
    vectorizer.inverse_transform(unsorted)
    assert unsorted.data.tolist() == [1, 2, 3]
    assert unsorted.indices.tolist() == [4, 1, 1]


@pytest.mark.parametrize("shape", [(2, N + 1), (2, N - 1), (0, 1)])
def test_inverse_transform_of_other_columns(shape):
    with pytest.raises(GtokError, match=rf"expected {N} columns.*found {shape[1]}"):
        RegionVectorizer(UNIVERSE).inverse_transform(np.zeros(shape))
    assert RegionVectorizer(UNIVERSE).inverse_transform(np.zeros((0, N))) == []


rows = st.tuples(
    st.sampled_from(["chr1", "chr2"]),
    st.integers(0, 60),
    st.integers(1, 12),
    st.integers(0, 8),
).map(lambda drawn: (drawn[0], drawn[1], drawn[1] + drawn[2], float(drawn[3])))
samples = st.lists(st.lists(rows, max_size=8), min_size=1, max_size=5)
OPTIONS = st.fixed_dictionaries(
    {
        "values": st.sampled_from(["count", "bp", "fraction"]),
        "reduce": st.sampled_from(["sum", "max"]),
        "binary": st.booleans(),
        "min_overlap": st.sampled_from([None, 2, 0.5]),
        "overlap_of": st.sampled_from(["query", "region", "both"]),
        "unique": st.sampled_from([None, "query"]),
        "method": st.sampled_from(["auto", "bits", "ailist"]),
    }
)


def plain(samples):
    return [[row[:3] for row in sample] for sample in samples]


@foreign
@given(samples, st.sampled_from(["count", "bp", "fraction"]), st.integers(0, 5))
def test_there_and_back_again(drawn, values, max_gap):
    """Merged regions do not overlap: what comes back meets what it was made of, and no more."""
    drawn = plain(drawn)
    assume(any(drawn))
    vectorizer = RegionVectorizer(values=values, max_gap=max_gap)
    matrix = vectorizer.fit_transform(drawn)
    back = vectorizer.transform(vectorizer.inverse_transform(matrix))
    assert np.array_equal(back.indptr, matrix.indptr)
    assert np.array_equal(back.indices, matrix.indices)


# --- what comes out


def test_set_output():
    vectorizer = RegionVectorizer(UNIVERSE)
    assert vectorizer.set_output(transform="default") is vectorizer
    assert type(vectorizer.transform(PLAIN)) is scipy.sparse.csr_matrix
    assert type(vectorizer.fit_transform(PLAIN)) is scipy.sparse.csr_matrix


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_sparse_matrix_is_no_frame(library):
    for vectorizer in (RegionVectorizer(UNIVERSE), RegionVectorizer()):
        vectorizer.set_output(transform=library).fit(PLAIN)
        with pytest.raises(ValueError, match="sparse"):
            vectorizer.transform(PLAIN)
        with pytest.raises(ValueError, match="sparse"):
            vectorizer.fit_transform(PLAIN)
        vectorizer.set_output(transform="default")
        assert vectorizer.transform(PLAIN).shape[0] == len(PLAIN)
    with (
        sklearn.config_context(transform_output=library),
        pytest.raises(ValueError, match="sparse"),
    ):
        RegionVectorizer(UNIVERSE).transform(PLAIN)


@foreign
@given(samples, OPTIONS)
def test_canonical_and_csr(drawn, options):
    matrix = RegionVectorizer(UNIVERSE, **options).transform(plain(drawn))
    check_canonical(matrix, len(drawn), N)
    usual = np.int32 if options["values"] == "count" or options["binary"] else np.float32
    assert matrix.dtype == usual


@pytest.mark.parametrize("n_samples", [0, 1, 4])
@pytest.mark.parametrize(
    ("options", "usual"),
    [
        ({}, np.int32),
        ({"unique": "query"}, np.int32),
        ({"reduce": "max"}, np.int32),
        ({"binary": True}, np.int32),
        ({"values": "bp"}, np.float32),
        ({"values": "fraction"}, np.float32),
        ({"values": "signal", "signal": "signal"}, np.float32),
        ({"values": "bp", "binary": True}, np.int32),
    ],
)
def test_dtypes(options, usual, n_samples):
    frames = [pd.DataFrame(columns(sample)) for sample in SAMPLES[:n_samples]]
    vectorizer = RegionVectorizer(UNIVERSE, **options)
    matrix = vectorizer.fit_transform(frames)
    assert matrix.dtype == usual
    for dtype in (np.float64, "uint8", np.int64, np.float32):
        vectorizer = RegionVectorizer(UNIVERSE, dtype=dtype, **options)
        if options.get("values") in ("fraction", "signal") and np.dtype(dtype).kind in "iu":
            continue  # 0.4 is no whole number
        found = vectorizer.fit_transform(frames)
        assert found.dtype == np.dtype(dtype)
        np.testing.assert_allclose(found.toarray(), matrix.toarray(), rtol=1e-6)
    assert RegionVectorizer(UNIVERSE, dtype=bool).transform(PLAIN).dtype == bool


def test_sums_that_do_not_fit_the_dtype():
    samples = [[("chr2", 10, 20)] * 300]
    assert RegionVectorizer(UNIVERSE, dtype="uint16").transform(samples).max() == 300
    with pytest.raises(GtokError, match=r"fit uint8, found up to 300"):
        RegionVectorizer(UNIVERSE, dtype="uint8").transform(samples)


def test_a_sample_without_a_hit_is_a_row_of_nothing():
    matrix = RegionVectorizer(UNIVERSE).transform([[], [("chr1", 900, 901)], PLAIN[0], []])
    assert matrix.toarray().tolist() == [[0] * N, [0] * N, COUNTS[0].tolist(), [0] * N]


@pytest.mark.parametrize("values", ["count", "bp"])
@pytest.mark.parametrize(
    "nothing",
    [
        list,
        tuple,
        lambda: iter([]),
        lambda: np.array([], dtype=object),
        lambda: pd.Series(dtype=str),
    ],
    ids=["list", "tuple", "iterator", "array", "series"],
)
def test_no_samples_are_no_rows(nothing, values):
    for vectorizer in (
        RegionVectorizer(UNIVERSE, values=values),
        RegionVectorizer(UNIVERSE, values=values).fit(nothing()),
    ):
        matrix = vectorizer.transform(nothing())
        check_canonical(matrix, 0, N)
        assert matrix.dtype == (np.int32 if values == "count" else np.float32)
        assert RegionVectorizer(UNIVERSE).fit_transform(nothing()).shape == (0, N)


@pytest.mark.parametrize("nothing", [[], [[]], [[], []]])
def test_nothing_to_learn_from(nothing):
    with pytest.raises(GtokError):
        RegionVectorizer().fit(nothing)


@foreign
@given(samples, OPTIONS, st.integers(0, 5), st.sampled_from([list, tuple, iter]))
def test_fit_transform_is_fit_and_transform(drawn, options, max_gap, kind):
    drawn = plain(drawn)
    assume(any(drawn))
    make = lambda: RegionVectorizer(max_gap=max_gap, **options)  # noqa: E731
    expected = make().fit(drawn).transform(drawn)
    assert equal(make().fit_transform(kind(drawn)), expected)
    assert equal(make().fit(kind(drawn)).transform(kind(drawn)), expected)
    assert equal(make().fit_transform((sample for sample in drawn), [0] * len(drawn)), expected)


# --- what goes in


def forms(files):
    sets = [region_set(sample) for sample in SAMPLES]
    objects = np.empty(len(sets), dtype=object)
    objects[:] = sets
    frames = [columns(sample) for sample in SAMPLES]
    texts = [str(path) for path in files]
    return {
        "paths": files,
        "path strings": texts,
        "array of path strings": np.array(texts),
        "object array of paths": np.array(files, dtype=object),
        "series of paths": pd.Series(texts, index=[7, 5, 3, 1]),
        "series of strings": pd.Series(texts, dtype="string"),
        "polars series": pl.Series(texts),
        "index": pd.Index(texts),
        "region sets": sets,
        "object array of region sets": objects,
        "series of region sets": pd.Series(sets),
        "pandas": [pd.DataFrame(frame) for frame in frames],
        "polars": [pl.DataFrame(frame) for frame in frames],
        "tuples": PLAIN,
        "regions": [[Region(*row) for row in sample] for sample in PLAIN],
        "strings": [[str(Region(*row)) for row in sample] for sample in PLAIN],
        "tuple of samples": tuple(PLAIN),
        "all sorts": [files[0], sets[1], pd.DataFrame(frames[2]), PLAIN[3]],
    }


@pytest.mark.parametrize("universe", [None, UNIVERSE])
def test_samples_of_every_kind(files, universe):
    expected = RegionVectorizer(universe).fit_transform(PLAIN)
    if universe:
        assert expected.toarray().tolist() == COUNTS.tolist()
    assert expected.nnz > 5
    for name, form in forms(files).items():
        for n_jobs in (None, 2):
            vectorizer = RegionVectorizer(universe, n_jobs=n_jobs)
            assert equal(vectorizer.fit_transform(form), expected), name
            assert equal(vectorizer.fit(form).transform(form), expected), name
    assert equal(RegionVectorizer(universe).fit_transform(path for path in files), expected)
    assert equal(RegionVectorizer(universe).fit_transform(map(str, files)), expected)


@pytest.mark.parametrize("universe", [None, UNIVERSE])
@pytest.mark.parametrize(
    "sample",
    [
        "peaks.bed",
        Path("peaks.bed"),
        TOKENS,
        UNIVERSE,
        Region("chr1", 1, 5),
        [Region("chr1", 1, 5)],
        RegionSet(["chr1"], [1], [5]),
        pd.DataFrame(columns(UNIVERSE)),
        pl.DataFrame(columns(UNIVERSE)),
        np.array(TOKENS),
    ],
    ids=[
        "str",
        "Path",
        "strings",
        "tuples",
        "region",
        "regions",
        "set",
        "pandas",
        "polars",
        "array",
    ],
)
def test_a_lone_sample_is_no_list_of_them(sample, universe):
    fitted = RegionVectorizer().fit(PLAIN)
    for ask in (
        RegionVectorizer(universe).fit,
        RegionVectorizer(universe).fit_transform,
        fitted.transform,
    ):
        with pytest.raises(TypeError, match=r"a list of samples, found one sample \(.*in a list"):
            ask(sample)


def test_samples_and_regions_in_one_list():
    with pytest.raises(TypeError, match=r"found both: item 0 .* item 1"):
        RegionVectorizer(UNIVERSE).transform([PLAIN[0], "chr1:1-5"])


def test_standard_input_can_be_read_once():
    for samples in (["-"], [PLAIN[0], "-"]):
        with pytest.raises(GtokError, match=r"standard input.*RegionSet\.from_bed\('-'\)"):
            RegionVectorizer().fit(samples)
        with pytest.raises(GtokError, match="standard input"):
            RegionVectorizer(UNIVERSE).transform(samples)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("name", ["bad.bed", "bad.bed.gz"])
def test_a_bad_file_is_named(tmp_path, files, n_jobs, name):
    bad = write(tmp_path / name, [("chr1", 1, 5), ("chr1", 7, 3), ("chr1", "x", 3)])
    samples = [*files, bad, files[0]]
    learning = RegionVectorizer(n_jobs=n_jobs)
    given = RegionVectorizer(UNIVERSE, n_jobs=n_jobs)
    for ask in (learning.fit, learning.fit_transform, given.transform, given.fit_transform):
        with pytest.raises(BedError, match=rf"{bad}, line 2"):
            ask(samples)
    for ask in (learning.fit, given.transform):
        with pytest.raises(FileNotFoundError, match=r"none\.bed"):
            ask([*files, tmp_path / "none.bed"])


def test_a_sample_that_is_none_is_named():
    for samples in ([PLAIN[0], None], [PLAIN[0], float("nan")], [{"chrom": 1}]):
        with pytest.raises(TypeError, match="expected a path, a RegionSet, a data frame or a list"):
            RegionVectorizer(UNIVERSE).transform(samples)


def test_other_names_of_chromosomes_warn():
    vectorizer = RegionVectorizer(UNIVERSE)
    with pytest.warns(UserWarning, match="no chromosome of the sample is in the universe"):
        matrix = vectorizer.transform([[("1", 120, 130)], PLAIN[0]])
    assert matrix.toarray().tolist() == [[0] * N, COUNTS[0].tolist()]


# --- choices


BAD = [
    ("values", {"values": "counts"}),
    ("values", {"values": 1}),
    ("signal", {"values": "signal"}),
    ("signal", {"signal": "score"}),
    ("signal", {"values": "bp", "signal": "score"}),
    ("reduce", {"reduce": "mean"}),
    ("reduce", {"reduce": None}),
    ("method", {"method": "tree"}),
    ("unique", {"unique": "sample"}),
    ("unique", {"unique": "token"}),
    ("unique", {"unique": True}),
    ("min_overlap", {"min_overlap": 0}),
    ("min_overlap", {"min_overlap": 1.5}),
    ("min_overlap", {"min_overlap": "half"}),
    ("overlap_of", {"min_overlap": 0.5, "overlap_of": "sample"}),
    ("overlap_of", {"overlap_of": "sample"}),
]


def ids_of(bad):
    return ["-".join(f"{name}={value}" for name, value in options.items()) for _, options in bad]


@pytest.mark.parametrize(("name", "options"), BAD, ids=ids_of(BAD))
def test_a_bad_choice_is_an_error_of_fit(name, options):
    with pytest.raises(GtokError, match=name):
        RegionVectorizer(UNIVERSE, **options).fit(PLAIN)
    with pytest.raises(GtokError, match=name):
        RegionVectorizer(**options).fit(PLAIN)


@pytest.mark.parametrize(("name", "options"), BAD, ids=ids_of(BAD))
def test_a_bad_choice_is_told_before_any_file_is_read(name, options):
    with pytest.raises(GtokError, match=name):
        RegionVectorizer("/no/such/universe.bed", **options).fit(["/no/such/file.bed"])
    with pytest.raises(GtokError, match=name):
        RegionVectorizer(**options).fit(["/no/such/file.bed"])


LEARNING = [
    ("max_gap", {"max_gap": -1}),
    ("max_gap", {"max_gap": 0.5}),
    ("min_samples", {"min_samples": 0}),
    ("min_samples", {"min_samples": 1.5}),
]


@pytest.mark.parametrize(("name", "options"), LEARNING, ids=ids_of(LEARNING))
def test_a_bad_way_to_learn_is_told_before_any_file_is_read(name, options):
    with pytest.raises(GtokError, match=name):
        RegionVectorizer(**options).fit(["/no/such/file.bed"])


def test_a_bad_choice_of_an_unfitted_one_is_an_error_of_transform():
    with pytest.raises(GtokError, match="values"):
        RegionVectorizer(UNIVERSE, values="counts").transform(PLAIN)
    with pytest.raises(GtokError, match="reduce"):
        RegionVectorizer(UNIVERSE, reduce="mean").transform(PLAIN)
    with pytest.raises(GtokError, match="unique"):
        RegionVectorizer(UNIVERSE, unique="sample").transform(PLAIN)


# --- entries


def by_hand(sample, region, values, reduce):
    """One entry."""
    _, start, end = region
    hits = [row for row in sample if row[0] == region[0] and row[1] < end and start < row[2]]
    if values == "fraction":
        covered = {at for row in hits for at in range(max(row[1], start), min(row[2], end))}
        return len(covered) / (end - start)
    found = {
        "count": [1 for _ in hits],
        "bp": [min(row[2], end) - max(row[1], start) for row in hits],
        "signal": [row[3] for row in hits],
    }[values]
    return (sum if reduce == "sum" else max)(found) if found else 0


@foreign
@given(
    samples,
    st.lists(rows.map(lambda row: row[:3]), min_size=1, max_size=6, unique=True),
    st.sampled_from(["count", "bp", "fraction", "signal"]),
    st.sampled_from(["sum", "max"]),
    st.booleans(),
)
def test_entries_against_plain_python(drawn, universe, values, reduce, binary):
    if values == "fraction" and reduce == "max":
        reduce = "sum"  # what the largest share is of is not told by one entry
    options = {"values": values, "reduce": reduce, "binary": binary}
    if values == "signal":
        options["signal"] = "signal"
    frames = [pd.DataFrame(columns(sample)) if sample else sample for sample in drawn]
    matrix = RegionVectorizer(universe, **options).transform(frames).toarray()
    if binary:
        expected = dense_of(drawn, universe) > 0
    else:
        expected = [[by_hand(s, region, values, reduce) for region in universe] for s in drawn]
    np.testing.assert_allclose(matrix, expected, rtol=1e-6)


def test_entries_by_eye(files):
    def entries(**options):
        return RegionVectorizer(UNIVERSE, **options).fit_transform(files)[:2].toarray().tolist()

    assert entries() == [[1, 0, 2, 2, 0], [0, 3, 1, 1, 0]]
    assert entries(unique="query") == [[1, 0, 1, 1, 0], [0, 3, 1, 1, 0]]
    assert entries(binary=True) == [[1, 0, 1, 1, 0], [0, 1, 1, 1, 0]]
    assert entries(reduce="max") == entries(binary=True)
    assert entries(values="bp") == [[5, 0, 80, 20, 0], [0, 61, 20, 70, 0]]
    assert entries(values="bp", reduce="max") == [[5, 0, 40, 10, 0], [0, 40, 20, 70, 0]]
    assert entries(values="bp", binary=True) == entries(binary=True)
    np.testing.assert_allclose(
        entries(values="fraction"),
        [[5 / 45, 0, 0.4, 0.1, 0], [0, 0.51, 0.2, 0.7, 0]],
        rtol=1e-6,
    )
    signal = {"values": "signal", "signal": "signalValue"}
    assert entries(**signal) == [[0.5, 0, 8, 8, 0], [0, 7, 2, 2, 0]]
    assert entries(**signal, reduce="max") == [[0.5, 0, 5, 5, 0], [0, 4, 2, 2, 0]]
    assert entries(values="signal", signal=7) == entries(**signal)
    assert entries(min_overlap=30) == [[0, 0, 2, 0, 0], [0, 1, 0, 1, 0]]
    assert entries(min_overlap=0.5) == [[1, 0, 2, 0, 0], [0, 2, 0, 1, 0]]
    assert entries(min_overlap=0.7, overlap_of="region") == [[0] * 5, [0, 0, 0, 1, 0]]
    assert entries(min_overlap=0.5, overlap_of="both") == [[0] * 5, [0, 0, 0, 1, 0]]
    assert entries(exclude=[("chr1", 159, 160), ("chr1", 390, 391)]) == [
        [1, 0, 0, 0, 0],
        [0, 2, 1, 1, 0],
    ]


def as_the_tokenizer_has_it(samples, options, universe=UNIVERSE):
    learning = ("max_gap", "min_samples")
    options = {name: value for name, value in options.items() if name not in learning}
    binary, reduce = options.pop("binary", False), options.pop("reduce", "sum")
    values, signal = options.pop("values", None), options.pop("signal", None)
    tokenizer = Tokenizer(universe, unknown="drop", **options)
    batch = tokenizer.encode_batch(
        samples, values=None if values == "count" else values, signal=signal
    )
    return batch.to_csr(len(tokenizer.universe), binary=binary, reduce=reduce)


@foreign
@given(samples, OPTIONS, st.lists(rows.map(lambda row: row[:3]), max_size=2))
def test_as_the_tokenizer_has_it(drawn, options, exclude):
    options["exclude"] = exclude or None
    drawn = plain(drawn)
    expected = as_the_tokenizer_has_it(drawn, options)
    assert equal(RegionVectorizer(UNIVERSE, **options).transform(drawn), expected)
    assert equal(RegionVectorizer(UNIVERSE, n_jobs=2, **options).fit_transform(drawn), expected)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"values": "count"},
        {"values": "bp", "reduce": "max"},
        {"values": "fraction"},
        {"values": "signal", "signal": "signalValue", "reduce": "max"},
        {"values": "signal", "signal": 7, "unique": "query"},
        {"binary": True, "min_overlap": 0.2, "overlap_of": "region"},
        {"min_overlap": 3, "exclude": ["chr2"]},
    ],
    ids=repr,
)
def test_files_as_the_tokenizer_has_them(files, options):
    expected = as_the_tokenizer_has_it(files, options)
    assert expected.nnz
    assert equal(RegionVectorizer(UNIVERSE, **options).fit_transform(files), expected)
    # What is learned is a universe like any other.
    learned = RegionVectorizer(**options).fit(files)
    expected = as_the_tokenizer_has_it(files, options, learned.universe_)
    assert equal(learned.transform(files), expected)


def test_a_missing_signal_is_named(tmp_path, files):
    bad = write(tmp_path / "bad.bed", [("chr1", 1, 5, ".", 0, ".", "high")])
    vectorizer = RegionVectorizer(UNIVERSE, values="signal", signal="signalValue")
    with pytest.raises(GtokError, match=rf"{bad}, line 1"):
        vectorizer.fit_transform([*files, bad])


def test_exclusions_keep_the_columns():
    vectorizer = RegionVectorizer(UNIVERSE, exclude=["chr1"])
    matrix = vectorizer.fit_transform(PLAIN)
    assert vectorizer.get_feature_names_out().tolist() == TOKENS
    of_chr1 = np.array([row[0] == "chr1" for row in UNIVERSE])
    assert matrix[:, of_chr1].nnz == 0
    assert matrix[:, ~of_chr1].toarray().tolist() == COUNTS[:, ~of_chr1].tolist()


def test_split_goes_over_the_columns():
    vectorizer = RegionVectorizer(UNIVERSE)
    matrix = vectorizer.fit_transform(PLAIN)
    train, test = vectorizer.universe_.split(test=["chr1"])
    assert matrix[:, test].toarray().tolist() == COUNTS[:, 1:4].tolist()
    assert matrix[:, train].shape == (len(PLAIN), 2)


# --- universes


def test_universes_of_every_kind(tmp_path):
    path = write(tmp_path / "u.bed.gz", UNIVERSE)
    Tokenizer(UNIVERSE).save_pretrained(tmp_path / "saved")
    (tmp_path / "gtars.toml").write_text('universe = "u.bed.gz"\n')
    for universe in (
        Universe(UNIVERSE),
        path,
        str(path),
        tmp_path / "saved",
        str(tmp_path / "saved"),
        tmp_path / "saved" / "tokenizer.toml",
        str(tmp_path / "gtars.toml"),
        TOKENS,
        region_set(UNIVERSE),
        pd.DataFrame(columns(UNIVERSE)),
        pl.DataFrame(columns(UNIVERSE)),
    ):
        for vectorizer in (RegionVectorizer(universe), RegionVectorizer(universe).fit(PLAIN)):
            assert vectorizer.transform(PLAIN).toarray().tolist() == COUNTS.tolist()
            assert vectorizer.get_feature_names_out().tolist() == TOKENS
            assert vectorizer.universe is universe


def test_a_universe_is_taken_as_it_is():
    universe = Universe(UNIVERSE, genome="hg38")
    assert RegionVectorizer(universe).fit(PLAIN).universe_ is universe


def test_settings_of_a_saved_tokenizer(tmp_path):
    saved = Tokenizer(
        UNIVERSE, min_overlap=0.7, overlap_of="region", exclude=["chr2"], template="cls ... sep"
    )
    saved.save_pretrained(tmp_path)
    tokenizer = Tokenizer.from_pretrained(tmp_path, unknown="drop")
    expected = tokenizer.encode_batch(PLAIN).to_csr(N)
    assert expected.toarray().tolist() != COUNTS.tolist()
    assert equal(RegionVectorizer(tmp_path).fit_transform(PLAIN), expected)
    # What is given here wins.
    given = RegionVectorizer(tmp_path, min_overlap=1, exclude=["chr1"]).fit_transform(PLAIN)
    expected = Tokenizer(UNIVERSE, exclude=["chr1"]).encode_batch(PLAIN).to_csr(N)
    assert equal(given, expected)


def test_a_bad_universe():
    with pytest.raises(FileNotFoundError, match=r"none\.bed"):
        RegionVectorizer("/no/such/none.bed").fit(PLAIN)
    with pytest.raises(GtokError, match="stands already"):
        RegionVectorizer([*TOKENS, TOKENS[0]]).fit(PLAIN)
    with pytest.raises(GtokError, match="at least one region"):
        RegionVectorizer([]).transform(PLAIN)


# --- threads


@pytest.fixture
def threads(monkeypatch):
    """How many threads were asked for."""
    asked = []
    genuine = gtok.vectorizer.in_threads

    def recorded(work, items, n_threads):
        asked.append(n_threads)
        return genuine(work, items, n_threads)

    monkeypatch.setattr(gtok.vectorizer, "in_threads", recorded)
    monkeypatch.setattr(gtok.building, "in_threads", recorded)
    return asked


@pytest.mark.parametrize("universe", [None, UNIVERSE])
@pytest.mark.parametrize(
    ("n_jobs", "n_threads"), [(None, 1), (1, 1), (2, 2), (7, 7), (-1, joblib.cpu_count())]
)
def test_threads(files, threads, universe, n_jobs, n_threads):
    expected = RegionVectorizer(universe, values="bp").fit_transform(PLAIN)
    threads.clear()
    vectorizer = RegionVectorizer(universe, values="bp", n_jobs=n_jobs)
    samples = files * 5
    matrix = vectorizer.fit_transform(samples)
    assert set(threads) == {n_threads}
    assert equal(matrix, scipy.sparse.vstack([expected] * 5, format="csr"))


@pytest.mark.parametrize("universe", [None, UNIVERSE])
def test_threads_of_a_parallel_config(files, threads, universe):
    expected = RegionVectorizer(universe).fit_transform(PLAIN)
    for backend in ("threading", "loky"):
        threads.clear()
        with joblib.parallel_config(backend=backend, n_jobs=3):
            assert equal(RegionVectorizer(universe).fit_transform(files), expected)
            assert set(threads) == {3}
            threads.clear()
            assert equal(RegionVectorizer(universe, n_jobs=2).fit_transform(files), expected)
            assert set(threads) == {2}


def test_no_threads():
    with pytest.raises(ValueError, match="n_jobs"):
        RegionVectorizer(n_jobs=0).fit(PLAIN)
    with pytest.raises(ValueError, match="n_jobs"):
        RegionVectorizer(UNIVERSE, n_jobs=0).transform(PLAIN)


def test_many_samples_in_threads_keep_their_order():
    samples = [[("chr1", 300, 300 + i)] for i in range(1, 90)]
    matrix = RegionVectorizer(UNIVERSE, values="bp", n_jobs=4).fit_transform(samples)
    assert matrix[:, [1]].toarray().ravel().tolist() == list(range(1, 90))


# --- scikit-learn's own checks


def test_tags():
    learning, given = get_tags(RegionVectorizer()), get_tags(RegionVectorizer(UNIVERSE))
    for tags in (learning, given):
        assert tags.input_tags.two_d_array is False
        assert tags.input_tags.one_d_array is True
        assert tags.input_tags.string is True
        assert tags.input_tags.sparse is False
        assert tags.target_tags.required is False
        assert tags.transformer_tags is not None
        assert tags.estimator_type is None
        assert tags.non_deterministic is False
        assert tags._skip_test is False
    assert learning.requires_fit is True
    assert given.requires_fit is False
    assert get_tags(RegionVectorizer().fit(PLAIN)).requires_fit is True


@pytest.mark.parametrize("universe", [None, Universe(UNIVERSE)])
def test_check_estimator(universe):
    """For input that is no array it has little to check, and says so."""
    with pytest.warns(SkipTestWarning, match="Can't test estimator RegionVectorizer"):
        results = estimator_checks.check_estimator(
            RegionVectorizer(universe), on_fail=None, on_skip=None
        )
    assert results
    assert {result["status"] for result in results} == {"passed"}
    with pytest.warns(SkipTestWarning):
        names = [
            getattr(check, "func", check).__name__
            for _, check in estimator_checks.estimator_checks_generator(RegionVectorizer(universe))
        ]
    assert "check_estimator_cloneable" in names


@pytest.mark.parametrize("universe", [None, Universe(UNIVERSE)])
@pytest.mark.parametrize(
    "name",
    [
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_get_params_invariance",
        "check_mixin_order",
        "check_n_features_in_after_fitting",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_set_params",
        "check_valid_tag_types",
    ],
)
def test_checks_that_need_no_data(name, universe):
    if not hasattr(estimator_checks, name):
        pytest.skip(f"scikit-learn {sklearn.__version__} has no {name}")
    getattr(estimator_checks, name)("RegionVectorizer", RegionVectorizer(universe))


def test_check_of_names_before_fitting():
    estimator_checks.check_get_feature_names_out_error("RegionVectorizer", RegionVectorizer())


class FedWithArrays(RegionVectorizer):
    """Makes a sample of each row of an array, so that the checks for arrays can be run.

    A number is a region on the chromosome of its column.
    """

    def fit(self, X, y=None):
        return super().fit(self._feed(X, reset=True), y)

    def fit_transform(self, X, y=None):
        samples = self._feed(X, reset=True)
        return super().fit(samples, y)._transform(samples)

    def transform(self, X):
        check_is_fitted(self)
        return self._transform(self._feed(X, reset=False))

    def _transform(self, samples):
        return RegionVectorizer.transform(self, samples)

    def _feed(self, X, reset):
        rows = validate_data(self, X, reset=reset)
        starts = (np.abs(rows) * 1000 % 1_000_000).astype(int).tolist()
        return [[(f"chr{j}", at, at + 50) for j, at in enumerate(row)] for row in starts]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.one_d_array = False
        tags.input_tags.string = False
        tags.transformer_tags.preserves_dtype = []
        return tags


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize(
    "vectorizer",
    [
        FedWithArrays(),
        FedWithArrays(values="bp", reduce="max", max_gap=10, n_jobs=2),
        FedWithArrays(Universe([(f"chr{j}", 0, 100_000) for j in range(20)])),
    ],
    ids=["learning", "base pairs", "given"],
)
def test_all_checks_when_fed_with_arrays(vectorizer):
    results = estimator_checks.check_estimator(vectorizer, on_fail=None, on_skip=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert not failed
    passed = {result["check_name"] for result in results if result["status"] == "passed"}
    assert len(passed) > 30
    assert {
        "check_dict_unchanged",
        "check_dont_overwrite_parameters",
        "check_estimators_fit_returns_self",
        "check_estimators_overwrite_params",
        "check_estimators_pickle",
        "check_fit_check_is_fitted",
        "check_fit_idempotent",
        "check_fit_score_takes_y",
        "check_methods_sample_order_invariance",
        "check_methods_subset_invariance",
        "check_pipeline_consistency",
        "check_transformer_general",
    } <= passed
    stateless = "check_transformers_unfitted_stateless"
    assert (stateless in passed) == (vectorizer.universe is not None)


# --- with other estimators


def two_kinds(n=24):
    """Samples that share every region but reach into it differently far; and their kinds."""
    chance = np.random.default_rng(0)
    kinds = np.arange(n) % 2
    drawn = []
    for kind in kinds:
        width = 90 if kind else 10
        sample = []
        for chrom in ("chr1", "chr2", "chr3"):
            start = int(chance.integers(1000, 1000 + 100 - width + 1))
            sample.append((chrom, start, start + width))
        drawn.append(sample)
    return drawn, kinds


BINS = [(chrom, 1000, 1100) for chrom in ("chr1", "chr2", "chr3")]


def test_from_paths_to_a_model(tmp_path):
    drawn, kinds = two_kinds()
    paths = [write(tmp_path / f"{i}.bed.gz", sample) for i, sample in enumerate(drawn)]
    model = Pipeline(
        [
            ("regions", RegionVectorizer(BINS, values="bp")),
            ("tfidf", TfidfTransformer(norm=None)),
            ("svd", TruncatedSVD(2, random_state=0)),
            ("kind", LogisticRegression()),
        ]
    )
    assert model.fit(paths, kinds) is model
    assert model.predict(paths).tolist() == kinds.tolist()
    assert model.score(paths, kinds) == 1
    assert model[:-1].transform(paths).shape == (len(paths), 2)
    assert model["regions"].universe_.tokens == [f"{c}:1000-1100" for c in ("chr1", "chr2", "chr3")]
    # Parts of it, one after the other.
    matrix = RegionVectorizer(BINS, values="bp").fit_transform(paths)
    weighted = TfidfTransformer(norm=None).fit_transform(matrix)
    points = TruncatedSVD(2, random_state=0).fit_transform(weighted)
    np.testing.assert_allclose(model[:-1].transform(paths), points)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_cross_validation(n_jobs):
    drawn, kinds = two_kinds()
    model = make_pipeline(RegionVectorizer(BINS, values="bp"), LogisticRegression())
    with joblib.parallel_config(backend="threading"):
        scores = cross_val_score(model, drawn, kinds, cv=3, n_jobs=n_jobs, error_score="raise")
    assert scores.tolist() == [1, 1, 1]
    # Counts do not tell them apart.
    model.set_params(regionvectorizer__values="count")
    scores = cross_val_score(model, drawn, kinds, cv=3, error_score="raise")
    assert scores.tolist() == [0.5, 0.5, 0.5]


def test_cross_validation_in_processes():
    drawn, kinds = two_kinds(8)
    model = make_pipeline(RegionVectorizer(Universe(BINS), values="bp"), LogisticRegression())
    scores = cross_val_score(model, drawn, kinds, cv=2, n_jobs=2, error_score="raise")
    assert scores.tolist() == [1, 1]


def test_held_out_samples_have_no_say():
    drawn, kinds = two_kinds()
    model = make_pipeline(RegionVectorizer(), LogisticRegression())
    found = cross_validate(
        model, drawn, kinds, cv=3, return_estimator=True, return_indices=True, error_score="raise"
    )
    for fitted, train in zip(found["estimator"], found["indices"]["train"], strict=True):
        assert fitted[0].universe_ == Universe.from_samples([drawn[i] for i in train])
    assert len({fitted[0].universe_ for fitted in found["estimator"]}) > 1


def test_grid_search():
    drawn, kinds = two_kinds()
    grid = {
        "regions__min_overlap": [None, 50, 0.5],
        "regions__binary": [False, True],
        "regions__values": ["count", "bp", "fraction"],
    }
    steps = [
        ("regions", RegionVectorizer(BINS, overlap_of="region")),
        ("kind", LogisticRegression(C=100)),
    ]
    search = GridSearchCV(Pipeline(steps), grid, cv=3, error_score="raise", refit=True)
    search.fit(drawn, kinds)
    assert len(search.cv_results_["params"]) == 18
    for params, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    ):
        blind = params["regions__min_overlap"] is None and (
            params["regions__binary"] or params["regions__values"] == "count"
        )
        assert score == (0.5 if blind else 1.0), params
    assert search.predict(drawn).tolist() == kinds.tolist()
    assert (
        search.best_estimator_["regions"].get_params().items()
        >= {
            "min_overlap": search.best_params_["regions__min_overlap"],
            "binary": search.best_params_["regions__binary"],
            "values": search.best_params_["regions__values"],
        }.items()
    )


def test_grid_search_over_universes():
    drawn, kinds = two_kinds()
    far = [("chr1", 5000, 5001), ("chr2", 1, 2), ("chr3", 1, 2)]
    model = make_pipeline(RegionVectorizer(values="bp"), LogisticRegression())
    grid = {"regionvectorizer__universe": [Universe(far), Universe(BINS), None]}
    search = GridSearchCV(model, grid, cv=3, error_score="raise").fit(drawn, kinds)
    assert search.cv_results_["mean_test_score"][:2].tolist() == [0.5, 1]
    assert search.best_estimator_[0].universe_ == Universe(BINS)


@pytest.mark.parametrize("universe", [None, Universe(UNIVERSE)])
@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_column_transformer(files, universe, library):
    table = library.DataFrame({"age": [1.5, 2.5, 3.5, 4.5], "path": [str(path) for path in files]})
    columns = ColumnTransformer(
        [("peaks", RegionVectorizer(universe), "path"), ("rest", "passthrough", ["age"])]
    )
    expected = RegionVectorizer(universe).fit_transform(PLAIN)
    found = columns.fit_transform(table)
    found = found.toarray() if scipy.sparse.issparse(found) else found
    assert found[:, :-1].tolist() == expected.toarray().tolist()
    assert found[:, -1].tolist() == [1.5, 2.5, 3.5, 4.5]
    names = RegionVectorizer(universe).fit(PLAIN).get_feature_names_out()
    assert columns.get_feature_names_out().tolist() == [f"peaks__{name}" for name in names] + [
        "rest__age"
    ]
    one = columns.transform(table[1:2])
    one = one.toarray() if scipy.sparse.issparse(one) else one
    assert one[0].tolist() == found[1].tolist()


def test_column_transformer_with_a_remainder_and_a_model(files):
    table = pd.DataFrame({"path": files, "age": [1.0, 2, 3, 4]}, index=list("dcba"))
    columns = ColumnTransformer(
        [("peaks", RegionVectorizer(UNIVERSE), "path")],
        remainder="passthrough",
        verbose_feature_names_out=False,
        sparse_threshold=1,
    )
    matrix = columns.fit_transform(table)
    assert scipy.sparse.issparse(matrix)
    assert columns.get_feature_names_out().tolist() == [*TOKENS, "age"]
    model = make_pipeline(columns, LogisticRegression()).fit(table, LABELS)
    assert model.predict(table).shape == (4,)


def test_a_column_of_paths_is_named_by_a_string(files):
    table = pd.DataFrame({"path": files})
    columns = ColumnTransformer([("peaks", RegionVectorizer(UNIVERSE), ["path"])])
    with pytest.raises(TypeError, match=r"found one sample \(.*DataFrame\)"):
        columns.fit_transform(table)


def test_feature_union(files):
    union = FeatureUnion(
        [
            ("n", RegionVectorizer(UNIVERSE)),
            ("bp", RegionVectorizer(TOKENS[:2], values="bp")),
            ("learned", RegionVectorizer(max_gap=500)),
        ]
    )
    matrix = union.fit_transform(files)
    parts = [transformer.transform(PLAIN).toarray() for _, transformer in union.transformer_list]
    assert [part.shape[1] for part in parts[:2]] == [N, 2]
    assert parts[2].shape[1] > 0
    assert matrix.toarray().tolist() == np.hstack(parts).tolist()
    assert union.get_feature_names_out().tolist()[: N + 2] == [
        *(f"n__{token}" for token in TOKENS),
        *(f"bp__{token}" for token in TOKENS[:2]),
    ]
    assert (union.transform(files) != matrix).nnz == 0


# --- metadata routing


def test_sample_weights_reach_the_classifier():
    drawn, kinds = two_kinds()
    kinds[:4] = 1
    weights = np.linspace(0.1, 3, len(drawn))
    matrix = RegionVectorizer(BINS, values="bp").fit_transform(drawn)
    expected = LogisticRegression().fit(matrix, kinds, sample_weight=weights).coef_
    assert not np.allclose(LogisticRegression().fit(matrix, kinds).coef_, expected)
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_pipeline(
            RegionVectorizer(BINS, values="bp"),
            LogisticRegression().set_fit_request(sample_weight=True),
        )
        assert np.array_equal(model.fit(drawn, kinds, sample_weight=weights)[-1].coef_, expected)
        scores = cross_val_score(
            model.set_params(logisticregression=model[-1].set_score_request(sample_weight=True)),
            drawn,
            kinds,
            params={"sample_weight": weights},
            error_score="raise",
        )
        assert len(scores) == 5
        refusing = make_pipeline(
            RegionVectorizer(BINS), LogisticRegression().set_fit_request(sample_weight=False)
        )
        with pytest.raises(TypeError, match="sample_weight"):
            refusing.fit(drawn, kinds, sample_weight=weights)


def test_the_vectorizer_asks_for_no_metadata():
    routing = RegionVectorizer().get_metadata_routing()
    for method in ("fit", "transform", "inverse_transform"):
        assert getattr(routing, method).requests == {}
    with sklearn.config_context(enable_metadata_routing=True):
        union = FeatureUnion([("n", RegionVectorizer(UNIVERSE)), ("bp", RegionVectorizer())])
        assert union.fit_transform(PLAIN).shape[0] == len(PLAIN)
        table = pd.DataFrame({"x": range(4), "sample": [region_set(sample) for sample in PLAIN]})
        columns = ColumnTransformer([("n", RegionVectorizer(UNIVERSE), "sample")])
        assert columns.fit_transform(table).shape == (4, N)


# --- without scikit-learn


def run(code):
    hidden = "import sys; sys.modules['sklearn'] = None\n"
    return subprocess.run([sys.executable, "-c", hidden + code], capture_output=True, text=True)


@pytest.mark.parametrize(
    "code",
    [
        "import gtok; gtok.RegionVectorizer",
        "from gtok import RegionVectorizer",
        "import gtok.vectorizer",
    ],
)
def test_a_missing_scikit_learn_is_one_sentence(code):
    done = run(code)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ImportError: RegionVectorizer needs scikit-learn: pip install 'gtok[sklearn]'"
    )
    assert done.stderr.count("Traceback") == 1


def test_the_rest_is_there_without_scikit_learn():
    code = (
        "import gtok\n"
        "samples = [['chr1:1-5'], ['chr1:2-9']]\n"
        "u = gtok.Universe.from_samples(samples)\n"
        "print(u.tokens, gtok.Tokenizer(u).encode_batch(samples).to_csr(1).shape)\n"
        "print(gtok.similarity(samples).tolist(), u.split('chr1').test)\n"
    )
    done = run(code)
    assert done.stderr == ""
    assert done.stdout == "['chr1:1-9'] (2, 1)\n[[1.0, 1.0], [1.0, 1.0]] [ True]\n"


def test_a_star_import_without_scikit_learn():
    done = run("from gtok import *\nprint(Tokenizer(['chr1:1-5']).tokenize(['chr1:2-3']))")
    assert done.stderr == ""
    assert done.stdout == "['chr1:1-5']\n"


def test_scikit_learn_is_not_loaded_unless_it_is_asked_for():
    code = (
        "import sys, gtok\n"
        "u = gtok.Universe.from_samples([['chr1:1-5']])\n"
        "gtok.Tokenizer(u).encode_batch([['chr1:2-3']]).to_csr(1)\n"
        "print({'sklearn', 'joblib'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
