"""Genome order: whether regions stand in it, the rows in it if they do not, what it brings
together."""

from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memset

from gtok._signals cimport check_signals
from gtok._typedefs cimport id_t, off_t, pos_t

import numpy as np

cdef enum:
    DIGIT = 11              # bits per pass of the radix sort
    N_DIGITS = 1 << DIGIT


cdef off_t first_descent(const id_t[::1] codes, const pos_t[::1] starts,
                         const pos_t[::1] ends) noexcept nogil:
    """The first row that comes before the one ahead of it, -1 where there is none."""
    cdef off_t i
    cdef bint falls
    for i in range(1, codes.shape[0]):
        if codes[i] != codes[i - 1]:
            falls = codes[i] < codes[i - 1]
        elif starts[i] != starts[i - 1]:
            falls = starts[i] < starts[i - 1]
        else:
            falls = ends[i] < ends[i - 1]
        if falls:
            return i
    return -1


cdef int sort_by(const pos_t[::1] column, const id_t *rows, id_t *out, int shift,
                 off_t n) except -1 nogil:
    """One stable pass of a radix sort: the rows by one digit of a column."""
    cdef off_t[N_DIGITS] places
    cdef off_t i, total, count
    cdef uint32_t digit
    memset(places, 0, sizeof(places))
    for i in range(n):
        places[(<uint32_t> column[i] >> shift) & (N_DIGITS - 1)] += 1
    total = 0
    for i in range(N_DIGITS):
        count = places[i]
        places[i] = total
        total += count
    for i in range(n):
        check_signals(i)
        digit = (<uint32_t> column[rows[i]] >> shift) & (N_DIGITS - 1)
        out[places[digit]] = rows[i]
        places[digit] += 1
    return 0


cdef uint32_t bits_of(const pos_t[::1] column) noexcept nogil:
    """All bits that any value of a column has."""
    cdef uint32_t bits = 0
    cdef off_t i
    for i in range(column.shape[0]):
        bits |= <uint32_t> column[i]
    return bits


def genome_order(const id_t[::1] codes, const pos_t[::1] starts, const pos_t[::1] ends):
    """The rows by (code, start, end, row); None where they stand so already.

    Parameters
    ----------
    codes, starts, ends : int32[n]
        None of them negative.

    Returns
    -------
    int32[n] or None
    """
    cdef off_t n = codes.shape[0]
    cdef off_t i
    cdef int shift
    cdef uint32_t bits
    cdef const pos_t[::1] column
    cdef id_t[::1] rows
    cdef id_t[::1] other
    with nogil:
        i = first_descent(codes, starts, ends)
    if i < 0:
        return None
    rows = np.arange(n, dtype=np.int32)
    other = np.empty(n, dtype=np.int32)
    for column in (ends, starts, codes):
        bits = bits_of(column)
        shift = 0
        while shift < 32 and bits >> shift:
            with nogil:
                sort_by(column, &rows[0], &other[0], shift, n)
            rows, other = other, rows
            shift += DIGIT
    return np.asarray(rows)


def laid_out(const id_t[::1] codes, const pos_t[::1] starts, const pos_t[::1] ends,
             const id_t[::1] order, id_t n_chroms):
    """Regions as the overlap indexes take them.

    Parameters
    ----------
    codes, starts, ends : int32[n]
        The regions; codes are 0 .. n_chroms - 1.
    order : int32[n] or None
        Their genome order.
    n_chroms : int
        Chromosomes.

    Returns
    -------
    bounds : int64[n_chroms + 1]
        The regions of chromosome c are the rows bounds[c] .. bounds[c + 1] - 1.
    spans : int32[n, 2]
        Start and end of each region, in genome order.
    """
    cdef off_t n = codes.shape[0]
    cdef off_t i, row
    cdef id_t c
    bounds = np.zeros(n_chroms + 1, dtype=np.int64)
    spans = np.empty((n, 2), dtype=np.int32)
    cdef int64_t[::1] out_bounds = bounds
    cdef pos_t[:, ::1] out_spans = spans
    with nogil:
        for i in range(n):
            check_signals(i)
            row = order[i] if order is not None else i
            out_spans[i, 0] = starts[row]
            out_spans[i, 1] = ends[row]
            out_bounds[codes[i] + 1] += 1
        for c in range(n_chroms):
            out_bounds[c + 1] += out_bounds[c]
    return bounds, spans


def repeats(const id_t[::1] codes, const pos_t[::1] starts, const pos_t[::1] ends,
            const id_t[::1] order):
    """Rows of the same region as an earlier one.

    Parameters
    ----------
    codes, starts, ends : int32[n]
        The regions.
    order : int32[n] or None
        Their genome order.

    Returns
    -------
    first, again : int64[m]
        The first row of the region and the later one, by genome order.
    """
    cdef off_t n = codes.shape[0]
    cdef off_t i, row, before, first
    cdef off_t count = 0
    if n < 2:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    with nogil:
        before = order[0] if order is not None else 0
        for i in range(1, n):
            check_signals(i)
            row = order[i] if order is not None else i
            count += (starts[row] == starts[before] and ends[row] == ends[before]
                      and codes[row] == codes[before])
            before = row
    firsts = np.empty(count, dtype=np.int64)
    agains = np.empty(count, dtype=np.int64)
    cdef int64_t[::1] out_firsts = firsts
    cdef int64_t[::1] out_agains = agains
    if count == 0:
        return firsts, agains
    with nogil:
        count = 0
        first = before = order[0] if order is not None else 0
        for i in range(1, n):
            check_signals(i)
            row = order[i] if order is not None else i
            if (starts[row] == starts[before] and ends[row] == ends[before]
                    and codes[row] == codes[before]):
                out_firsts[count] = first
                out_agains[count] = row
                count += 1
            else:
                first = row
            before = row
    return firsts, agains


def merge(const id_t[::1] codes, const pos_t[::1] starts, const pos_t[::1] ends,
          const id_t[::1] order, int64_t max_gap):
    """Join regions that overlap, touch, or are no more than `max_gap` base pairs apart.

    Parameters
    ----------
    codes, starts, ends : int32[n]
        The regions.
    order : int32[n] or None
        Their genome order.
    max_gap : int
        Base pairs.

    Returns
    -------
    codes, starts, ends : int32[m]
        In genome order.
    """
    cdef off_t n = codes.shape[0]
    cdef off_t i, row
    cdef off_t last = -1
    merged = np.empty((3, n), dtype=np.int32)
    cdef pos_t[:, ::1] out = merged
    with nogil:
        for i in range(n):
            check_signals(i)
            row = order[i] if order is not None else i
            if (last >= 0 and codes[row] == out[0, last]
                    and <int64_t> starts[row] - out[2, last] <= max_gap):
                out[2, last] = max(out[2, last], ends[row])
            else:
                last += 1
                out[0, last] = codes[row]
                out[1, last] = starts[row]
                out[2, last] = ends[row]
    return tuple(column[:last + 1].copy() for column in merged)
