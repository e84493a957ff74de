"""What snapatac2 counts, and what it and scanpy make of gtok's files: `make test-scverse`."""

from __future__ import annotations

import gzip
import warnings

import numpy as np
import pytest

import gtok

snapatac2 = pytest.importorskip("snapatac2")
scanpy = pytest.importorskip("scanpy")

FILES = [
    "ArchR_PBSmall.tsv.gz", "BPCells_mini_fragments.tsv.gz", "cellxgene_fragments.tsv.bgz",
    "peakqc_10x_pbmc_5k_nextgem_200lines.tsv.gz", "peakqc_heartLV_1M.fragments.tsv.gz",
    "snapatac2_test_clean.tsv.gz", "snapatac2_test_single.tsv.gz",
]  # fmt: skip
UNIVERSES = {
    "hg19": "K562_GM12878_DNase_hg19.bed.gz", "hg38": "10x_pbmc_3k_peaks_hg38.bed.gz",
}  # fmt: skip


@pytest.fixture(scope="module")
def cells(shared_data):
    return gtok.count_fragments(
        shared_data / "fragments" / "peakqc_heartLV_1M.fragments.tsv.gz",
        shared_data / "universes" / UNIVERSES["hg38"],
    ).filter(min_fragments=200)


def theirs(path, peaks, counting, folder):
    """What snapatac2 counts, its filters off, as (barcodes, regions, matrix)."""
    # It reads no 4 columns and no header lines, and wants chromosomes that it knows.
    plain, sizes = folder / "plain.tsv.gz", {}
    with gzip.open(path, "rb") as lines, gzip.open(plain, "wb", 1) as out:
        for line in lines:
            if line.startswith(b"#"):
                continue
            fields = line.rstrip(b"\r\n").split(b"\t")
            chrom = fields[0].decode()
            sizes[chrom] = max(sizes.get(chrom, 0), int(fields[2]))
            out.write(b"\t".join([*fields[:4], *(fields[4:5] or [b"1"])]) + b"\n")
    # Peaks on chromosomes that the file has not are nothing that it would count in.
    kept = [str(region) for region in gtok.Universe(peaks).regions if region.chrom in sizes]
    for token in kept:
        chrom, _, rest = token.rpartition(":")
        sizes[chrom] = max(sizes[chrom], int(rest.partition("-")[2]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = snapatac2.pp.import_fragments(
            str(plain), chrom_sizes=sizes, min_num_fragments=0, sorted_by_barcode=False
        )
        counted = snapatac2.pp.make_peak_matrix(data, use_rep=kept, counting_strategy=counting)
    return counted.obs_names.tolist(), counted.var_names.tolist(), counted.X.astype(np.int64)


@pytest.mark.parametrize("counting", ["fragment", "insertion", "paired-insertion"])
@pytest.mark.parametrize("name", FILES)
def test_snapatac2_counts_the_same(shared_data, tmp_path, name, counting):
    path = shared_data / "fragments" / name
    assembly = "hg19" if name.startswith(("ArchR", "BPCells")) else "hg38"
    peaks = shared_data / "universes" / UNIVERSES[assembly]
    ours = gtok.count_fragments(path, peaks, counting=counting)
    barcodes, regions, expected = theirs(path, peaks, counting, tmp_path)
    assert sorted(barcodes) == sorted(ours.barcodes)
    assert expected.sum() > 0 or ours.X.sum() == 0
    rows = {barcode: row for row, barcode in enumerate(ours.barcodes)}
    columns = {token: column for column, token in enumerate(ours.universe.tokens)}
    found = ours.X[[rows[barcode] for barcode in barcodes]].astype(np.int64)
    assert found.sum() == found[:, [columns[region] for region in regions]].sum()
    assert (found[:, [columns[region] for region in regions]] != expected).nnz == 0


def test_scanpy_and_snapatac2_open_the_h5ad(cells, tmp_path):
    path = tmp_path / "cells.h5ad"
    cells.write_h5ad(path)
    for adata in (scanpy.read_h5ad(path), snapatac2.read(str(path), backed=None)):
        assert adata.obs_names.tolist() == cells.barcodes
        assert adata.var_names.tolist() == cells.universe.tokens
        assert (adata.X != cells.X).nnz == 0
    backed = snapatac2.read(str(path), backed="r")
    try:
        assert list(backed.obs_names) == cells.barcodes
        assert (backed.X[:] != cells.X).nnz == 0
    finally:
        backed.close()


def test_their_pipelines_go_on_from_it(cells, tmp_path):
    path = tmp_path / "cells.h5ad"
    cells.write_h5ad(path)
    adata = snapatac2.read(str(path), backed=None)
    snapatac2.pp.select_features(adata, n_features=10_000)
    snapatac2.tl.spectral(adata, n_comps=5)
    assert np.isfinite(adata.obsm["X_spectral"]).all()
    adata = scanpy.read_h5ad(path)
    scanpy.pp.normalize_total(adata)
    scanpy.pp.log1p(adata)
    scanpy.pp.pca(adata, n_comps=5)
    assert adata.obsm["X_pca"].shape == (len(cells), 5)


def test_scanpy_reads_its_layout_of_mtx(cells, tmp_path):
    cells.write_mtx(tmp_path / "out")
    adata = scanpy.read_10x_mtx(tmp_path / "out", gex_only=False)
    assert adata.obs_names.tolist() == cells.names
    assert adata.var_names.tolist() == cells.universe.tokens
    assert set(adata.var["feature_types"]) == {"Peaks"}
    assert (adata.X != cells.X).nnz == 0
