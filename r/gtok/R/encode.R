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
#' @param ids Whole numbers from 0, as `encode()` gives them, or an `IntegerList` of these.
#' @param skipSpecialTokens Leave special tokens out.
#' @return An integer vector of ids, or a character vector of tokens; of several samples an
#'   `IntegerList` or a `CharacterList`, with the samples' names.
#' @section Warnings and errors:
#' Seqlevels that the universe lacks are told in a warning. Ranges whose `genome()` is another than
#' the universe's are an error, as are `NA`, what is no range, and what is no BED.
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
    python <- python_of(tok)
    crossed <- asking(samples_of(if (is_batch(x)) x else list(x), tok))
    batch <- asking(python$encode_batch(crossed$samples), STYLE)
    if (!is_batch(x)) {
        return(from_array(batch$ids))
    }
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
    if (is(ids, "IntegerList")) {
        if (one_flag(skipSpecialTokens, "skipSpecialTokens")) {
            ids <- ids[ids < length(x)]
        }
        return(relist(decode(x, unlist(ids, use.names = FALSE)), ids))
    }
    ids <- checked_ids(ids, vocabSize(x) - 1)
    if (one_flag(skipSpecialTokens, "skipSpecialTokens")) {
        ids <- ids[ids < length(x)]
    }
    tokens_of(x)[ids + 1]
})

checked_ids <- function(ids, largest) {
    expected <- paste("expected ids as whole numbers from 0 to", format(largest, scientific = FALSE))
    if (!is.numeric(ids)) {
        stop(expected, ", found ", class(ids)[1L], call. = FALSE)
    }
    bad <- which(is.na(ids) | ids < 0 | ids > largest | ids != floor(ids))
    if (length(bad)) {
        stop(expected, ", found ", ids[bad[1L]], " at ", bad[1L], call. = FALSE)
    }
    ids
}
