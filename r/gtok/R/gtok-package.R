#' gtok: genomic ranges to tokens
#'
#' Start with [Tokenizer()]; then [encode()], [tokenize()], [countMatrix()], [countFragments()].
#' [install_gtok()] installs the Python library that does the work.
#'
#' @import methods
#' @importFrom GenomeInfoDb genome genome<- seqlevels seqlevelsInUse seqnames
#' @importFrom GenomicRanges GRanges GRangesList makeGRangesFromDataFrame
#' @importFrom IRanges IRanges PartitioningByEnd CharacterList IntegerList ranges relist
#' @importClassesFrom Matrix dgCMatrix
#' @importFrom reticulate import iterate py_available py_is_null_xptr py_last_error py_str py_to_r
#'   r_to_py use_virtualenv virtualenv_create virtualenv_exists virtualenv_install virtualenv_python
#' @importFrom S4Vectors DataFrame Rle decode end head runLength runValue start
#' @importFrom stats setNames
"_PACKAGE"
