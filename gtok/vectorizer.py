"""`RegionVectorizer`: samples to a matrix, as a transformer of scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gtok.errors import GtokError, check_choice
from gtok.index import METHODS, Limits, Method, OverlapOf
from gtok.regions import RegionSet
from gtok.samples import Sample, as_batch, path_of
from gtok.sparse import REDUCE, Reduce, to_csr
from gtok.surface import Values
from gtok.threads import in_threads
from gtok.tokenizer import VALUES, Tokenizer, check_values
from gtok.universe import Universe

try:
    from joblib import effective_n_jobs
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.utils.validation import check_is_fitted
except ModuleNotFoundError:
    raise ImportError("RegionVectorizer needs scikit-learn: pip install 'gtok[sklearn]'") from None

if TYPE_CHECKING:
    import scipy.sparse

    from gtok.batch import TokenBatch


class RegionVectorizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Samples to a samples x regions matrix: a bag of regions.

    What scikit-learn's ``CountVectorizer`` does with documents and words: each sample becomes a
    row, each region of the universe a column. The universe is given, or learned from the
    training samples by merging them.

    Parameters
    ----------
    universe : Universe, path, or sample, optional
        The columns: whatever `Tokenizer` takes. Without it `fit` learns them.
    values : {"count", "bp", "fraction", "signal"}
        What a region's column holds: the number of the sample's regions that overlap it; their
        base pairs in it; the share of it that their union covers; or their signal.
    signal : str or int, optional
        The column that the signal stands in, "signalValue" say (see `Tokenizer.encode_batch`).
    reduce : {"sum", "max"}
        What becomes of several overlaps with one region: their sum, or the largest.
    binary : bool
        1 wherever there is an overlap.
    min_overlap : int or float, optional
        How much is an overlap: base pairs, or a share of a length (see `RegionIndex.overlaps`).
    overlap_of : {"query", "region", "both"}
        The length that the share is of.
    unique : {None, "query"}
        Count a region that stands several times in a sample once, as peaks with several summits
        do.
    exclude : sample, or list of str, optional
        Regions of samples that overlap any of these are left out (see `Tokenizer`).
    max_gap : int
        When learning: regions that are no more base pairs apart are joined.
    min_samples : int or float
        When learning: drop regions that fewer training samples have a part in; a float is a
        share of them.
    method : {"auto", "bits", "ailist"}
        The overlap index.
    dtype : dtype, optional
        Of the matrix; int32 for counts and float32 for other values unless given.
    n_jobs : int, optional
        Threads; None is one, or what a ``joblib.parallel_config`` says, -1 one per core.

    Attributes
    ----------
    universe_ : Universe
        The columns.
    tokenizer_ : Tokenizer
        What finds them.

    See Also
    --------
    Universe.split : masks over the columns that keep chromosomes apart.

    Notes
    -----
    A sample is whatever `as_regions` takes, ``X`` a list of them: paths, frames, `RegionSet`. With
    a universe given nothing is learned, and `transform` works without `fit`, only that it then
    reads and indexes the universe each time.

    Examples
    --------
    >>> from gtok import RegionVectorizer
    >>> samples = [["chr1:100-200", "chr1:300-400"], ["chr1:150-250", "chr2:5-50"]]
    >>> vectorizer = RegionVectorizer()
    >>> vectorizer.fit_transform(samples).toarray()
    array([[1, 1, 0],
           [1, 0, 1]], dtype=int32)
    >>> vectorizer.get_feature_names_out()
    array(['chr1:100-250', 'chr1:300-400', 'chr2:5-50'], dtype=object)
    >>> vectorizer.set_params(values="bp").transform([["chr1:240-260"]]).toarray()
    array([[10.,  0.,  0.]], dtype=float32)
    """

    universe_: Universe
    tokenizer_: Tokenizer

    def __init__(
        self,
        universe: Universe | Sample | None = None,
        *,
        values: Values = "count",
        signal: str | int | None = None,
        reduce: Reduce = "sum",
        binary: bool = False,
        min_overlap: float | None = None,
        overlap_of: OverlapOf = "query",
        unique: Literal["query"] | None = None,
        exclude: Sample | None = None,
        max_gap: int = 0,
        min_samples: float = 1,
        method: Method = "auto",
        dtype: DTypeLike | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.universe = universe
        self.values = values
        self.signal = signal
        self.reduce = reduce
        self.binary = binary
        self.min_overlap = min_overlap
        self.overlap_of = overlap_of
        self.unique = unique
        self.exclude = exclude
        self.max_gap = max_gap
        self.min_samples = min_samples
        self.method = method
        self.dtype = dtype
        self.n_jobs = n_jobs

    def fit(self, X: Iterable[Sample], y: Any = None) -> Self:  # noqa: N803
        """Learn the universe from samples; with a universe given, only make ready.

        Parameters
        ----------
        X : list of samples
            The training samples; read only if there is something to learn.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        GtokError
            If a parameter is none of its choices, or no region is left.
        """
        # Before anything is read.
        check_choice("values", self.values, VALUES)
        check_values(self.values, self.signal)
        check_choice("reduce", self.reduce, REDUCE)
        check_choice("unique", self.unique, (None, "query"))
        check_choice("method", self.method, METHODS)
        Limits.of(self.min_overlap, self.overlap_of)
        samples = _samples_of(X)
        universe = self.universe
        if universe is None:
            universe = Universe.from_samples(
                samples,
                max_gap=self.max_gap,
                min_samples=self.min_samples,
                exclude=self.exclude,
                n_threads=effective_n_jobs(self.n_jobs),
            )
        self.tokenizer_ = self._make_tokenizer(universe)
        self.universe_ = self.tokenizer_.universe
        return self

    def fit_transform(self, X: Iterable[Sample], y: Any = None) -> scipy.sparse.csr_matrix:  # noqa: N803
        """Learn the universe from samples, and make them a matrix; as `fit` and `transform` do."""
        samples = _samples_of(X)
        return self.fit(samples, y).transform(samples)

    def transform(self, X: Iterable[Sample]) -> scipy.sparse.csr_matrix:  # noqa: N803
        """Make samples a matrix.

        Parameters
        ----------
        X : list of samples
            Each of them whatever `as_regions` takes.

        Returns
        -------
        scipy.sparse.csr_matrix, shape (n, regions)
        """
        tokenizer = self._tokenizer()
        check_values(self.values, self.signal)
        samples = _samples_of(X)
        values = None if self.values == "count" else self.values

        def encode(sample: Sample) -> TokenBatch:
            return tokenizer.encode_batch([sample], values=values, signal=self.signal, n_threads=1)

        usual = np.int32 if values is None or self.binary else np.float32
        return to_csr(
            in_threads(encode, samples, effective_n_jobs(self.n_jobs)),
            len(tokenizer.universe),
            binary=self.binary,
            dtype=usual if self.dtype is None else self.dtype,
            reduce=self.reduce,
        )

    def inverse_transform(self, X: Any) -> list[RegionSet]:  # noqa: N803
        """The regions of each row: those whose column is not 0.

        Parameters
        ----------
        X : matrix of shape (n, regions)
            As `transform` returns it, or dense.

        Returns
        -------
        list of RegionSet
            One per row, samples again.
        """
        import scipy.sparse

        universe = self._tokenizer().universe
        rows = scipy.sparse.csr_matrix(X, copy=True)
        if rows.shape[1] != len(universe):
            raise GtokError(f"expected {len(universe)} columns, the regions, found {rows.shape[1]}")
        rows.sum_duplicates()
        rows.eliminate_zeros()
        bounds = zip(rows.indptr[:-1], rows.indptr[1:], strict=True)
        return [universe.regions[rows.indices[lo:hi]] for lo, hi in bounds]

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """The tokens of the columns, ``chrom:start-end``.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        object[regions]
        """
        return np.array(self._tokenizer().universe.tokens, dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "tokenizer_") or self.universe is not None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        tags.input_tags.string = True
        tags.requires_fit = self.universe is None
        return tags

    def _tokenizer(self) -> Tokenizer:
        """The fitted tokenizer; where there is none, one of the universe that was given."""
        check_is_fitted(self)
        if hasattr(self, "tokenizer_"):
            return self.tokenizer_
        return self._make_tokenizer(self.universe)

    def _make_tokenizer(self, universe: Universe | Sample) -> Tokenizer:
        return Tokenizer(
            universe,
            method=self.method,
            unknown="drop",
            unique=self.unique,
            min_overlap=self.min_overlap,
            overlap_of=None if self.min_overlap is None else self.overlap_of,
            exclude=self.exclude,
        )


def _samples_of(X: Any) -> list[Sample]:  # noqa: N803
    """The samples of a batch; each is read more than once where there is something to learn."""
    samples = as_batch(X)
    if any(path_of(sample) == "-" for sample in samples):
        raise GtokError("standard input can be read once: pass RegionSet.from_bed('-') instead")
    return samples
