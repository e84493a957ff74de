# Ranges of R, 1-based and closed, to regions of Python, 0-based and half-open. This file is the
# border: nothing else adds or takes away a 1.

# GRanges as a RegionSet.
regions_of <- function(ranges) {
    if (any(start(ranges) < 1L)) {
        at <- which(start(ranges) < 1L)[1L]
        stop(
            "range ", at, " starts at ", start(ranges)[at], ": expected starts from 1, as in R; those ",
            "of BED count from 0, makeGRangesFromDataFrame(starts.in.df.are.0based = TRUE) takes them",
            call. = FALSE
        )
    }
    names <- seqnames(ranges)
    codes <- rep.int(as.integer(runValue(names)) - 1L, runLength(names))
    module("gtok")$RegionSet$from_codes(
        to_array(codes), as.list(seqlevels(ranges)),
        to_array(start(ranges) - 1L), to_array(end(ranges))
    )
}

# A RegionSet as GRanges.
granges_of <- function(regions) {
    chroms <- from_strings(regions$chrom_names)
    codes <- from_array(regions$codes) + 1L
    GRanges(
        Rle(factor(chroms[codes], levels = chroms)),
        IRanges(from_array(regions$starts) + 1L, from_array(regions$ends))
    )
}

# A data frame as GRanges: as those that as.data.frame() makes of them, 1-based.
as_granges <- function(frame) {
    if (anyNA(frame)) {
        bad <- which(vapply(frame, anyNA, TRUE))
        columns <- c("seqnames", "chrom", "chr", "start", "end", "width")
        bad <- bad[tolower(names(bad)) %in% columns]
        if (length(bad)) {
            stop("column ", names(bad)[1L], ", row ", which(is.na(frame[[bad[1L]]]))[1L],
                ": expected a value, found NA", call. = FALSE)
        }
    }
    makeGRangesFromDataFrame(frame, ignore.strand = TRUE)
}

# What stands for one sample, as Python takes it.
sample_of <- function(x) {
    if (is.character(x)) {
        return(path.expand(one_string(x, "a BED file")))
    }
    if (is.data.frame(x)) {
        x <- as_granges(x)
    }
    if (!is(x, "GRanges")) {
        stop("expected a GRanges, a data frame or the path of a BED file, found ", class(x)[1L],
            call. = FALSE)
    }
    regions_of(x)
}

is_batch <- function(x) {
    is(x, "GRangesList") || (is.list(x) && !is.data.frame(x)) || (is.character(x) && length(x) != 1L)
}

# What stands for several samples, as a list of what Python takes, with their names.
samples_of <- function(xs) {
    if (is(xs, "GRangesList")) {
        all <- regions_of(unlist(xs, use.names = FALSE))
        ends <- end(PartitioningByEnd(xs))
        begins <- c(0L, ends[-length(ends)])[seq_along(ends)]
        slice <- builtin()$slice
        found <- Map(function(a, b) all$`__getitem__`(slice(a, b)), begins, ends)
    } else {
        found <- lapply(as.list(xs), sample_of)
    }
    names <- names(xs)
    if (is.null(names) && is.character(xs)) {
        names <- basename(xs)
    }
    list(samples = unname(found), names = names)
}

# That some names are not the universe's is said in R's words: Python only speaks of samples none of
# whose names is.
warn_of_levels <- function(tok, x) {
    if (is(x, "GRanges") || is(x, "GRangesList")) {
        used <- GenomeInfoDb::seqlevelsInUse(x)
        unknown <- setdiff(used, tok@chroms)
        if (length(unknown) && length(unknown) < length(used)) {
            shown <- paste(c(head(unknown, 5L), if (length(unknown) > 5L) "..."), collapse = ", ")
            warning(
                length(unknown), " of ", length(used), " seqlevels are not in the universe, whose are ",
                "like ", tok@chroms[1L], ": ", shown, call. = FALSE
            )
        }
    }
}

STYLE <- "; seqlevelsStyle(x) <- seqlevelsStyle(universe(tok)) gives them the universe's style"
