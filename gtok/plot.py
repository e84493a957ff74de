"""Pictures, with matplotlib."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gtok.errors import GtokError
from gtok.files import write_whole


def _figure(width: float, height: float) -> tuple[Any, Any]:
    """A figure and its axes, of no window and no global state."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise ImportError("pictures need matplotlib: pip install 'gtok[plot]'") from None
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def plot_similarity(
    alike: ArrayLike,
    names: Sequence[str],
    path: str | os.PathLike[str],
    title: str = "How alike the samples are (Jaccard)",
) -> None:
    """Draw a similarity matrix as a heat map.

    Parameters
    ----------
    alike : array-like, shape (n, n)
        From 0 to 1, as `gtok.similarity` returns it.
    names : sequence of str
        The samples.
    path : str or path
        Where to, the format by its ending (.png, .svg, .pdf).
    title : str
        Above the picture.
    """
    values = np.asarray(alike)
    n = len(names)
    if values.shape != (n, n):
        raise GtokError(f"expected a similarity of {n} x {n} samples, found {values.shape}")
    side = 2.2 + 0.62 * n
    figure, axes = _figure(side + 0.9, side)
    image = axes.imshow(values, vmin=0, vmax=1, cmap="viridis")
    axes.set_xticks(range(n), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(n), names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(title, fontsize=11, pad=10)
    if n <= 20:
        for i in range(n):
            for j in range(n):
                shade = "black" if values[i, j] > 0.6 else "white"
                axes.text(j, i, f"{values[i, j]:.2f}", ha="center", va="center", color=shade)
    bar = figure.colorbar(image, ax=axes, shrink=0.8)
    bar.outline.set_visible(False)
    kind = os.path.splitext(os.fspath(path))[1].removeprefix(".") or "png"
    with write_whole(path) as handle:
        figure.savefig(handle, format=kind, dpi=160)
