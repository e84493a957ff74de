# The widths of the three kinds of number that travel through gtok.

from libc.stdint cimport int32_t, int64_t

ctypedef int32_t pos_t  # a coordinate in base pairs, 0 .. 2^31 - 1
ctypedef int32_t id_t   # a token id, a row of the universe, or a chromosome's code
ctypedef int64_t off_t  # an offset into a column
