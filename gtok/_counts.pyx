"""Token ids of many samples to the rows of a sparse matrix, each column once, in order.

A sample's tokens mostly ascend already, as those of a sorted file do; then one pass adds up runs
of the same token. Otherwise they are sorted first, by the digits that the columns have.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from gtok._typedefs cimport id_t, off_t

import numpy as np

cdef enum:
    FEW = 48            # tokens up to which sorting by insertion is fastest
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


cdef uint64_t *sort_items(uint64_t *items, off_t n, uint64_t *scratch, id_t last) noexcept nogil:
    """Sort by column, those of one column as they came; where the sorted items are."""
    cdef off_t[1 << DIGIT] places
    cdef off_t i, j, total, count
    cdef uint64_t item
    cdef uint64_t *swap
    cdef int shift = 32
    if n <= FEW:
        for i in range(1, n):
            item = items[i]
            j = i
            while j > 0 and column_of(items[j - 1]) > column_of(item):
                items[j] = items[j - 1]
                j -= 1
            items[j] = item
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
            j = (items[i] >> shift) & ((1 << DIGIT) - 1)
            scratch[places[j]] = items[i]
            places[j] += 1
        swap = items
        items = scratch
        scratch = swap
        shift += DIGIT
        last >>= DIGIT
    return items


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
    cdef off_t i, k, count
    cdef off_t size = 0
    cdef off_t longest = 0
    cdef id_t column, last
    cdef bint ascends
    cdef Value value
    cdef double number
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
    cdef uint64_t *room
    cdef uint64_t *items
    with nogil:
        for i in range(n):
            longest = max(longest, offsets[i + 1] - offsets[i])
        room = <uint64_t *> malloc((2 * longest + 1) * sizeof(uint64_t))
        if room != NULL:
            value.number = 1
            for i in range(n):
                items = room
                count = 0
                last = 0
                ascends = True
                for k in range(offsets[i], offsets[i + 1]):
                    column = ids[k]
                    if column >= n_columns or column < 0:
                        continue
                    if weighted:
                        value.number = weights[k]
                    items[count] = (<uint64_t> column << 32) | value.bits
                    count += 1
                    ascends &= column >= last
                    last = column
                if not ascends:
                    items = sort_items(items, count, items + count, n_columns - 1)
                last = -1
                for k in range(count):
                    column = column_of(items[k])
                    number = value_of(items[k])
                    if column != last:
                        out_columns[size] = last = column
                        out_sums[size] = number
                        size += 1
                    elif largest:
                        out_sums[size - 1] = max(out_sums[size - 1], number)
                    else:
                        out_sums[size - 1] += number
                out_rows[i + 1] = size
            free(room)
    if room == NULL:
        raise MemoryError()
    return indptr, indices[:size], data[:size]
