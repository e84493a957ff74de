"""Columns of regions to the bytes of a text file."""

from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcpy

from gtok._typedefs cimport id_t, off_t, pos_t

import numpy as np


cdef const unsigned char *PAIRS = (
    b'00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445'
    b'46474849505152535455565758596061626364656667686970717273747576777879808182838485868788899091'
    b'9293949596979899'
)


cdef inline off_t put_number(unsigned char *out, pos_t number) noexcept nogil:
    """Write a number that is not negative, two digits at a time; how many were written."""
    cdef unsigned char[10] digits
    cdef uint32_t value = <uint32_t> number
    cdef int at = 10
    while value >= 100:
        at -= 2
        memcpy(&digits[at], &PAIRS[2 * (value % 100)], 2)
        value //= 100
    if value >= 10:
        at -= 2
        memcpy(&digits[at], &PAIRS[2 * value], 2)
    else:
        at -= 1
        digits[at] = <unsigned char> (c'0' + value)
    memcpy(out, &digits[at], 10 - at)
    return 10 - at


def format_rows(list names, const id_t[::1] codes, const pos_t[::1] starts, const pos_t[::1] ends,
                const id_t[::1] ids=None, bytes suffix=b'\n'):
    """Lines ``chrom, start, end[, id]``, tabs between, `suffix` behind each; a bytearray.

    Parameters
    ----------
    names : list of bytes
        The chromosomes by code.
    codes, starts, ends : int32[n]
        The regions.
    ids : int32[n], optional
        A fourth column.
    suffix : bytes
        What ends each line.
    """
    cdef off_t n = codes.shape[0]
    cdef off_t longest = max((len(name) for name in names), default=0)
    cdef off_t i, at
    cdef const unsigned char *name
    cdef off_t tail_length = len(suffix)
    cdef const unsigned char *tail = suffix
    cdef int64_t[::1] offsets = np.cumsum([0] + [len(name) for name in names], dtype=np.int64)
    cdef bytes joined = b''.join(names)
    cdef const unsigned char *all_names = joined
    cdef off_t length
    text = bytearray(n * (longest + 36 + tail_length) + 1)
    cdef unsigned char[::1] out = text
    with nogil:
        at = 0
        for i in range(n):
            name = all_names + offsets[codes[i]]
            length = offsets[codes[i] + 1] - offsets[codes[i]]
            memcpy(&out[at], name, length)
            at += length
            out[at] = c'\t'
            at += 1
            at += put_number(&out[at], starts[i])
            out[at] = c'\t'
            at += 1
            at += put_number(&out[at], ends[i])
            if ids is not None:
                out[at] = c'\t'
                at += 1
                at += put_number(&out[at], ids[i])
            memcpy(&out[at], tail, tail_length)
            at += tail_length
    out = None
    del text[at:]
    return text
