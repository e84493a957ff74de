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
    expect_told(encode(tok, NA_character_), "expected a BED file as one string, found NA")
    expect_told(encode(tok, "none.bed"), "No such file or directory: 'none.bed'")
    expect_told(encode(tok, written("chr1\t10\t5")), "line 1: expected start <= end, found 10 > 5")
    expect_told(encode(tok, list(5)), "expected a GRanges")
    expect_told(encode(tok, data.frame(seqnames = "chr21", start = c(1, NA), end = 5)),
        "column start, row 2: expected a value, found NA")
    expect_told(encode(tok, data.frame(chrom = "chr21", start = 0, end = 5)),
        "range 1 starts at 0: expected starts from 1")
    expect_error(encode(5, GRanges()), "unable to find an inherited method")
})

test_that("what is no universe is an error of R", {
    expect_told(Tokenizer(5), "expected a universe as GRanges or as a path, found numeric")
    expect_told(Tokenizer("none.bed"), "No such file or directory")
    expect_told(Tokenizer(GRanges()), "needs at least one region")
    expect_told(Tokenizer(GRanges("chr1", IRanges(c(5, 5), 9))), "stands already")
    expect_error(Tokenizer(shipped("universe.hg19"), "tree"), "should be one of")
})

test_that("what is no id is an error of R", {
    expect_told(decode(tok, NA), "expected ids as whole numbers from 0")
    expect_told(decode(tok, c(1, NA)), "found NA at 2")
    expect_told(decode(tok, -1), "found -1 at 1")
    expect_told(decode(tok, 0.5), "found 0.5 at 1")
    expect_told(decode(tok, "chr1"), "found character")
    expect_told(decode(tok, 9942), "expected ids from 0 to 9941, found 9942")
})

test_that("names that are not the universe's are told", {
    expect_warning(encode(tok, GRanges("21", IRanges(9647770, width = 9))), "seqlevelsStyle\\(x\\) <-")
    some <- GRanges(c("chr21", "chrUn"), IRanges(9647770, width = 9))
    expect_warning(ids <- encode(tok, some), "1 of 2 seqlevels are not in the universe")
    expect_identical(ids, 0L)
    expect_no_warning(encode(tok, some[1L])) # of a level without a range, nothing is said
    expect_warning(encode(tok, written("21\t9647769\t9647779")), "no chromosome of")
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
    expect_told(writeGtok(path, 2^32), "expected ids from 0 to 2**32 - 1")
    expect_told(writeGtok(path, -1), "expected ids as whole numbers from 0")
    expect_told(readGtok(written("GTOK", ".gtok")), "byte 5")
    expect_told(readGtok(c("a", "b")), "expected path as one string")
})
