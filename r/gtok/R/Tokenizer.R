#' Tokenizers of genomic ranges
#'
#' A tokenizer maps ranges onto a universe: every region of the universe that a range overlaps is a
#' token. The id of a token is the universe's row, **counted from 0**, as models count; behind the
#' regions come seven special tokens, such as `<unk>`, which stands for a sample without any hit.
#'
#' Ranges that only touch do not overlap, and one of no width overlaps only what reaches over it on
#' both sides. Strand is ignored.
#'
#' @param universe The path of a BED file (plain, gzip or bgzip), of a folder that gtok saved, or of
#'   a TOML config; or a `GRanges`, none of whose ranges stands twice.
#' @param method The index to search in: `"bits"` (binary interval search), `"ailist"` (augmented
#'   interval list), or `"auto"`, which looks at the universe. Each gives the same tokens.
#' @param x,object,tok A tokenizer.
#' @return `Tokenizer()` gives an object of class `Tokenizer`; `length()` the number of regions of
#'   its universe; `vocabSize()` that and the special tokens; `universe()` the regions as a `GRanges`,
#'   in the order of their ids, with their `genome()` where it is known; `specialTokens()` a named
#'   character vector of the special tokens,
#'   whose ids go from `length(tok)` on.
#' @examples
#' bed <- system.file("extdata", "universe.hg19.bed.gz", package = "gtok")
#' @examplesIf gtok::hasGtok()
#' tok <- Tokenizer(bed)
#' tok
#' length(tok)
#' vocabSize(tok)
#' universe(tok)
#' specialTokens(tok)
#' @name Tokenizer
#' @aliases Tokenizer-class
NULL

#' @rdname Tokenizer
#' @export
setClass("Tokenizer", slots = c(
    python = "ANY", n = "integer", chroms = "character", genome = "character",
    special = "character", method = "character", cache = "environment"
))

# GRanges as a universe of Python.
universe_of <- function(ranges) {
    bare <- GRanges(seqnames(ranges), ranges(ranges)) # without strand
    twice <- which(duplicated(bare))[1L]
    if (!is.na(twice)) {
        stop("range ", twice, ", ", as.character(bare[twice]), ", stands there already: a region is ",
            "one token, whatever its strand; unique() keeps the first of each", call. = FALSE)
    }
    genome <- genome_of(ranges)
    module("gtok")$Universe(regions_of(ranges), genome = if (!is.na(genome)) genome)
}

#' @rdname Tokenizer
#' @export
Tokenizer <- function(universe, method = c("auto", "bits", "ailist")) {
    method <- match.arg(method)
    if (is(universe, "GRanges")) {
        source <- asking(universe_of(universe))
    } else if (is.character(universe)) {
        source <- file_of(universe, "BED file or folder", folders = TRUE)
    } else {
        stop("expected a universe as GRanges or as a path, found ", class(universe)[1L], call. = FALSE)
    }
    python <- asking(
        module("gtok")$Tokenizer(source, method = if (method != "auto") method)
    )
    genome <- py_to_r(python$universe$genome)
    special <- asking(py_to_r(python$special_tokens_map))
    names(special) <- sub("_token$", "", names(special))
    roles <- names(sort(vapply(names(special), function(role) {
        py_to_r(python$universe$special_id(role))
    }, 1L)))
    new("Tokenizer",
        python = python,
        n = py_to_r(builtin()$len(python$universe)),
        chroms = from_strings(python$universe$regions$chrom_names),
        genome = if (is.null(genome)) NA_character_ else genome,
        special = unlist(special)[roles],
        method = py_to_r(python$index$method), cache = new.env(parent = emptyenv()))
}

# Python's tokenizer, unless it went with the session that made it.
python_of <- function(tok) {
    if (py_is_null_xptr(tok@python)) {
        stop("this tokenizer was made in another R session: make it again", call. = FALSE)
    }
    tok@python
}

#' @rdname Tokenizer
#' @export
setMethod("show", "Tokenizer", function(object) {
    cat("Tokenizer of ", format(object@n, big.mark = ","), " regions",
        if (!is.na(object@genome)) paste(" of", object@genome), " and ",
        length(object@special), " special tokens (", object@method, ")\n", sep = "")
    shown <- head(object@chroms, 4L)
    cat("seqlevels: ", paste(shown, collapse = ", "),
        if (length(object@chroms) > 4L) paste0(", ... (", length(object@chroms), ")"), "\n", sep = "")
    cat("ids: regions 0 to ", object@n - 1L, ", special tokens ", object@n, " to ",
        vocabSize(object) - 1L, "\n", sep = "")
})

#' @rdname Tokenizer
#' @export
setMethod("length", "Tokenizer", function(x) x@n)

#' @rdname Tokenizer
#' @export
setGeneric("vocabSize", function(tok) standardGeneric("vocabSize"))

#' @rdname Tokenizer
#' @export
setMethod("vocabSize", "Tokenizer", function(tok) tok@n + length(tok@special))

#' @rdname Tokenizer
#' @export
setGeneric("universe", function(tok) standardGeneric("universe"))

#' @rdname Tokenizer
#' @export
setMethod("universe", "Tokenizer", function(tok) {
    ranges <- granges_of(python_of(tok)$universe$regions)
    genome(ranges) <- tok@genome
    ranges
})

#' @rdname Tokenizer
#' @export
setGeneric("specialTokens", function(tok) standardGeneric("specialTokens"))

#' @rdname Tokenizer
#' @export
setMethod("specialTokens", "Tokenizer", function(tok) tok@special)

# The strings of all tokens, by id; made when they are first asked for.
tokens_of <- function(tok) {
    if (is.null(tok@cache$tokens)) {
        tok@cache$tokens <- c(
            from_strings(python_of(tok)$universe$tokens), unname(tok@special)
        )
    }
    tok@cache$tokens
}
