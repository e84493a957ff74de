#' Samples or cells to a sparse matrix
#'
#' `countMatrix()` counts, for each sample and region of the universe, the sample's ranges that
#' overlap the region. `countFragments()` counts the fragments of each cell.
#'
#' @param tok A [Tokenizer].
#' @param samples A `GRangesList`, or a list of `GRanges`, data frames and paths of BED files, or a
#'   character vector of paths; its names are the columns'.
#' @param binary 1 wherever there is an overlap, instead of how many.
#' @param minOverlap How much of an overlap is one: base pairs, from 1, or below 1 the share of the
#'   sample's range. Without it, what the tokenizer was saved with, or 1.
#' @param path The path of a fragments file, plain, gzip or bgzip, or several, by name.
#' @param counting What is counted: `"paired-insertion"`, one for a fragment that has one end or both
#'   in a region; `"insertion"`, its ends; `"fragment"`, one for each region that it overlaps.
#' @return Regions x samples, or regions x cells, as a `dgCMatrix`; of `countMatrix()` within a
#'   `RangedSummarizedExperiment` where that package is installed, with the universe as its ranges
#'   and, for each sample, how many ranges it has and how many hit (`nRanges`, `nHits`). Of cells, the
#'   columns' names are the barcodes.
#' @examples
#' folder <- system.file("extdata", package = "gtok")
#' peaks <- file.path(folder, c("hESC_H3K4me3.bed.gz", "hESC_H3K27ac.bed.gz"))
#' fragments <- tempfile(fileext = ".tsv")
#' writeLines("chr21\t9825500\t9825700\tAAAC-1\t1", fragments)
#' @examplesIf gtok::hasGtok()
#' tok <- Tokenizer(file.path(folder, "universe.hg19.bed.gz"))
#' countMatrix(tok, peaks)
#' dim(countFragments(fragments, tok))
#' @name countMatrix
NULL

# Rows of scipy's CSR are columns of Matrix's CSC: the arrays are the same, and stay where they are.
transposed <- function(csr, rows, columns) {
    new("dgCMatrix",
        i = from_array(csr$indices), p = from_array(csr$indptr), x = as.double(from_array(csr$data)),
        Dim = c(length(rows), length(columns)), Dimnames = list(rows, columns))
}

#' @rdname countMatrix
#' @export
setGeneric("countMatrix", function(tok, samples, binary = FALSE, minOverlap = NULL) {
    standardGeneric("countMatrix")
}, signature = "tok")

# Python's tokenizer of the same regions, with all that bears on counts, and another `min_overlap`.
with_overlap <- function(tok, least) {
    if (!is.numeric(least) || length(least) != 1L || is.na(least) || least > .Machine$integer.max) {
        stop("expected minOverlap as one number, of base pairs or below 1 a share, found ",
            shown(least), call. = FALSE)
    }
    if (least >= 1 && least == floor(least)) {
        least <- as.integer(least)
    }
    python <- python_of(tok)
    asking(module("gtok")$Tokenizer(
        python$universe, method = tok@method, min_overlap = least, overlap_of = python$overlap_of,
        unique = python$unique, exclude = python$exclude
    ))
}

#' @rdname countMatrix
#' @export
setMethod("countMatrix", "Tokenizer", function(tok, samples, binary = FALSE, minOverlap = NULL) {
    python <- python_of(tok)
    one_flag(binary, "binary")
    if (!is.null(minOverlap)) {
        python <- with_overlap(tok, minOverlap)
    }
    if (!is_batch(samples) && !is.character(samples)) { # a path names its column
        samples <- list(samples)
    }
    crossed <- asking(samples_of(samples, tok))
    batch <- asking(python$encode_batch(crossed$samples), STYLE)
    csr <- asking(batch$to_csr(tok@n, binary = binary))
    names <- crossed$names
    if (is.null(names)) {
        names <- paste0("sample", seq_along(crossed$samples), recycle0 = TRUE)
    }
    counts <- transposed(csr, tokens_of(tok)[seq_len(tok@n)], names)
    if (!requireNamespace("SummarizedExperiment", quietly = TRUE)) {
        return(counts)
    }
    SummarizedExperiment::SummarizedExperiment(
        list(counts = counts),
        rowRanges = setNames(universe(tok), rownames(counts)),
        colData = DataFrame(
            nRanges = from_array(batch$n_regions), nHits = from_array(batch$n_hits), row.names = names
        )
    )
})

#' @rdname countMatrix
#' @export
countFragments <- function(path, tok, counting = c("paired-insertion", "insertion", "fragment")) {
    counting <- match.arg(counting)
    if (!is(tok, "Tokenizer")) {
        stop("expected a Tokenizer as tok, found ", class(tok)[1L], call. = FALSE)
    }
    if (!is.character(path) || !length(path)) {
        stop("expected the path of a fragments file, or several, found ", shown(path), call. = FALSE)
    }
    names <- names(path)
    if (length(path) > 1L && (is.null(names) || anyDuplicated(names))) {
        stop("expected names for several files, each another, c(a = \"a.tsv.gz\"): barcodes begin ",
            "with them", call. = FALSE)
    }
    files <- vapply(path, file_of, "", "fragments file", USE.NAMES = FALSE)
    given <- if (is.null(names)) files else as.list(setNames(files, names))
    cells <- asking(
        module("gtok")$count_fragments(given, python_of(tok)$universe, counting = counting),
        STYLE_OF_UNIVERSE
    )
    transposed(cells$X, tokens_of(tok)[seq_len(tok@n)], from_strings(builtin()$list(cells$names)))
}
