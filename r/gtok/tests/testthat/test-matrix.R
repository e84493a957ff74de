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
    expect_error(countMatrix(tok, peaks, minOverlap = 1.5), "expected minOverlap as base pairs")
    for (bad in list("all", Inf, NA, c(1, 2), 1e10)) {
        expect_no_warning(expect_error(countMatrix(tok, peaks, minOverlap = bad),
            "expected minOverlap as one number"))
    }
})

test_that("the universe is the tokenizer's, whatever became of its file", {
    path <- written("chr1\t100\t200")
    small <- Tokenizer(path)
    unlink(path)
    found <- counts_of(countMatrix(small, GRanges("chr1", IRanges(120, 130)), minOverlap = 5))
    expect_identical(unname(as.matrix(found)), matrix(1))
})

test_that("samples without ranges or hits are columns", {
    none <- GRanges("chr21", IRanges(1, 5))
    found <- counts_of(countMatrix(tok, list(a = none, b = GRanges(), c = peaks[[1L]])))
    expect_identical(unname(Matrix::colSums(found) > 0), c(FALSE, FALSE, TRUE))
    expect_identical(dim(countMatrix(tok, list())), c(9935L, 0L))
    expect_identical(colnames(countMatrix(tok, shipped(names[1L]))), paste0(names[1L], ".bed.gz"))
    expect_error(countMatrix(tok, NULL), "found NULL")
    expect_error(countMatrix(tok, peaks, binary = NA), "expected binary as TRUE or FALSE, found NA")
})

test_that("without SummarizedExperiment there is the matrix", {
    # A session of its own with all packages but that one.
    folder <- tempfile()
    dir.create(folder)
    packages <- list.files(.libPaths(), full.names = TRUE)
    packages <- packages[!duplicated(basename(packages)) & basename(packages) != "SummarizedExperiment"]
    file.symlink(packages, file.path(folder, basename(packages)))
    saved <- tempfile(fileext = ".rds")
    script <- written(c(
        "library(gtok)",
        "if (requireNamespace('SummarizedExperiment', quietly = TRUE)) quit(status = 3)",
        sprintf("saveRDS(countMatrix(Tokenizer('%s'), '%s'), '%s')",
            shipped("universe.hg19"), shipped(names[1L]), saved)
    ), ".R")
    told <- in_session(script, paste0(c("R_LIBS=", "R_LIBS_SITE=", "R_LIBS_USER="), folder))
    skip_if(identical(attr(told, "status"), 3L), "a library without SummarizedExperiment")
    expect_true(file.exists(saved), info = paste(told, collapse = "\n"))
    expect_identical(readRDS(saved), counts_of(countMatrix(tok, shipped(names[1L]))))
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
    expect_error(countFragments(c(x = path, x = path), small), "each another")
    expect_error(countFragments("none.tsv", small), "no such fragments file: none.tsv")
    expect_error(countFragments(NA, small), "expected the path of a fragments file")
    expect_error(countFragments(small, path), "expected a Tokenizer as tok, found character")
    expect_error(countFragments(path, small, "all"), "should be one of")
    expect_warning(countFragments(written("1\t5\t10\tA\t1"), small), "before Tokenizer\\(ranges\\)")
    expect_error(countFragments(written("chr1\t5\t10"), small), "line 1: expected four fields")
})

test_that("fragments of real cells are counted as countOverlaps counts", {
    large <- Tokenizer(shared("universes", "K562_GM12878_DNase_hg19.bed.gz"))
    path <- shared("fragments", "ArchR_PBSmall.tsv.gz")
    regions <- universe(large)
    rows <- read.table(gzfile(path), sep = "\t", quote = "")
    fragments <- split(GRanges(rows[[1L]], IRanges(rows[[2L]] + 1L, rows[[3L]])), rows[[4L]])
    expect_gt(length(fragments), 30L)
    ends <- function(ranges) c(resize(ranges, 1L, "start"), resize(ranges, 1L, "end"))
    either <- function(ranges) {
        found <- unique(rbind(
            as.data.frame(findOverlaps(resize(ranges, 1L, "start"), regions)),
            as.data.frame(findOverlaps(resize(ranges, 1L, "end"), regions))
        ))
        tabulate(found$subjectHits, length(regions))
    }
    ways <- list(
        fragment = function(ranges) countOverlaps(regions, ranges, minoverlap = 1L),
        insertion = function(ranges) countOverlaps(regions, ends(ranges)),
        "paired-insertion" = either
    )
    for (way in names(ways)) {
        found <- countFragments(path, large, way)
        expect_setequal(colnames(found), names(fragments))
        for (cell in names(head(sort(-lengths(fragments)), 4L))) {
            expected <- suppressWarnings(ways[[way]](fragments[[cell]])) # of levels that only one has
            expect_gt(sum(expected), 100)
            expect_equal(unname(found[, cell]), expected)
        }
    }
})
