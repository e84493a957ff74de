"""Cut the demonstration data from the full files to a few chromosomes.

    python examples/make_data.py FOLDER

FOLDER holds the files named below; their sources and licences stand in examples/data/README.md.
The rows kept are kept whole and in order.
"""

from __future__ import annotations

import sys
from pathlib import Path

from isal import igzip

from gtok.files import write_gzip

CHROMS = {b"chr1", b"chr2", b"chr8", b"chr9", b"chr21"}
FILES = {
    "universes/K562_GM12878_DNase_hg19.bed.gz": "universe.hg19.bed.gz",
    "queries/intervene_hESC_H3K4me1.hg19.bed.gz": "hESC_H3K4me1.bed.gz",
    "queries/intervene_hESC_H3K4me2.hg19.bed.gz": "hESC_H3K4me2.bed.gz",
    "queries/intervene_hESC_H3K4me3.hg19.bed.gz": "hESC_H3K4me3.bed.gz",
    "queries/intervene_hESC_H3K27ac.hg19.bed.gz": "hESC_H3K27ac.bed.gz",
    "queries/intervene_hESC_H3K27me3.hg19.bed.gz": "hESC_H3K27me3.bed.gz",
}


def main(folder: Path) -> None:
    """Cut every file."""
    target = Path(__file__).parent / "data"
    target.mkdir(exist_ok=True)
    for source, name in FILES.items():
        with igzip.open(folder / source, "rb") as lines, write_gzip(target / name) as cut:
            cut.writelines(line for line in lines if line.split(b"\t", 1)[0] in CHROMS)
        print(f"{target / name}: {(target / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
