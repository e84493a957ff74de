needs_gtok()
tok <- Tokenizer(shipped("universe.hg19"))

# The message is R's, one line, without a traceback.
expect_told <- function(expr, words) {
    told <- tryCatch({
        expr
        "nothing"
    }, error = conditionMessage)
    expect_match(told, words, fixed = TRUE)
    expect_no_match(told, "Traceback|Detailed|py_last_error|\n|Error:")
}

test_that("what is no sample is an error of R", {
    expect_told(encode(tok, 5), "expected a GRanges, a data frame or the path of a BED file")
    expect_told(encode(tok, NULL), "found NULL")
    expect_told(encode(tok, NA_character_), "expected the path of a BED file as one string, found NA")
    expect_told(encode(tok, "none.bed"), "no such BED file: none.bed")
    expect_told(encode(tok, c(shipped("universe.hg19"), "none.bed")), "no such BED file: none.bed")
    expect_told(encode(tok, tempdir()), "expected the path of a BED file, found the folder")
    # Python would take this for a region that counts from 0, and the next one for standard input.
    expect_told(encode(tok, "chr21:5-10"), "a range is GRanges(\"chr21:5-10\")")
    expect_told(encode(tok, "-"), "no such BED file: -")
    expect_told(encode(tok, written("chr1\t10\t5")), "line 1: expected start <= end, found 10 > 5")
    expect_told(encode(tok, list(5)), "expected a GRanges")
    expect_told(encode(tok, list(GRanges(), NULL)), "found NULL")
    expect_told(encode(tok, IRanges(1, 5)), "found IRanges")
    expect_error(encode(5, GRanges()), "unable to find an inherited method")
})

test_that("what is no range in a data frame is an error of R", {
    frame <- function(start, end, chrom = "chr21") data.frame(chrom = chrom, start = start, end = end)
    expect_told(encode(tok, frame(c(1, NA), 5)), "column start, row 2: expected a value, found NA")
    expect_told(encode(tok, frame(1, 5, NA_character_)), "column chrom, row 1: expected a value, found NA")
    expect_told(encode(tok, frame(0, 5)), "range 1 starts at 0: expected starts from 1")
    expect_told(encode(tok, frame(1, c(5, 7.5))), "column end, row 2: expected a whole number, found 7.5")
    for (large in c(3e9, Inf)) {
        expect_no_warning(expect_told(encode(tok, frame(1, large)), "expected starts and ends up to"))
    }
    expect_told(encode(tok, frame(9, 5)), "must have an end that is greater or equal")
    expect_told(encode(tok, data.frame(V1 = "chr21", V2 = 1, V3 = 5)), "found V1, V2, V3")
})

test_that("what is no universe is an error of R", {
    expect_told(Tokenizer(5), "expected a universe as GRanges or as a path, found numeric")
    expect_told(Tokenizer("none.bed"), "no such BED file or folder: none.bed")
    expect_told(Tokenizer("chr1:5-10"), "no such BED file or folder")
    expect_told(Tokenizer(GRanges()), "needs at least one region")
    twice <- GRanges("chr1", IRanges(5, c(7, 9, 9)), c("*", "+", "-"))
    expect_told(Tokenizer(twice), "range 3, chr1:5-9, stands there already")
    expect_told(Tokenizer(written(rep("chr1\t4\t9", 2))), "unique() of a GRanges keeps the first")
    expect_warning(Tokenizer(GRanges("chr1", IRanges(5, width = 0))), "region of no length")
    expect_error(Tokenizer(shipped("universe.hg19"), "tree"), "should be one of")
})

test_that("what is no id is an error of R", {
    expect_told(decode(tok, NA), "expected ids as whole numbers from 0 to 9941, found logical")
    expect_told(decode(tok, c(1, NA)), "found NA at 2")
    expect_told(decode(tok, -1), "found -1 at 1")
    expect_told(decode(tok, 0.5), "found 0.5 at 1")
    expect_told(decode(tok, "chr1"), "found character")
    expect_told(decode(tok, c(0, 9942)), "found 9942 at 2")
    expect_told(decode(tok, 1, skipSpecialTokens = NA), "expected skipSpecialTokens as TRUE or FALSE")
})

