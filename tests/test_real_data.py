"""Real files of many makes, where they are at hand."""

from __future__ import annotations

import csv
import gzip
import random
from pathlib import Path

import numpy as np
import oracle
import pytest

from gtok.bed import read_bed
from gtok.errors import BedError
from gtok.index import build_index
from gtok.regions import RegionSet

UNIVERSES = {
    "10x_pbmc_3k_peaks_hg38.bed.gz": "hg38",
    "K562_GM12878_DNase_hg19.bed.gz": "hg19",
    "REMOv1_GRCh38.bed.gz": "hg38",
    "RefSeqExon.hg38.bed.gz": "hg38",
    "bedtk_test-anno.bed.gz": "hg38",
    "catlas_cCRE_chr1chr2_198k_hg38.bed.gz": "hg38",
    "geniml_universe.bed": "hg19",
}
MANY_ROWS = 100_000  # from which the oracle reads no more than a file's beginning and its end
NO_BED = {
    "LOLA_vistaEnhancers_colNames_hg19.bed": r"line 1: expected a whole number from 0 as start, "
    r"found 'start'; it looks like a header",
    "geniml_add_valid_test.bed": r"line \d+: expected start <= end, found \d+ > \d+",
    "peakqc_heartLV_barcodes.txt": r"line 1: expected .*three fields .* found 1",
}


@pytest.fixture(scope="module")
def manifest(shared_data):
    with open(shared_data / "MANIFEST.tsv", newline="") as handle:
        return {Path(row["path"]).name: row for row in csv.DictReader(handle, delimiter="\t")}


def all_files():
    """The names of all files, known before anything is read, so that each is a test of its own."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    return sorted(str(path.relative_to(folder)) for path in folder.glob("*/*"))


def inflated(path):
    content = path.read_bytes()
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


def rows_of(bed):
    names = [name.encode() for name in bed.chrom_names]
    return list(
        zip(
            (names[code] for code in bed.codes.tolist()),
            bed.starts.tolist(),
            bed.ends.tolist(),
            strict=True,
        )
    )


def test_the_files_are_those_of_the_manifest(shared_data, manifest):
    found = {path.name for path in shared_data.glob("*/*")}
    assert found == set(manifest)
    assert {path.name for path in (shared_data / "universes").iterdir()} == set(UNIVERSES)


@pytest.mark.parametrize("name", all_files() or ["none"])
def test_every_file_is_read_as_the_oracle_reads_it(shared_data, manifest, name):
    path = shared_data / name
    if path.name in NO_BED:
        with pytest.raises(BedError, match=NO_BED[path.name]) as caught:
            read_bed(path)
        with pytest.raises(oracle.BadLine) as expected:
            oracle.parse_bed(inflated(path))
        assert f"{path}, line {expected.value.line}: " in str(caught.value)
        assert expected.value.is_explained_by(str(caught.value))
        return
    bed = read_bed(path, keep=(3, 4))
    assert len(bed.codes) == int(manifest[path.name]["rows"])
    text = inflated(path)
    if len(bed.codes) > MANY_ROWS:
        lines = text.splitlines(keepends=True)
        n = 20_000
        first, last = oracle.parse_bed(b"".join(lines[:n])), oracle.parse_bed(b"".join(lines[-n:]))
        rows = rows_of(bed)
        assert rows[: len(first.rows)] == first.rows
        assert rows[-len(last.rows) :] == last.rows
        assert [b"%s\t%d\t%d" % row for row in rows] == [
            b"\t".join(line.split()[:3]) for line in lines if line[0] not in b"#\n"
        ]
        return
    expected = oracle.parse_bed(text)
    assert rows_of(bed) == expected.rows
    for field, column in zip((3, 4), bed.texts, strict=True):
        wanted = expected.column(field)
        if wanted is not None:
            assert column.to_list() == [field.decode(errors="replace") for field in wanted]
        else:
            assert column is None
    some = range(0, len(expected.lines), max(len(expected.lines) // 100, 1))
    assert [bed.source.line(row) for row in some] == [expected.lines[row] for row in some]


@pytest.mark.parametrize("name", [n for n in all_files() if Path(n).name not in NO_BED] or [""])
def test_every_file_survives_being_written(shared_data, tmp_path, name):
    path = shared_data / name
    regions = RegionSet.from_bed(path)
    regions.to_bed(tmp_path / "again.bed")
    assert RegionSet.from_bed(tmp_path / "again.bed") == regions


@pytest.mark.parametrize("universe", UNIVERSES)
def test_both_indexes_agree_on_all_queries(shared_data, manifest, universe):
    genome = UNIVERSES[universe]
    regions = RegionSet.from_bed(shared_data / "universes" / universe)
    brute_force = oracle.BruteForce(tuple(region) for region in regions)
    bits, ailist = build_index(regions, "bits"), build_index(regions, "ailist")
    paths = [
        path
        for path in sorted((shared_data / "queries").iterdir())
        if manifest[path.name]["genome"] == genome
    ]
    assert len(paths) >= 4
    chance = random.Random(universe)
    n_hits = 0
    for path in paths:
        queries = RegionSet.from_bed(path)
        offsets, ids = bits.overlaps(queries)
        n_hits += len(ids)
        for one, other in zip((offsets, ids), ailist.overlaps(queries), strict=True):
            assert one.tobytes() == other.tobytes()
        for index in (bits, ailist):
            assert np.array_equal(index.count(queries), np.diff(offsets))
        assert [part.tobytes() for part in bits.overlaps(queries, n_threads=2)] == [
            offsets.tobytes(),
            ids.tobytes(),
        ]
        for row in chance.sample(range(len(queries)), 8):
            found = ids[offsets[row] : offsets[row + 1]].tolist()
            assert found == brute_force.hits(queries[row])
    assert n_hits > 1000


@pytest.mark.parametrize("universe", ["10x_pbmc_3k_peaks_hg38.bed.gz", "REMOv1_GRCh38.bed.gz"])
def test_auto_takes_bits_for_peaks(shared_data, universe):
    regions = RegionSet.from_bed(shared_data / "universes" / universe)
    assert build_index(regions).method == "bits"
