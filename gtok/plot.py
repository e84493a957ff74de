"""Pictures, with matplotlib."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from gtok.errors import GtokError
from gtok.files import write_whole

if TYPE_CHECKING:
    from gtok.cells import CellMatrix

_COLOR = "#31688e"


def _figure(width: float, height: float) -> Any:
    """A figure of no window and no global state."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise ImportError("pictures need matplotlib: pip install 'gtok[plot]'") from None
    return Figure(figsize=(width, height), layout="constrained")


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
    figure = _figure(side + 0.9, side)
    axes = figure.add_subplot()
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
    _save(figure, path)


def plot_cells(
    cells: CellMatrix, path: str | os.PathLike[str], min_fragments: int | None = None
) -> None:
    """Draw what tells cells from empty droplets.

    Fragments by the rank of the barcode (cells stand before the knee), the share of them that
    lies in regions, and their lengths, which show one nucleosome, two, and so on.

    Parameters
    ----------
    cells : CellMatrix
        As counted, before any filter.
    path : str or path
        Where to, the format by its ending (.png, .svg, .pdf).
    min_fragments : int, optional
        A threshold to show.
    """
    _save(_figure_of_cells(cells, min_fragments), path)


def write_report(
    cells: CellMatrix,
    path: str | os.PathLike[str],
    facts: Sequence[tuple[str, str]],
    min_fragments: int | None = None,
) -> None:
    """Write what `plot_cells` draws, and a table, as a page that needs no other file.

    Parameters
    ----------
    cells, min_fragments
        As of `plot_cells`.
    path : str or path
        An HTML file.
    facts : sequence of (str, str)
        The table: what, and how much.
    """
    import html
    import io

    picture = io.StringIO()
    _figure_of_cells(cells, min_fragments).savefig(picture, format="svg", transparent=False)
    svg = picture.getvalue()
    rows = "\n".join(
        f"<tr><th>{html.escape(what)}</th><td>{html.escape(text)}</td></tr>" for what, text in facts
    )
    with write_whole(path) as handle:
        handle.write(_PAGE.format(svg=svg[svg.index("<svg") :], rows=rows).encode())


def _figure_of_cells(cells: CellMatrix, min_fragments: int | None) -> Any:
    n_fragments = cells.quality["n_fragments"]
    frip = cells.quality["frip"]
    figure = _figure(12, 3.8)
    knee, share, length = figure.subplots(1, 3)
    ranked = np.sort(n_fragments[n_fragments > 0])[::-1]
    knee.plot(np.arange(1, len(ranked) + 1), ranked, color=_COLOR, linewidth=2)
    scale = "log" if len(ranked) else "linear"
    knee.set(xscale=scale, yscale=scale, xlabel="barcodes, by rank", ylabel="fragments")
    knee.set_title(f"{len(ranked):,} barcodes with fragments", fontsize=11)
    share.scatter(n_fragments, frip, s=6, color=_COLOR, alpha=0.4, linewidths=0, rasterized=True)
    share.set(xscale=scale, ylim=(0, 1), xlabel="fragments", ylabel="share in regions (FRiP)")
    share.set_title("a dot per barcode", fontsize=11)
    length.fill_between(np.arange(1000), cells.lengths[:1000], color=_COLOR, alpha=0.8, linewidth=0)
    length.set(xlim=(0, 1000), ylim=(0, None), xlabel="fragment length, bp", ylabel="fragments")
    longer = int(cells.lengths[1000])
    length.set_title(f"{longer:,} of 1,000 bp or more are not shown" if longer else "", fontsize=11)
    if min_fragments is not None:
        n_kept = int(np.count_nonzero(n_fragments >= min_fragments))
        knee.axhline(min_fragments, color="black", linewidth=1, linestyle="--")
        share.axvline(min_fragments, color="black", linewidth=1, linestyle="--")
        knee.annotate(
            f"{n_kept:,} of {min_fragments:,} or more",
            (1, min_fragments), xytext=(2, 4), textcoords="offset points", fontsize=9,
        )  # fmt: skip
    for axes in (knee, share, length):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Cells and their fragments</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto;
         padding: 0 1rem; color: #1c1c1c; background: #fff; }}
  h1 {{ font-size: 1.4rem; }}
  svg {{ width: 100%; height: auto; }}
  table {{ border-collapse: collapse; margin: 1rem 0; }}
  th, td {{ text-align: left; padding: .25rem 1.5rem .25rem 0; border-bottom: 1px solid #ddd;
           font-weight: normal; }}
  th {{ color: #555; }}
</style>
</head>
<body>
<h1>Cells and their fragments</h1>
<table>
{rows}
</table>
{svg}
</body>
</html>
"""


def expect_picture(path: str | os.PathLike[str]) -> str:
    """The kind of picture that a path's ending stands for.

    Raises
    ------
    GtokError
        If it stands for none.
    """
    name = os.fspath(path)
    kind = os.path.splitext(name)[1].removeprefix(".").lower()
    if kind not in ("png", "svg", "pdf"):
        raise GtokError(f"{name}: expected a picture's name, which ends in .png, .svg or .pdf")
    _figure(1, 1)
    return kind


def _save(figure: Any, path: str | os.PathLike[str]) -> None:
    kind = expect_picture(path)
    with write_whole(path) as handle:
        figure.savefig(handle, format=kind, dpi=160)
