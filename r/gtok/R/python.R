# The border to Python. Arrays cross as raw vectors, which every version of reticulate and NumPy
# understands: reticulate 1.28 knows no arrays of NumPy 2.

.python <- new.env(parent = emptyenv())

ENVIRONMENT <- "r-gtok"

# A module of Python, whose objects stay Python's until they are asked for.
module <- function(name) {
    if (is.null(.python[[name]])) {
        chosen <- nzchar(Sys.getenv("RETICULATE_PYTHON")) || py_available()
        if (!chosen && virtualenv_exists(ENVIRONMENT)) {
            use_virtualenv(ENVIRONMENT, required = TRUE)
        }
        .python[[name]] <- tryCatch(
            imported(name),
            error = function(e) {
                stop(
                    "the Python library ", name, " is not there: gtok::install_gtok() installs it, ",
                    "RETICULATE_PYTHON names a Python that has it (", trimws(conditionMessage(e)), ")",
                    call. = FALSE
                )
            }
        )
    }
    .python[[name]]
}

# reticulate has Python look into the working folder first, which in a clone holds gtok's sources, not
# compiled: what is installed is meant.
imported <- function(name) {
    sys <- import("sys", convert = FALSE)
    before <- sys$path
    on.exit(sys$path <- before)
    sys$path <- r_to_py(as.list(setdiff(py_to_r(before), c("", getwd()))))
    import(name, convert = FALSE)
}

#' Is the Python library there?
#'
#' @return `TRUE` if the Python library gtok can be imported. Python is started if it does not run
#'   yet.
#' @examples
#' hasGtok()
#' @export
hasGtok <- function() {
    tryCatch(!is.null(module("gtok")), error = function(e) FALSE)
}

#' Install the Python library
#'
#' Makes a virtual environment of Python and installs the library gtok into it. This package uses it
#' from then on, unless the variable `RETICULATE_PYTHON` names another Python.
#'
#' @param source The folder of a clone of gtok, or whatever else pip is to install.
#' @param envname The name of the virtual environment, or a folder for it. What is not called
#'   `"r-gtok"` has to be chosen with [reticulate::use_virtualenv()].
#' @param python The Python to make it of, 3.11 or newer. reticulate 1.28 needs one older than 3.12.
#' @return The path of the environment's Python, invisibly.
#' @examples
#' \dontrun{
#' # Downloads and compiles.
#' install_gtok("~/gtok")
#' }
#' @export
install_gtok <- function(source = ".", envname = "r-gtok", python = NULL) {
    one_string(source, "source")
    is_clone <- file.exists(file.path(source, "gtok", "__init__.py"))
    is_missing <- grepl("^[./~]", source) && !file.exists(source)
    if (!is_clone && (is_missing || dir.exists(source))) {
        stop("expected the folder of a clone of gtok, found ", normalizePath(source, mustWork = FALSE),
            call. = FALSE)
    }
    # R puts its own libraries first, with which a Python that brings others has no TLS.
    before <- Sys.getenv("LD_LIBRARY_PATH", NA)
    if (!is.na(before)) {
        Sys.unsetenv("LD_LIBRARY_PATH")
        on.exit(Sys.setenv(LD_LIBRARY_PATH = before))
    }
    virtualenv_create(envname, python = python, packages = NULL)
    if (file.exists(source)) {
        source <- normalizePath(source)
    }
    virtualenv_install(envname, packages = source, ignore_installed = FALSE)
    invisible(virtualenv_python(envname))
}

# Run what asks Python: its warnings become R's, its errors R's, in its own words.
asking <- function(expr, hint = "") {
    module("gtok") # says so where it is not there
    warnings <- module("warnings")
    caught <- warnings$catch_warnings(record = TRUE)
    told <- caught$`__enter__`()
    on.exit(caught$`__exit__`(NULL, NULL, NULL))
    warnings$simplefilter("always")
    result <- tryCatch(expr, error = function(e) stop(in_r(words_of(e)), call. = FALSE))
    for (one in iterate(told)) {
        message <- py_str(one$message)
        is_name <- grepl("no chromosome of", message, fixed = TRUE)
        warning(message, if (is_name) hint, call. = FALSE)
    }
    result
}

# The words of Python's exception, without its traceback; or those of R's condition.
words_of <- function(e) {
    last <- tryCatch(py_last_error(), error = function(e) NULL)
    if (inherits(e, "python.builtin.BaseException") || inherits(e, "python.builtin.object")) {
        return(py_str(e))
    }
    if (!is.null(last) && grepl(last$type, conditionMessage(e), fixed = TRUE)) {
        return(last$value)
    }
    conditionMessage(e)
}

# Python's words, where they name what is called otherwise here.
in_r <- function(words) {
    words <- sub("^\\[Errno [0-9]+\\] ", "", words)
    words <- gsub("min_overlap", "minOverlap", words, fixed = TRUE)
    sub("duplicates='drop' keeps", "unique() of a GRanges keeps", words, fixed = TRUE)
}

# An R vector of whole numbers as an array of 32 bits.
to_array <- function(x) {
    bytes <- r_to_py(writeBin(as.integer(x), raw(), endian = "little"))
    module("numpy")$frombuffer(bytes, dtype = "<i4")
}

# An array of numbers as an R vector: integer where all of its numbers are R integers, or double.
from_array <- function(array) {
    n <- py_to_r(builtin()$int(array$size))
    whole <- py_to_r(array$dtype$kind) != "f"
    if (whole && n > 0L) {
        # Compared in Python: a number of more than 32 bits does not cross as it is.
        fits <- module("numpy")$less_equal(array$max(), .Machine$integer.max)
        whole <- py_to_r(builtin()$bool(fits))
    }
    type <- if (whole) "<i4" else "<f8"
    bytes <- module("numpy")$ascontiguousarray(array, dtype = type)
    readBin(
        py_to_r(builtin()$bytearray(bytes)), if (whole) "integer" else "double", n, endian = "little"
    )
}

# A list of Python's strings as a character vector, in one piece: none of them has a line end.
from_strings <- function(strings) {
    text <- r_to_py("\n")$join(strings)
    whole <- rawToChar(py_to_r(builtin()$bytearray(text, "utf-8")))
    Encoding(whole) <- "UTF-8"
    if (nzchar(whole)) strsplit(whole, "\n", fixed = TRUE)[[1]] else character()
}

builtin <- function() module("builtins")

one_string <- function(x, what) {
    if (!is.character(x) || length(x) != 1L || is.na(x) || !nzchar(x)) {
        stop("expected ", what, " as one string, found ", shown(x), call. = FALSE)
    }
    x
}

# The path of a file that is there. Python would take "chr1:5-10" for a region that counts from 0,
# and "-" for standard input.
file_of <- function(x, what, folders = FALSE) {
    path <- path.expand(one_string(x, paste("the path of a", what)))
    if (!file.exists(path)) {
        stop("no such ", what, ": ", x, if (grepl(":[0-9,]+-[0-9,]+$", x)) {
            paste0("; a range is GRanges(\"", x, "\")")
        }, call. = FALSE)
    }
    if (!folders && dir.exists(path)) {
        stop("expected the path of a ", what, ", found the folder ", x, call. = FALSE)
    }
    path
}

one_flag <- function(x, what) {
    if (!isTRUE(x) && !isFALSE(x)) {
        stop("expected ", what, " as TRUE or FALSE, found ", shown(x), call. = FALSE)
    }
    x
}

shown <- function(x) if (is.atomic(x)) deparse(x, nlines = 1L) else class(x)[1L]
