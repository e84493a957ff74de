suppressPackageStartupMessages(library(GenomicRanges))

# Where GTOK_REQUIRED is set, as in `make test-r`, tests fail for want of Python rather than skip.
needs_gtok <- function() {
    if (!nzchar(Sys.getenv("GTOK_REQUIRED"))) {
        skip_if_not(hasGtok(), "the Python library gtok")
    }
}

shipped <- function(name) {
    system.file("extdata", paste0(name, ".bed.gz"), package = "gtok", mustWork = TRUE)
}

# Larger real files, where there are any.
shared <- function(...) {
    path <- file.path(Sys.getenv("GTOK_SHARED", "none"), ...)
    skip_if_not(file.exists(path), "the larger real files")
    path
}

# BED as GRanges, read by nothing of gtok.
read_bed <- function(path) {
    found <- read.table(gzfile(path), sep = "\t", quote = "", comment.char = "#")[, 1:3]
    GRanges(found[[1L]], IRanges(found[[2L]] + 1L, found[[3L]]))
}

# Ids as findOverlaps has them: of each range in turn, in the order of the genome.
oracle <- function(ranges, universe) {
    hits <- suppressWarnings(
        findOverlaps(ranges, universe, minoverlap = 1L, ignore.strand = TRUE)
    ) # of levels that only one has
    first <- start(universe)[subjectHits(hits)]
    last <- end(universe)[subjectHits(hits)]
    subjectHits(hits)[order(queryHits(hits), first, last)] - 1L
}

# What a script of R prints, run by itself with these variables.
in_session <- function(script, variables) {
    suppressWarnings(system2( # a status that is not 0 is an attribute
        file.path(R.home("bin"), "Rscript"), shQuote(script),
        stdout = TRUE, stderr = TRUE, env = c(variables, "R_TESTS=") # R_TESTS: of the check's session
    ))
}

written <- function(lines, fileext = ".bed") {
    path <- tempfile(fileext = fileext)
    writeLines(lines, path)
    path
}
