needs_gtok()
tok <- Tokenizer(shipped("universe.hg19"))
ranges <- read_bed(shipped("universe.hg19"))

test_that("a tokenizer shows itself", {
    expect_s4_class(tok, "Tokenizer")
    expect_identical(length(tok), 9935L)
    expect_identical(vocabSize(tok), 9942L)
    expect_identical(specialTokens(tok)[["unk"]], "<unk>")
    expect_identical(names(specialTokens(tok)), c("unk", "pad", "mask", "cls", "eos", "bos", "sep"))
    expect_output(show(tok), "Tokenizer of 9,935 regions and 7 special tokens")
    expect_identical(granges(universe(tok)), ranges)
})

test_that("files, GRanges and data frames give what findOverlaps gives", {
    for (name in c("hESC_H3K4me3", "hESC_H3K27ac")) {
        peaks <- read_bed(shipped(name))
        expected <- oracle(peaks, ranges)
        expect_gt(length(expected), 1000L)
        expect_identical(encode(tok, shipped(name)), expected)
        expect_identical(encode(tok, peaks), expected)
        expect_identical(encode(tok, as.data.frame(peaks)), expected)
        for (method in c("bits", "ailist")) {
            expect_identical(encode(Tokenizer(ranges, method), peaks), expected)
        }
    }
})

test_that("larger real files give what findOverlaps gives", {
    files <- list(
        c("10x_pbmc_3k_peaks_hg38.bed.gz", "PEPATAC_tutorial_hg38_consensusPeaks.narrowPeak")
    )
    for (pair in files) {
        found <- Tokenizer(shared("universes", pair[1L]))
        queries <- shared("queries", pair[2L])
        expected <- oracle(read_bed(queries), universe(found))
        expect_gt(length(expected), 1000L)
        expect_identical(encode(found, queries), expected)
    }
})

test_that("several samples are a list", {
    peaks <- lapply(c("hESC_H3K4me3", "hESC_H3K27ac"), function(name) read_bed(shipped(name)))
    many <- GRangesList(a = peaks[[1L]], none = GRanges(), b = peaks[[2L]])
    ids <- encode(tok, many)
    expect_s4_class(ids, "IntegerList")
    expect_identical(names(ids), c("a", "none", "b"))
    expect_identical(ids$a, oracle(peaks[[1L]], ranges))
    expect_identical(ids$none, length(tok)) # <unk>
    expect_identical(ids$b, oracle(peaks[[2L]], ranges))
    paths <- vapply(c("hESC_H3K4me3", "hESC_H3K27ac"), shipped, "")
    expect_identical(unname(as.list(encode(tok, paths))), unname(as.list(ids))[c(1L, 3L)])
    expect_identical(names(encode(tok, unname(paths))), basename(unname(paths)))
    expect_identical(unname(as.list(encode(tok, unname(peaks)))), unname(as.list(ids))[c(1L, 3L)])
})

test_that("tokens are told as BED counts", {
    expect_identical(tokenize(tok, GRanges("chr21", IRanges(9647770, width = 1))),
        "chr21:9647769-9647887")
    many <- tokenize(tok, GRangesList(a = GRanges("chr21", IRanges(9647770, width = 1))))
    expect_identical(as.list(many), list(a = "chr21:9647769-9647887"))
    expect_identical(decode(tok, c(0, length(tok))), c("chr21:9647769-9647887", "<unk>"))
    expect_identical(decode(tok, c(0, length(tok)), skipSpecialTokens = TRUE), "chr21:9647769-9647887")
    expect_identical(decode(tok, integer()), character())
    expect_identical(S4Vectors::decode(S4Vectors::Rle(1:3)), 1:3)
})

test_that("ranges count from 1 and are closed, BED from 0 and is half-open", {
    small <- Tokenizer(GRanges("chr1", IRanges(101, 200)))
    expect_identical(tokenize(small, GRanges("chr1", IRanges(201, 300))), "<unk>")
    expect_identical(tokenize(small, GRanges("chr1", IRanges(200, 300))), "chr1:100-200")
    expect_identical(tokenize(small, GRanges("chr1", IRanges(1, 101))), "chr1:100-200")
    expect_identical(tokenize(small, GRanges("chr1", IRanges(1, 100))), "<unk>")
    expect_identical(tokenize(small, written("chr1\t199\t300")), "chr1:100-200")
    expect_identical(tokenize(small, written("chr1\t200\t300")), "<unk>")
    expect_identical(universe(small), GRanges("chr1", IRanges(101, 200)))
    expect_identical(tokenize(small, GRanges("chr1", IRanges(150, 149))), "chr1:100-200")
})

test_that("strand does not matter", {
    small <- Tokenizer(GRanges("chr1", IRanges(101, 200), "-"))
    expect_identical(tokenize(small, GRanges("chr1", IRanges(150, 160), "+")), "chr1:100-200")
})
