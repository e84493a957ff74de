library(testthat)
library(gtok)

test_check("gtok")
