needs_gtok()
tok <- Tokenizer(shipped("universe.hg19"))
ranges <- read_bed(shipped("universe.hg19"))
names <- c("hESC_H3K4me3", "hESC_H3K27ac")
peaks <- lapply(setNames(names, names), function(name) read_bed(shipped(name)))

counts_of <- function(x) {
    if (is(x, "SummarizedExperiment")) SummarizedExperiment::assay(x) else x
}

test_that("counts are those of countOverlaps", {
    found <- countMatrix(tok, GRangesList(peaks))
    matrix <- counts_of(found)
    expect_s4_class(matrix, "dgCMatrix")
    expect_true(validObject(matrix))
    expect_identical(dim(matrix), c(9935L, 2L))
    expect_identical(colnames(matrix), names)
    expect_identical(rownames(matrix)[1L], "chr21:9647769-9647887")
    for (name in names) {
        expect_equal(unname(matrix[, name]), countOverlaps(ranges, peaks[[name]], minoverlap = 1L))
        expect_gt(sum(matrix[, name]), 1000)
    }
    paths <- vapply(names, shipped, "")
    expect_identical(counts_of(countMatrix(tok, paths)), matrix)
    expect_identical(counts_of(countMatrix(tok, peaks)), matrix)
    binary <- counts_of(countMatrix(tok, paths, binary = TRUE))
    expect_identical(as.matrix(binary), 1 * (as.matrix(matrix) > 0))
})

test_that("an overlap has to be as long as is asked", {
    for (least in c(50, 300)) {
        matrix <- counts_of(countMatrix(tok, peaks, minOverlap = least))
        for (name in names) {
            expect_equal(unname(matrix[, name]),
                countOverlaps(ranges, peaks[[name]], minoverlap = as.integer(least)))
        }
    }
    half <- counts_of(countMatrix(tok, peaks, minOverlap = 0.5))
    hits <- findOverlaps(peaks[[1L]], ranges)
    shared <- width(pintersect(peaks[[1L]][queryHits(hits)], ranges[subjectHits(hits)]))
    enough <- shared >= 0.5 * width(peaks[[1L]])[queryHits(hits)]
    expect_equal(unname(half[, 1L]), tabulate(subjectHits(hits)[enough], length(ranges)))
    expect_error(countMatrix(tok, peaks, minOverlap = 1.5), "expected min_overlap")
    expect_error(countMatrix(tok, peaks, minOverlap = "all"), "expected minOverlap as one number")
})

test_that("samples know their ranges and hits", {
    skip_if_not_installed("SummarizedExperiment")
    found <- countMatrix(tok, peaks)
    expect_s4_class(found, "RangedSummarizedExperiment")
    expect_identical(unname(granges(SummarizedExperiment::rowRanges(found))), ranges)
    expect_identical(found$nRanges, unname(lengths(peaks)))
    expect_identical(found$nHits, vapply(unname(peaks), function(one) {
        sum(overlapsAny(one, ranges, minoverlap = 1L))
    }, 1L))
    expect_identical(colnames(countMatrix(tok, unname(peaks))), c("sample1", "sample2"))
})

test_that("fragments are counted by cell", {
    small <- Tokenizer(GRanges("chr1", IRanges(c(101, 301), c(200, 400))))
    path <- written(c(
        "chr1\t90\t350\tB-1\t2", "chr1\t110\t120\tA-1\t1", "chr1\t110\t350\tA-1\t1"
    ), ".tsv")
    found <- countFragments(path, small, "fragment")
    expect_s4_class(found, "dgCMatrix")
    expect_setequal(colnames(found), c("A-1", "B-1"))
    expect_identical(rownames(found), c("chr1:100-200", "chr1:300-400"))
    expect_equal(unname(found[, "A-1"]), c(2, 1))
    expect_equal(unname(found[, "B-1"]), c(1, 1))
    expect_equal(unname(countFragments(path, small, "insertion")[, "A-1"]), c(3, 1))
    expect_equal(unname(countFragments(path, small)[, "B-1"]), c(0, 1))
    two <- countFragments(c(x = path, y = path), small)
    expect_setequal(colnames(two), c("x:A-1", "x:B-1", "y:A-1", "y:B-1"))
    expect_error(countFragments(c(path, path), small), "expected names for several files")
    expect_error(countFragments(path, small, "all"), "should be one of")
    expect_error(countFragments(written("chr1\t5\t10"), small), "line 1: expected four fields")
})
