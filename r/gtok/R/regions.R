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
    columns <- lapply(setNames(names(frame), names(frame)), function(name) frame[[name]])
    bad <- which(vapply(columns, anyNA, TRUE))
    bad <- bad[tolower(names(bad)) %in% c("seqnames", "chrom", "chr", "start", "end", "width")]
    if (length(bad)) {
        stop("column ", names(bad)[1L], ", row ", which(is.na(columns[[bad[1L]]]))[1L],
            ": expected a value, found NA", call. = FALSE)
    }
    if (nrow(frame) == 0L) {
        return(GRanges())
    }
    found <- tryCatch(
        makeGRangesFromDataFrame(frame, ignore.strand = TRUE),
        error = function(e) {
            words <- gsub("\\s+", " ", conditionMessage(e)) # they are wrapped
            if (grepl("determine", words)) {
                words <- paste0(words, "; expected columns such as seqnames, start and end, found ",
                    paste(names(frame), collapse = ", "))
            }
            stop(words, call. = FALSE)
        },
        warning = function(w) {
            stop("expected starts and ends up to ", .Machine$integer.max, ": ", conditionMessage(w),
                call. = FALSE)
        }
    )
    for (name in names(Filter(is.double, columns))) {
        column <- columns[[name]]
        broken <- which(column != floor(column))[1L]
        # The column that starts or ends were taken from: they were cut to whole numbers silently.
        cut <- suppressWarnings(as.integer(column))
        if (!is.na(broken) && (identical(cut, start(found)) || identical(cut, end(found)))) {
            stop("column ", name, ", row ", broken, ": expected a whole number, found ",
                format(column[broken], digits = 15L), call. = FALSE)
        }
    }
    found
}

is_frame <- function(x) is.data.frame(x) || is(x, "DataFrame")

is_batch <- function(x) {
    is(x, "GRangesList") || (!is_frame(x) && (is.list(x) || is(x, "SimpleList"))) ||
        (is.character(x) && length(x) != 1L)
}

# What stands for one sample of a tokenizer, as Python takes it.
sample_of <- function(x, tok) {
    if (is.character(x)) {
        return(file_of(x, "BED file"))
    }
    if (is_frame(x)) {
        x <- as_granges(x)
    }
    if (!is(x, "GRanges")) {
        stop("expected a GRanges, a data frame or the path of a BED file, found ", class(x)[1L],
            call. = FALSE)
    }
    check_seqinfo(x, tok)
    regions_of(x)
}

# What stands for several samples, as a list of what Python takes, with their names.
samples_of <- function(xs, tok) {
    if (is(xs, "GRangesList")) {
        ranges <- unlist(xs, use.names = FALSE)
        check_seqinfo(ranges, tok)
        all <- regions_of(ranges)
        ends <- cumsum(lengths(xs, use.names = FALSE))
        begins <- c(0L, ends[-length(ends)])[seq_along(ends)]
        slice <- builtin()$slice
        found <- Map(function(a, b) all$`__getitem__`(slice(a, b)), begins, ends)
    } else {
        found <- lapply(as.list(xs), sample_of, tok)
    }
    names <- names(xs)
    if (is.null(names) && is.character(xs)) {
        names <- basename(xs)
    }
    list(samples = unname(found), names = names)
}

# The assembly that ranges are on, where they say so and there is one.
genome_of <- function(ranges) {
    found <- unique(genome(ranges))
    found <- found[!is.na(found)]
    if (length(found) == 1L) found else NA_character_
}

# Ranges of another assembly hit nearly as often as the right ones, so nothing else would tell.
# That some names are not the universe's is said here: Python only speaks of samples none of whose
# names is.
check_seqinfo <- function(ranges, tok) {
    genome <- genome_of(ranges)
    if (!is.na(genome) && !is.na(tok@genome) && genome != tok@genome) {
        stop("expected ranges on ", tok@genome, ", as the universe is, found ranges on ", genome,
            call. = FALSE)
    }
    used <- seqlevelsInUse(ranges)
    unknown <- setdiff(used, tok@chroms)
    if (length(unknown) && length(unknown) < length(used)) {
        shown <- paste(c(head(unknown, 5L), if (length(unknown) > 5L) "..."), collapse = ", ")
        warning(
            length(unknown), " of ", length(used), " seqlevels are not in the universe, whose are ",
            "like ", tok@chroms[1L], ": ", shown, call. = FALSE
        )
    }
}

# Said where Python warns that no name is the universe's.
STYLE <- "; seqlevelsStyle(x) <- seqlevelsStyle(universe(tok)) gives GRanges the universe's style"
STYLE_OF_UNIVERSE <- paste(
    "; seqlevelsStyle(ranges) <- \"UCSC\", or what the file has, before Tokenizer(ranges) gives the",
    "universe that style"
)
