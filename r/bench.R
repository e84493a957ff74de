# 1M ranges on a universe of 1M regions: gtok from R, the same call from Python, and findOverlaps,
# in one session, in turn, after their answers have been compared.
#
#     RETICULATE_PYTHON=.venv-r/bin/python Rscript r/bench.R

suppressPackageStartupMessages({
    library(gtok)
    library(GenomicRanges)
})

N <- 1e6L
ROUNDS <- 7L
set.seed(1)
chroms <- paste0("chr", c(1:22, "X"))

ranges <- function(n) {
    GRanges(sample(chroms, n, TRUE), IRanges(sample.int(2e8L, n, TRUE), width = sample.int(1000L, n, TRUE)))
}
regions <- unique(ranges(N))
queries <- ranges(N)
tok <- Tokenizer(regions)

hits <- findOverlaps(queries, regions)
theirs <- subjectHits(hits)[order(queryHits(hits), start(regions)[subjectHits(hits)],
    end(regions)[subjectHits(hits)])] - 1L
stopifnot(identical(encode(tok, queries), theirs))

# The same call from Python, from arrays that it has already: regions made of them, and encoded.
main <- reticulate::py_run_string(convert = FALSE, "
import time
import numpy as np, gtok
def seconds(tokenizer, codes, names, starts, ends):
    codes, starts, ends = (np.frombuffer(x, '<i4') for x in (codes, starts, ends))
    began = time.perf_counter()
    ids = tokenizer.encode_batch([gtok.RegionSet.from_codes(codes, names, starts, ends)]).ids
    return time.perf_counter() - began
")
bytes <- function(x) reticulate::r_to_py(writeBin(as.integer(x), raw(), endian = "little"))
arrays <- list(
    bytes(as.integer(seqnames(queries)) - 1L), as.list(seqlevels(queries)),
    bytes(start(queries) - 1L), bytes(end(queries))
)
python <- function() reticulate::py_to_r(do.call(main$seconds, c(list(tok@python), arrays)))
wall <- function(expr) system.time(expr, gcFirst = FALSE)[["elapsed"]]

times <- t(replicate(ROUNDS, c(
    gtok = wall(encode(tok, queries)),
    python = python(),
    findOverlaps = wall(findOverlaps(queries, regions))
)))
middle <- function(x) sprintf("%.0f ms", 1000 * median(x))
cat("1M ranges on ", format(length(regions), big.mark = ","), " regions, ", length(theirs), " hits, ",
    "medians of ", ROUNDS, " rounds\n", sep = "")
cat("encode(tok, GRanges)     ", middle(times[, "gtok"]), "\n")
cat("the same from Python     ", middle(times[, "python"]), sprintf(
    "  gtok for R takes %.2fx of it (at most 2x)\n", median(times[, "gtok"] / times[, "python"])))
cat("findOverlaps             ", middle(times[, "findOverlaps"]), sprintf(
    "  gtok for R is %.1fx as fast (at least 3x)\n",
    median(times[, "findOverlaps"] / times[, "gtok"])))
