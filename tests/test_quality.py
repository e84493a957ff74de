"""Start sites from GTF, GFF3, BED and frames, and what is told of cells near them."""

from __future__ import annotations

import gzip

import pandas as pd
import pytest

from gtok import BedError, GtokError, RegionSet, count_fragments
from gtok.quality import site_windows, start_sites

GTF = """\
##description: a few genes
chr1\tX\tgene\t1001\t5000\t.\t+\t.\tgene_id "a";
chr1\tX\ttranscript\t1001\t5000\t.\t+\t.\tgene_id "a"; transcript_id "a.1";
chr1\tX\texon\t1001\t1100\t.\t+\t.\tgene_id "a"; transcript_id "a.1";

chr1\tX\ttranscript\t2001\t5000\t.\t-\t.\tgene_id "a"; transcript_id "a.2";
chr2\tX\ttranscript\t1\t700\t.\t.\t.\tgene_id "b";
chr1\tX\ttranscript\t1001\t4000\t.\t+\t.\tgene_id "a"; transcript_id "a.3";
"""
SITES = [("chr1", 1000, 1001), ("chr1", 4999, 5000), ("chr2", 0, 1)]


def told(sites):
    return sorted(tuple(region) for region in sites)


@pytest.mark.parametrize("name", ["x.gtf", "x.GTF", "x.gff3", "x.gff", "x.gtf.gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_transcripts_of_a_gtf_file_each_site_once(tmp_path, name, end):
    text = GTF.replace("\n", end).encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    assert told(start_sites(tmp_path / name)) == SITES


def test_the_last_line_needs_no_end(tmp_path):
    (tmp_path / "x.gtf").write_text(GTF.rstrip("\n"))
    assert told(start_sites(tmp_path / "x.gtf")) == SITES


def test_lines_across_chunks(tmp_path):
    lines = [f"chr1\tX\ttranscript\t{i * 10 + 1}\t{i * 10 + 5}\t.\t+\t.\t{'x' * (i % 90)}\n"
             for i in range(30_000)]  # fmt: skip
    (tmp_path / "x.gtf").write_text("".join(lines))
    sites = start_sites(tmp_path / "x.gtf")
    assert sites.starts.tolist() == [i * 10 for i in range(30_000)]


def test_mrna_is_a_transcript_of_gff3(tmp_path):
    (tmp_path / "x.gff3").write_text(GTF.replace("transcript\t", "mRNA\t"))
    assert told(start_sites(tmp_path / "x.gff3")) == SITES


def test_genes_where_there_are_no_transcripts(tmp_path):
    lines = [line for line in GTF.splitlines() if "transcript\t" not in line]
    (tmp_path / "x.gtf").write_text("\n".join(lines))
    assert told(start_sites(tmp_path / "x.gtf")) == [("chr1", 1000, 1001)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chr1\t5\t9", "expected nine fields of GTF, tabs between, found 3"),
        ("chr1 X gene 1 5 . + . a", "expected nine fields of GTF, tabs between, found 1"),
        ("chr1\tX\tgene\t0\t9\t.\t+\t.\ta", "base pairs from 1, found '0' and '9'"),
        ("chr1\tX\tgene\tone\t9\t.\t+\t.\ta", "base pairs from 1, found 'one' and '9'"),
        ("chr1\tX\tgene\t1\t-9\t.\t+\t.\ta", "base pairs from 1, found '1' and '-9'"),
    ],
)
def test_a_bad_line_of_a_gtf_file_is_named(tmp_path, line, message):
    (tmp_path / "x.gtf").write_text(f"#!genome\n{line}\n")
    with pytest.raises(BedError) as caught:
        start_sites(tmp_path / "x.gtf")
    assert str(caught.value).startswith(f"{tmp_path / 'x.gtf'}, line 2: expected ")
    assert str(caught.value).endswith(message)


@pytest.mark.parametrize("name", ["x.gtf", "x.bed"])
def test_a_file_of_no_sites(tmp_path, name):
    (tmp_path / name).write_text("# nothing\n")
    with pytest.raises(GtokError, match=rf"{name}: expected transcription start sites, found none"):
        start_sites(tmp_path / name)


def test_strands_of_a_bed_file(tmp_path):
    (tmp_path / "x.bed").write_text(
        "chr1\t100\t200\ta\t0\t+\nchr1\t100\t200\tb\t0\t-\nchr2\t7\t9\tc\t0\t.\n"
    )
    assert told(start_sites(tmp_path / "x.bed")) == [
        ("chr1", 100, 101), ("chr1", 199, 200), ("chr2", 7, 8),
    ]  # fmt: skip


def test_a_bed_file_without_strands(tmp_path):
    (tmp_path / "x.bed").write_text("chr1\t100\t200\nchr1\t100\t300\n")
    assert told(start_sites(tmp_path / "x.bed")) == [("chr1", 100, 101)]


@pytest.mark.parametrize("strand", ["strand", "Strand"])
def test_strands_of_a_frame(strand):
    frame = pd.DataFrame({"chrom": ["chr1", "chr1"], "start": [5, 5], "end": [9, 9]})
    assert told(start_sites(frame)) == [("chr1", 5, 6)]
    frame[strand] = ["-", "+"]
    assert told(start_sites(frame)) == [("chr1", 5, 6), ("chr1", 8, 9)]


def test_regions_have_no_strand():
    assert told(start_sites(["chr1:5-9"])) == [("chr1", 5, 6)]
    assert told(start_sites(RegionSet(["chr1"], [5], [9]))) == [("chr1", 5, 6)]


def test_windows_of_a_site():
    near, beside = site_windows(RegionSet(["chr1"], [10_000], [10_001]))
    assert told(near) == [("chr1", 9950, 10_051)]
    assert told(beside) == [("chr1", 8000, 8100), ("chr1", 11_901, 12_001)]


def test_windows_end_where_the_chromosome_begins():
    near, beside = site_windows(RegionSet(["chr1"], [20], [21]))
    assert told(near) == [("chr1", 0, 71)]
    assert told(beside) == [("chr1", 0, 0), ("chr1", 1921, 2021)]


def test_the_strand_decides_what_is_enriched(tmp_path):
    """Insertions stand at 4,950 and 4,999: near the site of the reverse strand alone."""
    (tmp_path / "f.tsv").write_text("chr1\t4950\t5000\tA\t1\n")
    (tmp_path / "x.bed").write_text("chr1\t1000\t5000\ta\t0\t-\n")
    cells = count_fragments(tmp_path / "f.tsv", ["chr1:0-9"], tss=tmp_path / "x.bed")
    assert cells.quality["tss_enrichment"].tolist() == [2 / 101 / 0.2]
    cells = count_fragments(tmp_path / "f.tsv", ["chr1:0-9"], tss=["chr1:1000-5000"])
    assert cells.quality["tss_enrichment"].tolist() == [0]


def test_sites_of_other_names_are_warned_of(tmp_path):
    (tmp_path / "f.tsv").write_text("chr1\t4950\t5000\tA\t1\n")
    with pytest.warns(UserWarning, match="no chromosome of .* is in the start sites"):
        count_fragments(tmp_path / "f.tsv", ["chr1:0-9"], tss=["1:1000-5000"])
