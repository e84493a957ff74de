"""Fragments of single cells: gtok against what its users would otherwise pick."""

from __future__ import annotations

import sys
from pathlib import Path

import data
import numpy as np
import rivals
from measure import Row, Scale, clock, in_turn, leave_out, peak, process, python, same, tell

import gtok

HEART = data.SHARED / "fragments" / "peakqc_heartLV_1M.fragments.tsv.gz"
OURS = "import gtok; gtok.count_fragments(*sys.argv[1:])"
GTARS = (
    "from gtars.tokenizers import Tokenizer, tokenize_fragment_file as count; "
    "count(sys.argv[1], Tokenizer(sys.argv[2]))"
)


def against_gtars(work: str, path: Path, peaks: Path, rounds: int) -> list[Row]:
    """Fragments to the regions that each overlaps, cell by cell."""
    if not rivals.Gtars.installed():
        return []
    from gtars.tokenizers import Tokenizer, tokenize_fragment_file

    universe, tokenizer = gtok.Universe(peaks), Tokenizer(str(peaks))
    ours = gtok.count_fragments(path, universe, counting="fragment")
    found = tokenize_fragment_file(str(path), tokenizer)
    same("gtars, barcodes", sorted(ours.barcodes), sorted(found))
    for row in range(0, len(ours), max(len(ours) // 500, 1)):
        ids = np.array(found[ours.barcodes[row]])
        counts = np.bincount(ids[ids < len(universe)], minlength=len(universe))
        same("gtars", ours.X[row].toarray()[0].tolist(), counts.tolist())
    measured = in_turn(
        rounds,
        lambda: clock(lambda: gtok.count_fragments(path, universe)),
        lambda: clock(lambda: tokenize_fragment_file(str(path), tokenizer)),
    )
    memory = in_turn(
        min(rounds, 3),
        lambda: peak(python(OURS, path, peaks)),
        lambda: peak(python(GTARS, path, peaks)),
    )
    return [
        Row(work, "gtars `tokenize_fragment_file`", *measured, "ms", 10),
        Row(f"peak memory: {work}", "gtars", *memory, "MiB", 0.5),
    ]


def against_igzip(work: str, path: Path, peaks: Path, rounds: int) -> list[Row]:
    """The time of inflating the file and throwing it away, a process of its own."""
    universe = gtok.Universe(peaks)
    measured = in_turn(
        rounds,
        lambda: clock(lambda: gtok.count_fragments(path, universe)),
        lambda: process([sys.executable, "-m", "isal.igzip", "-dc", str(path)]),
    )
    return [
        Row(
            work,
            "`python -m isal.igzip -dc`, nothing but inflating",
            *measured,
            "ms",
            2,
            at_most=True,
        )
    ]


def against_snapatac2(work: str, path: Path, peaks: Path, rounds: int) -> list[Row]:
    """Import and peak matrix."""
    try:
        import snapatac2
    except ImportError:
        leave_out("snapatac2 is not installed: its rows are left out")
        return []
    universe = gtok.Universe(peaks)
    # It panics at whatever lies beyond a chromosome's end, so it is told the ends that there are.
    sizes = dict(data.HG38)
    for regions in (gtok.RegionSet.from_bed(path), universe.regions):
        for code, chrom in enumerate(regions.chrom_names):
            end = int(regions.ends[regions.codes == code].max())
            sizes[chrom] = max(sizes.get(chrom, 0), end)

    def theirs() -> object:
        fragments = snapatac2.pp.import_fragments(
            str(path), chrom_sizes=sizes, min_num_fragments=0, sorted_by_barcode=False
        )
        return snapatac2.pp.make_peak_matrix(fragments, peak_file=str(peaks))

    counts, ours = theirs(), gtok.count_fragments(path, universe)
    rows = {barcode: row for row, barcode in enumerate(ours.barcodes)}
    columns = {token: column for column, token in enumerate(universe.tokens)}
    picked = ours.X[[rows[name] for name in counts.obs_names]]
    picked = picked[:, [columns[name] for name in counts.var_names]]
    same("snapatac2", (picked.astype(np.int64) != counts.X.astype(np.int64)).nnz, 0)
    measured = in_turn(
        rounds, lambda: clock(lambda: gtok.count_fragments(path, universe)), lambda: clock(theirs)
    )
    return [Row(work, "snapatac2 `import_fragments`, `make_peak_matrix`", *measured, "ms", 20)]


def memory_of_more(scale: Scale, peaks: Path, path: Path) -> list[Row]:
    """Peak memory of a file's fragments ten times over, and of the file's."""
    tell("fragments: ten times over")
    tenfold = data.repeated(path, 10)
    once, ten = (gtok.count_fragments(p, peaks).X for p in (path, tenfold))
    same("ten times", (once * 10 != ten).nnz, 0)
    measured = in_turn(
        min(scale.rounds, 3),
        lambda: peak(python(OURS, tenfold, peaks)),
        lambda: peak(python(OURS, path, peaks)),
    )
    work = "peak memory of the made fragments ten times over"
    return [Row(work, "once", *measured, "MiB", 1.5, at_most=True)]


def rows(scale: Scale) -> list[Row]:
    """All of it."""
    n = 200_000 if scale.quick else 5_000_000
    peaks, path = data.fragments(n)
    files = [(f"{data.amount(n)} fragments, bgzip, on 100k regions", path)]
    if HEART.exists() and not scale.quick:
        files.insert(0, ("1M fragments of a heart, bgzip, on 100k regions", HEART))
    table = []
    for work, file in files:
        tell(f"fragments: {work}")
        table += against_igzip(work, file, peaks, scale.rounds)
        table += against_gtars(work, file, peaks, scale.rounds)
        table += against_snapatac2(work, file, peaks, min(scale.rounds, 3))
    return table + memory_of_more(scale, peaks, path)
