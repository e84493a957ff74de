"""Fragments of single cells to a map of the cells, by LSI (latent semantic indexing).

    python examples/lsi.py
    python examples/lsi.py FRAGMENTS [-o lsi.png] [--universe PEAKS.bed | --genome hg38]

Without FRAGMENTS, 150 cells of human blood that come along stand in; of each it is known what it
is, and the groups are compared with that.

As for ATAC-seq since Cusanovich et al. 2015 (doi 10.1126/science.aab1601): cells are counted over
peaks, or over tiles of the genome where there are none yet; TF-IDF weighs the regions, a truncated
SVD makes a few numbers of each cell, and t-SNE puts those on paper. Components that follow how
deeply a cell was sequenced are left out: they are no biology.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.manifold import TSNE
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import Normalizer

import gtok

DATA = Path(__file__).parent / "data"
KINDS = {"B": "B cells", "T": "T cells", "M": "monocytes"}
SEED = 0


def embed(cells: gtok.CellMatrix, min_cells: int, n_components: int) -> np.ndarray:
    """LSI: a point for each cell, without the components that follow its depth."""
    seen = np.asarray((cells.X > 0).sum(axis=0)).ravel()
    counts = cells.X[:, seen >= min_cells].astype(np.float32)
    counts.data[:] = 1
    weighed = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
    points = TruncatedSVD(n_components, random_state=SEED).fit_transform(weighed)
    depth = np.log1p(cells.quality["n_fragments"])
    follows = [abs(np.corrcoef(depth, component)[0, 1]) for component in points.T]
    kept = [i for i, r in enumerate(follows) if r < 0.5]
    print(f"{len(kept)} components, {len(follows) - len(kept)} left out that follow depth")
    return Normalizer().fit_transform(points[:, kept])


def draw(path: str, place: np.ndarray, groups: np.ndarray, depth: np.ndarray) -> None:
    """The map, coloured by group and by depth."""
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for number, group in enumerate(np.unique(groups)):
        rows = groups == group
        label = f"{group}, {rows.sum():,}"
        left.scatter(*place[rows].T, color=f"C{number}", s=9, linewidths=0, label=label)
    left.legend(title="group, cells", frameon=False, markerscale=2)
    dots = right.scatter(*place.T, c=np.log10(depth), cmap="viridis", s=9, linewidths=0)
    figure.colorbar(dots, ax=right, shrink=0.7).outline.set_visible(False)
    right.set_title("fragments of a cell, log10", fontsize=11)
    for axes in (left, right):
        axes.set(xticks=[], yticks=[], xlabel="t-SNE 1", ylabel="t-SNE 2")
        axes.spines[:].set_visible(False)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Count, filter, embed, group, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fragments", nargs="?", help="a fragments file, as 10x writes it")
    parser.add_argument("-o", "--output", default="lsi.png", help="the picture")
    parser.add_argument("--universe", help="peaks; without them the genome is tiled")
    parser.add_argument("--genome", default="hg38", help="what to tile, 5 kb a tile")
    parser.add_argument("--min-fragments", type=int, default=200, help="of a cell")
    parser.add_argument("--min-cells", type=int, default=10, help="in which a region is seen")
    parser.add_argument("--components", type=int, default=6)
    parser.add_argument("--groups", type=int, default=4)
    options = parser.parse_args()
    known = options.fragments is None
    if known:
        options.fragments, options.genome = DATA / "blood_fragments.hg19.tsv.gz", "hg19"
        options.min_fragments, options.min_cells, options.groups = 50, 3, 3

    universe = options.universe or gtok.Universe.tiles(options.genome, 5000)
    cells = gtok.count_fragments(options.fragments, universe, exclude=["chrM", "chrY"])
    print(cells)
    cells = cells.filter(min_fragments=options.min_fragments)
    print(f"{len(cells):,} cells of {options.min_fragments:,} fragments or more")
    if len(cells) < 50:
        raise SystemExit("expected 50 cells or more for a map")
    points = embed(cells, options.min_cells, options.components)
    groups = KMeans(options.groups, n_init=10, random_state=SEED).fit_predict(points) + 1
    if known:
        kinds = [barcode.split(".")[0] for barcode in cells.barcodes]
        for group in np.unique(groups):
            found = Counter(kind for kind, g in zip(kinds, groups, strict=True) if g == group)
            told = ", ".join(f"{n} {KINDS[kind]}" for kind, n in found.most_common())
            print(f"  group {group}: {told}")
        print(f"adjusted Rand index: {adjusted_rand_score(kinds, groups):.2f}")
    place = TSNE(metric="cosine", init="pca", random_state=SEED).fit_transform(points)
    draw(options.output, place, groups, cells.quality["n_fragments"])
    print(f"-> {options.output}")


if __name__ == "__main__":
    main()