test_that("names that are not the universe's are told", {
    expect_warning(encode(tok, GRanges("21", IRanges(9647770, width = 9))), "seqlevelsStyle\\(x\\) <-")
    some <- GRanges(c("chr21", "chrUn"), IRanges(9647770, width = 9))
    expect_warning(ids <- encode(tok, some), "1 of 2 seqlevels are not in the universe")
    expect_identical(ids, 0L)
    expect_no_warning(encode(tok, some[1L])) # of a level without a range, nothing is said
    expect_warning(encode(tok, written("21\t9647769\t9647779")), "no chromosome of")
    expect_warning(encode(tok, list(as.data.frame(some))), "1 of 2 seqlevels are not in the universe")
    other <- GRanges("21", IRanges(9647770, width = 9))
    seqlevelsStyle(other) <- seqlevelsStyle(universe(tok)) # what the warning says
    expect_identical(encode(tok, other), 0L)
})

test_that("ranges on another assembly are told", {
    expect_true(all(is.na(genome(universe(tok)))))
    ranges <- universe(tok)
    genome(ranges) <- "hg19"
    known <- Tokenizer(ranges)
    expect_output(show(known), "9,935 regions of hg19")
    folder <- tempfile()
    known@python$save_pretrained(folder)
    expect_identical(universe(Tokenizer(folder)), ranges)
    peak <- GRanges("chr21", IRanges(9647770, width = 9))
    expect_identical(encode(known, peak), 0L)
    genome(peak) <- "hg19"
    expect_identical(encode(known, peak), 0L)
    genome(peak) <- "hg38"
    expect_identical(encode(tok, peak), 0L)
    for (x in list(peak, list(peak), GRangesList(peak))) {
        expect_told(encode(known, x), "expected ranges on hg19, as the universe is, found ranges on hg38")
    }
})

test_that("a tokenizer of another session is told from one that works", {
    path <- tempfile(fileext = ".rds")
    saveRDS(tok, path)
    expect_told(encode(readRDS(path), GRanges("chr21", IRanges(5, 9))),
        "this tokenizer was made in another R session: make it again")
})

test_that("a saved folder is a tokenizer", {
    folder <- tempfile()
    tok@python$save_pretrained(folder)
    again <- Tokenizer(folder)
    expect_identical(universe(again), universe(tok))
    expect_identical(encode(again, shipped("hESC_H3K4me3")), encode(tok, shipped("hESC_H3K4me3")))
})

test_that("token files hold what was written", {
    path <- tempfile(fileext = ".gtok")
    for (ids in list(integer(), 0L, c(0L, 5L, 5L, 70000L), encode(tok, shipped("hESC_H3K4me3")))) {
        expect_identical(writeGtok(path, ids), path)
        expect_identical(readGtok(path), ids)
    }
    large <- c(2^31, 2^32 - 1)
    writeGtok(path, large)
    expect_identical(readGtok(path), large)
    for (bad in list(2^32, -1, Inf, "a", NULL)) {
        expect_told(writeGtok(path, bad), "expected ids as whole numbers from 0 to 4294967295")
    }
    expect_told(readGtok("none.gtok"), "no such .gtok file: none.gtok")
    expect_told(readGtok(written("GTOK", ".gtok")), "byte 5")
    expect_told(readGtok(c("a", "b")), "expected the path of a .gtok file as one string")
})

test_that("without Python the package loads, and says what is missing", {
    # A session of its own, since a session has one Python.
    script <- written(c(
        "library(gtok)", "stopifnot(!reticulate::py_available(), !hasGtok())",
        sprintf("cat(tryCatch(Tokenizer('%s'), error = conditionMessage))", shipped("universe.hg19"))
    ), ".R")
    told <- in_session(script, c(
        paste0("R_LIBS=", paste(.libPaths(), collapse = .Platform$path.sep)),
        paste0("RETICULATE_PYTHON=", file.path(tempdir(), "none", "python"))
    ))
    expect_match(paste(told, collapse = " "), "gtok::install_gtok() installs it", fixed = TRUE)
})

test_that("a folder called gtok in the working folder is not the library", {
    folder <- tempfile()
    dir.create(file.path(folder, "gtok"), recursive = TRUE)
    file.create(file.path(folder, "gtok", "__init__.py"))
    script <- written(c(
        "library(gtok)", sprintf("setwd('%s')", folder),
        sprintf("cat(length(Tokenizer('%s')))", shipped("universe.hg19"))
    ), ".R")
    told <- in_session(script, paste0("R_LIBS=", paste(.libPaths(), collapse = .Platform$path.sep)))
    expect_match(paste(told, collapse = " "), "9935$")
})

test_that("what is no clone is not installed", {
    expect_error(install_gtok(tempdir()), "expected the folder of a clone of gtok")
    expect_error(install_gtok("./none"), "expected the folder of a clone of gtok")
})
