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
        expect_identical(encode(tok, S4Vectors::DataFrame(as.data.frame(peaks))), expected)
        for (method in c("bits", "ailist")) {
            expect_identical(encode(Tokenizer(ranges, method), peaks), expected)
        }
    }
})

test_that("larger real files give what findOverlaps gives", {
    files <- list(
        c("10x_pbmc_3k_peaks_hg38.bed.gz", "PEPATAC_tutorial_hg38_consensusPeaks.narrowPeak"),
        c("K562_GM12878_DNase_hg19.bed.gz", "intervene_hESC_H3K4me1.hg19.bed.gz")
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
    both <- IntegerList(a = 0L, b = length(tok))
    expect_identical(as.list(decode(tok, both)), list(a = "chr21:9647769-9647887", b = "<unk>"))
    expect_identical(lengths(decode(tok, both, skipSpecialTokens = TRUE)), c(a = 1L, b = 0L))
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

test_that("the edges of what R can hold", {
    last <- .Machine$integer.max
    small <- Tokenizer(GRanges(c("HLA-A*01:01:01:01", "chr1"), IRanges(c(5, last), c(10, last))))
    expect_identical(as.character(universe(small)), c("HLA-A*01:01:01:01:5-10", "chr1:2147483647"))
    expect_identical(tokenize(small, GRanges("HLA-A*01:01:01:01", IRanges(10, 12))),
        "HLA-A*01:01:01:01:4-10")
    expect_identical(encode(small, GRanges("chr1", IRanges(last - 5L, last))), 1L)
    expect_identical(encode(small, GRanges("chr1", IRanges(1, width = 0))), 2L)
    expect_identical(encode(small, GRanges()), 2L)
    expect_identical(encode(small, data.frame(chrom = character(), start = 1[0], end = 1[0])), 2L)
    expect_length(encode(small, list()), 0L)
    expect_length(encode(small, GRangesList()), 0L)
    unused <- GRanges("chr1", IRanges(last, last))
    seqlevels(unused) <- c("chrZ", "chr1", "chrA")
    expect_no_warning(expect_identical(encode(small, unused), 1L))
})

test_that("a path may begin with ~", {
    path <- tempfile("gtok", path.expand("~"), ".narrowPeak")
    skip_if_not(file.create(path), "a home folder to write to")
    on.exit(unlink(path))
    writeLines("chr21\t9647769\t9647887\tp\t1\t.\t5.1\t3\t2\t50", path)
    short <- file.path("~", basename(path))
    expect_identical(encode(tok, short), 0L)
    expect_identical(length(Tokenizer(short)), 1L)
})
