#' Ranges to tokens
#'
#' `encode()` gives the ids of the tokens, **counted from 0** (add 1 to index `universe(tok)`),
#' `tokenize()` the tokens themselves, `chrom:start-end` as BED counts, and `decode()` goes from ids
#' back to tokens. Tokens come in the order of the ranges, and of one range in that of the genome.
#'
#' @param tok,x A [Tokenizer]. For `encode()` and `tokenize()`, `x` is what to tokenize: a `GRanges`,
#'   a data frame with columns that [GenomicRanges::makeGRangesFromDataFrame()] knows (1-based, as
#'   everywhere in R) or the path of a BED file (0-based, as every BED file), plain or gzip; or
#'   several: a `GRangesList`, a list of these, or paths.
#' @param ids Whole numbers from 0, as `encode()` gives them.
#' @param skipSpecialTokens Leave special tokens out.
#' @return An integer vector of ids, or a character vector of tokens; of several samples an
#'   `IntegerList` or a `CharacterList`, with the samples' names.
#' @examples
#' folder <- system.file("extdata", package = "gtok")
#' peaks <- GenomicRanges::GRanges("chr21", IRanges::IRanges(c(9825400, 33031000), width = 5000))
#' @examplesIf gtok::hasGtok()
#' tok <- Tokenizer(file.path(folder, "universe.hg19.bed.gz"))
#' ids <- encode(tok, peaks)
#' ids
#' universe(tok)[ids + 1]
#' tokenize(tok, peaks)
#' decode(tok, ids)
#' encode(tok, file.path(folder, c("hESC_H3K4me3.bed.gz", "hESC_H3K27ac.bed.gz")))
#' @name encode
NULL

#' @rdname encode
#' @export
setGeneric("encode", function(tok, x) standardGeneric("encode"), signature = "tok")

#' @rdname encode
#' @export
setMethod("encode", "Tokenizer", function(tok, x) {
    warn_of_levels(tok, x)
    if (!is_batch(x)) {
        batch <- asking(python_of(tok)$encode_batch(list(sample_of(x))), STYLE)
        return(from_array(batch$ids))
    }
    crossed <- samples_of(x)
    batch <- asking(python_of(tok)$encode_batch(crossed$samples), STYLE)
    ends <- from_array(batch$offsets)[-1L]
    relist(from_array(batch$ids), PartitioningByEnd(ends, names = crossed$names))
})

#' @rdname encode
#' @export
setGeneric("tokenize", function(tok, x) standardGeneric("tokenize"), signature = "tok")

#' @rdname encode
#' @export
setMethod("tokenize", "Tokenizer", function(tok, x) {
    ids <- encode(tok, x)
    tokens <- tokens_of(tok)
    if (is(ids, "IntegerList")) {
        return(relist(tokens[unlist(ids, use.names = FALSE) + 1L], ids))
    }
    tokens[ids + 1L]
})

#' @rdname encode
#' @export
setMethod("decode", "Tokenizer", function(x, ids, skipSpecialTokens = FALSE) {
    ids <- checked_ids(ids)
    if (length(ids) && max(ids) >= vocabSize(x)) {
        stop("expected ids from 0 to ", vocabSize(x) - 1L, ", found ", format(max(ids), scientific = FALSE),
            call. = FALSE)
    }
    if (skipSpecialTokens) {
        ids <- ids[ids < length(x)]
    }
    tokens_of(x)[ids + 1]
})

checked_ids <- function(ids) {
    if (!is.numeric(ids)) {
        stop("expected ids as whole numbers from 0, found ", class(ids)[1L], call. = FALSE)
    }
    bad <- which(is.na(ids) | ids < 0 | ids != floor(ids))
    if (length(bad)) {
        stop("expected ids as whole numbers from 0, found ", ids[bad[1L]], " at ", bad[1L],
            call. = FALSE)
    }
    ids
}
