"""Token ids of many samples to the rows of a sparse matrix, each column once, in order.

The tokens of a sorted file ascend, or almost: regions that overlap have tokens in common, and these
come twice. One pass then adds up runs of the same token. Others are sorted first, by the digits
that the columns have.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from gtok._signals cimport check_signals
from gtok._typedefs cimport id_t, off_t

import numpy as np

cdef enum:
    PATIENCE = 8        # moves per token from which sorting by insertion is given up
    DIGIT = 11          # bits per pass of the radix sort; three passes cover 31


# A token as one number: its column in the upper half, the bits of its value in the lower one.
cdef union Value:
    float number
    uint32_t bits


cdef inline id_t column_of(uint64_t item) noexcept nogil:
    return <id_t> (item >> 32)


cdef inline double value_of(uint64_t item) noexcept nogil:
    cdef Value value
    value.bits = <uint32_t> item
    return value.number


cdef bint sort_almost(uint64_t *items, off_t n) except -1 nogil:
    """Sort by insertion what is almost sorted; False, and half done, where it is not."""
    cdef off_t patience = PATIENCE * n
    cdef off_t i, j
    cdef uint64_t item
    for i in range(1, n):
        check_signals(i)
        item = items[i]
        j = i
        while j > 0 and column_of(items[j - 1]) > column_of(item):
            items[j] = items[j - 1]
            j -= 1
        items[j] = item
        patience -= i - j
        if patience < 0:
            return False
    return True


cdef uint64_t *sort_items(uint64_t *items, off_t n, uint64_t *scratch,
                          id_t last) except NULL nogil:
    """Sort by column, none over `last`, those of one column as they came; where they then are."""
    cdef off_t[1 << DIGIT] places
    cdef off_t i, j, total, count
    cdef uint64_t *swap
    cdef int shift = 32
    if sort_almost(items, n):
        return items
    while last:
        memset(places, 0, sizeof(places))
        for i in range(n):
            places[(items[i] >> shift) & ((1 << DIGIT) - 1)] += 1
        total = 0
        for i in range(1 << DIGIT):
            count = places[i]
            places[i] = total
            total += count
        for i in range(n):
            check_signals(i)
            j = (items[i] >> shift) & ((1 << DIGIT) - 1)
            scratch[places[j]] = items[i]
            places[j] += 1
        swap = items
        items = scratch
        scratch = swap
        shift += DIGIT
        last >>= DIGIT
    return items


cdef inline bint ascend(const id_t *ids, off_t n) noexcept nogil:
    cdef bint falls = False
    cdef off_t k
    for k in range(1, n):
        falls |= ids[k] < ids[k - 1]
    return not falls


cdef inline off_t put(id_t *columns, double *sums, off_t begin, off_t size, id_t column,
                      double number, bint largest) noexcept nogil:
    """Add a number to the row that begins at `begin`, of ascending columns; where it then ends."""
    if size > begin and columns[size - 1] == column:
        sums[size - 1] = max(sums[size - 1], number) if largest else sums[size - 1] + number
        return size
    columns[size] = column
    sums[size] = number
    return size + 1


def sum_rows(const id_t[::1] ids, const off_t[::1] offsets, id_t n_columns, values=None,
             bint largest=False):
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
    largest : bool
        Take the largest value of a column instead of the sum.

    Returns
    -------
    indptr : int64[n + 1]
    indices : int32[nnz]
        Ascending within a row, none twice.
    data : float64[nnz]
    """
    cdef off_t n = offsets.shape[0] - 1
    cdef off_t m = ids.shape[0]
    cdef off_t i, k, begin, count
    cdef off_t size = 0
    cdef off_t longest = 0
    cdef Value value
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
    cdef uint64_t *room = NULL
    cdef uint64_t *items
    try:
        with nogil:
            for i in range(n):
                begin = size
                if ascend(&ids[0] + offsets[i], offsets[i + 1] - offsets[i]):
                    for k in range(offsets[i], offsets[i + 1]):
                        check_signals(k)
                        if 0 <= ids[k] < n_columns:
                            size = put(&out_columns[0], &out_sums[0], begin, size, ids[k],
                                       weights[k] if weighted else 1, largest)
                    out_rows[i + 1] = size
                    continue
                if room == NULL:
                    for k in range(i, n):
                        longest = max(longest, offsets[k + 1] - offsets[k])
                    room = <uint64_t *> malloc(2 * longest * sizeof(uint64_t))
                    if room == NULL:
                        with gil:
                            raise MemoryError()
                count = 0
                for k in range(offsets[i], offsets[i + 1]):
                    if 0 <= ids[k] < n_columns:
                        value.number = weights[k] if weighted else 1
                        room[count] = (<uint64_t> ids[k] << 32) | value.bits
                        count += 1
                items = sort_items(room, count, room + count, n_columns - 1)
                for k in range(count):
                    check_signals(k)
                    size = put(&out_columns[0], &out_sums[0], begin, size, column_of(items[k]),
                               value_of(items[k]), largest)
                out_rows[i + 1] = size
    finally:
        free(room)
    return indptr, indices[:size], data[:size]
