"""Token ids of many samples to the rows of a sparse matrix, each column once, in order.

A sample's tokens are added up in one array with a place for every column, while the columns met
for the first time are noted; sorting those (if they are not in order already, as the tokens of a
sorted sample are) gives the row. There is no pass over coordinates, and no sort of all tokens.
"""

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from gtok._typedefs cimport id_t, off_t

import numpy as np

cdef enum:
    FEW = 64            # columns up to which sorting by insertion is fastest
    DIGIT = 11          # bits per pass of the radix sort; three passes cover 31


cdef void sort_columns(id_t *columns, off_t n, id_t *scratch) noexcept nogil:
    """Sort in place columns none of which is negative."""
    cdef off_t[1 << DIGIT] places
    cdef off_t i, j, total, count
    cdef id_t value
    cdef int shift
    cdef id_t largest = 0
    for i in range(1, n):
        if columns[i] < columns[i - 1]:
            break
    else:
        return
    if n <= FEW:
        for i in range(1, n):
            value = columns[i]
            j = i
            while j > 0 and columns[j - 1] > value:
                columns[j] = columns[j - 1]
                j -= 1
            columns[j] = value
        return
    for i in range(n):
        largest = max(largest, columns[i])
    for shift in range(0, 33, 11):
        if largest >> shift == 0 and shift:
            break
        memset(places, 0, sizeof(places))
        for i in range(n):
            places[(columns[i] >> shift) & ((1 << DIGIT) - 1)] += 1
        total = 0
        for i in range(1 << DIGIT):
            count = places[i]
            places[i] = total
            total += count
        for i in range(n):
            value = (columns[i] >> shift) & ((1 << DIGIT) - 1)
            scratch[places[value]] = columns[i]
            places[value] += 1
        memcpy(columns, scratch, n * sizeof(id_t))


def sum_rows(const id_t[::1] ids, const off_t[::1] offsets, id_t n_columns, values=None):
    """The rows of a CSR matrix, one per sample.

    Parameters
    ----------
    ids : int32[m]
        Tokens; those from `n_columns` on are no columns and are left out.
    offsets : int64[n + 1]
        The tokens of row i are ids[offsets[i]:offsets[i + 1]].
    n_columns : int
        The number of columns.
    values : float32[m], optional
        What each token adds; 1 without.

    Returns
    -------
    indptr : int64[n + 1]
    indices : int32[nnz]
        Ascending within a row, none twice.
    data : float64[nnz]
        Sums.
    """
    cdef off_t n = offsets.shape[0] - 1
    cdef off_t m = ids.shape[0]
    cdef off_t i, k, begin
    cdef off_t size = 0
    cdef bint failed = False
    cdef id_t column
    cdef bint weighted = values is not None
    cdef const float[::1] weights = values if weighted else np.empty(0, dtype=np.float32)
    indptr = np.zeros(n + 1, dtype=np.int64)
    indices = np.empty(m, dtype=np.int32)
    data = np.empty(m, dtype=np.float64)
    if m == 0 or n_columns == 0:
        return indptr, indices[:0], data[:0]
    cdef off_t[::1] out_rows = indptr
    cdef id_t[::1] out_columns = indices
    cdef double[::1] out_sums = data
    cdef double[::1] sums = np.zeros(n_columns, dtype=np.float64)
    cdef unsigned char[::1] met = np.zeros(n_columns, dtype=np.uint8)
    cdef id_t *scratch
    with nogil:
        scratch = <id_t *> malloc(min(m, <off_t> n_columns) * sizeof(id_t))
        failed = scratch == NULL
        if not failed:
            for i in range(n):
                begin = size
                for k in range(offsets[i], offsets[i + 1]):
                    column = ids[k]
                    if column >= n_columns or column < 0:
                        continue
                    if not met[column]:
                        met[column] = 1
                        out_columns[size] = column
                        size += 1
                    sums[column] += weights[k] if weighted else 1
                sort_columns(&out_columns[0] + begin, size - begin, scratch)
                for k in range(begin, size):
                    column = out_columns[k]
                    out_sums[k] = sums[column]
                    sums[column] = 0
                    met[column] = 0
                out_rows[i + 1] = size
            free(scratch)
    if failed:
        raise MemoryError()
    return indptr, indices[:size], data[:size]
