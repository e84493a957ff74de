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
#'   sample's range.
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

#' @rdname countMatrix
#' @export
setMethod("countMatrix", "Tokenizer", function(tok, samples, binary = FALSE, minOverlap = NULL) {
    if (is(samples, "GRanges") || is.data.frame(samples)) {
        samples <- list(samples)
    }
    warn_of_levels(tok, samples)
    python <- python_of(tok)
    if (!is.null(minOverlap)) {
        if (!is.numeric(minOverlap) || length(minOverlap) != 1L || is.na(minOverlap)) {
            stop("expected minOverlap as one number, found ", deparse(minOverlap, nlines = 1L),
                call. = FALSE)
        }
        whole <- minOverlap >= 1 && minOverlap == floor(minOverlap)
        least <- if (whole) as.integer(minOverlap) else as.double(minOverlap)
        python <- asking(make(tok@source, tok@method, min_overlap = least))
    }
    crossed <- samples_of(samples)
    batch <- asking(python$encode_batch(crossed$samples), STYLE)
    csr <- asking(batch$to_csr(tok@n, binary = binary))
    names <- crossed$names
    if (is.null(names)) {
        names <- paste0("sample", seq_along(crossed$samples))
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
    if (!is.character(path) || anyNA(path) || !length(path)) {
        stop("expected the path of a fragments file, or several, found ", deparse(path, nlines = 1L),
            call. = FALSE)
    }
    given <- path.expand(path)
    if (length(path) > 1L || !is.null(names(path))) {
        if (is.null(names(path))) {
            stop("expected names for several files, c(a = \"a.tsv.gz\"): barcodes begin with them",
                call. = FALSE)
        }
        given <- as.list(setNames(given, names(path)))
    }
    cells <- asking(module("gtok")$count_fragments(given, python_of(tok)$universe, counting = counting))
    transposed(cells$X, tokens_of(tok)[seq_len(tok@n)], from_strings(builtin()$list(cells$names)))
}
