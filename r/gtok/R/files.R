#' Files of token ids
#'
#' `.gtok` is the binary format of gtars: the ids of one sample, of 16 or 32 bits each.
#'
#' @param path The path of the file.
#' @param ids Whole numbers from 0, as [encode()] gives them.
#' @return `readGtok()` gives the ids, **counted from 0**: integers, or doubles where one is larger
#'   than R's integers are. `writeGtok()` gives the path, invisibly.
#' @examplesIf gtok::hasGtok()
#' path <- tempfile(fileext = ".gtok")
#' writeGtok(path, c(0, 5, 5, 70000))
#' readGtok(path)
#' @name readGtok
NULL

#' @rdname readGtok
#' @export
readGtok <- function(path) {
    from_array(asking(module("gtok")$read_gtok(file_of(path, ".gtok file"))))
}

#' @rdname readGtok
#' @export
writeGtok <- function(path, ids) {
    path <- path.expand(one_string(path, "path"))
    ids <- checked_ids(ids, 2^32 - 1)
    if (length(ids) && max(ids) > .Machine$integer.max) {
        bytes <- r_to_py(writeBin(as.double(ids), raw(), endian = "little"))
        array <- module("numpy")$frombuffer(bytes, dtype = "<f8")$astype("int64")
    } else {
        array <- to_array(ids)
    }
    asking(module("gtok")$write_gtok(path, array))
    invisible(path)
}
