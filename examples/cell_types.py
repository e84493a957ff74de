"""Peak files to a classifier: which samples are alike, and what kind an unknown one is.

    python examples/cell_types.py
    python examples/cell_types.py FOLDER [--universe UNIVERSE.bed] [--test chr8 chr9]

FOLDER has a folder of BED files for each kind, `FOLDER/T_cell/donor1.bed.gz` say, as
`sklearn.datasets.load_files` has it. Without it, the five histone marks that come along stand
in: of each, eight simulated samples keep a random half of the peaks, as shallow sequencing would.
(They are drawn from one experiment each, so how well they are told apart says nothing about
biology.)
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline

import gtok

DATA = Path(__file__).parent / "data"
SEED = 0


def load_folder(folder: Path) -> tuple[list[Path], list[str]]:
    """The files, and of each the name of the folder that it is in."""
    paths = sorted(path for path in folder.glob("*/*") if path.is_file())
    return paths, [path.parent.name for path in paths]


def simulate(n: int = 8) -> tuple[list[gtok.RegionSet], list[str]]:
    """Samples that keep a random half of a mark's peaks."""
    random = np.random.default_rng(SEED)
    samples, labels = [], []
    for path in sorted(DATA.glob("hESC_*.bed.gz")):
        peaks = gtok.RegionSet.from_bed(path)
        for _ in range(n):
            samples.append(peaks[random.random(len(peaks)) < 0.5])
            labels.append(path.name.split(".")[0])
    return samples, labels


def main() -> None:
    """Read, embed, compare, classify."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="a folder of BED files for each kind")
    parser.add_argument("--universe", help="a BED file; without it, the samples merged")
    parser.add_argument("--test", nargs="+", default=["chr8", "chr9"], help="chromosomes held out")
    options = parser.parse_args()

    if options.folder is None:
        samples, labels = simulate()
        options.universe = options.universe or str(DATA / "universe.hg19.bed.gz")
    else:
        samples, labels = load_folder(options.folder)
    kinds = sorted(set(labels))
    rare = min(labels.count(kind) for kind in kinds) if kinds else 0
    if len(kinds) < 2 or rare < 2:
        raise SystemExit(f"expected two kinds of two files or more, found {len(samples)} files")

    # A sample is a document, a region a word: what is known of the one holds for the other.
    vectorizer = gtok.RegionVectorizer(options.universe, binary=True, n_jobs=-1)
    counts = vectorizer.fit_transform(samples)
    print(f"{counts.shape[0]} samples of {len(kinds)} kinds x {counts.shape[1]:,} regions")

    weigh = TfidfTransformer(sublinear_tf=True)
    embed = TruncatedSVD(n_components=min(10, len(samples) - 1), random_state=SEED)
    points = embed.fit_transform(weigh.fit_transform(counts))

    print("\nThe kind that a sample's nearest neighbour is of:")
    nearest = NearestNeighbors(n_neighbors=2, metric="cosine").fit(points)
    neighbours = nearest.kneighbors(points, return_distance=False)[:, 1]
    for kind in kinds:
        found = [labels[j] for i, j in enumerate(neighbours) if labels[i] == kind]
        print(f"  {kind:<16} {found.count(kind)} of {len(found)} its own")

    # The universe is part of the pipeline: where it is learned, it is learned anew in each fold,
    # and the held-out samples have no say in it.
    model = make_pipeline(
        gtok.RegionVectorizer(options.universe, binary=True, n_jobs=-1),
        TfidfTransformer(sublinear_tf=True),
        TruncatedSVD(n_components=min(10, len(samples) // 2), random_state=SEED),
        LogisticRegression(C=100, max_iter=1000),
    )
    folds = StratifiedKFold(min(4, rare), shuffle=True, random_state=SEED)
    scores = cross_val_score(model, samples, labels, cv=folds)
    print(f"\nKinds of held-out samples told right: {scores.mean():.0%} (± {scores.std():.0%})")

    # The other way round, a region is an example and samples are its features. Neighbouring
    # regions resemble one another: whole chromosomes are held out, or the score would be too good.
    split = vectorizer.universe_.split(test=options.test)
    kind = kinds[-1]
    theirs = np.array([label == kind for label in labels])
    marked = counts[theirs].getnnz(axis=0) > 0
    others = counts[~theirs].T.tocsr()
    regions = LogisticRegression(max_iter=1000).fit(others[split.train], marked[split.train])
    score = roc_auc_score(marked[split.test], regions.decision_function(others[split.test]))
    print(
        f"\nRegions with a peak of {kind}, foretold from the other samples: "
        f"AUC {score:.2f} on {', '.join(options.test)}, which were held out"
    )


if __name__ == "__main__":
    main()
