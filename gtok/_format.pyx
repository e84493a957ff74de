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


cdef inline off_t put_text(unsigned char *out, const unsigned char *texts,
                           const int64_t *span) noexcept nogil:
    """Write the text that lies in a span of many; its length."""
    memcpy(out, texts + span[0], span[1] - span[0])
    return span[1] - span[0]


cdef off_t longest_of(list texts):
    return max((len(text) for text in texts), default=0)


cdef int64_t[::1] offsets_of(list texts):
    return np.cumsum([0] + [len(text) for text in texts], dtype=np.int64)


def format_rows(list names, const id_t[::1] codes, const pos_t[::1] starts, const pos_t[::1] ends,
                const id_t[::1] ids=None, bytes suffix=b'\n', list labels=None,
                const id_t[::1] label_codes=None):
    """Lines ``chrom, start, end[, label][, id]``, tabs between, `suffix` behind; a bytearray.

    Parameters
    ----------
    names : list of bytes
        The chromosomes by code.
    codes, starts, ends : int32[n]
        The regions.
    ids : int32[n], optional
        A further column; a negative one is left out.
    suffix : bytes
        What ends each line.
    labels : list of bytes, optional
        The texts of a fourth column.
    label_codes : int32[n], optional
        Which of them each line has.
    """
    cdef off_t n = codes.shape[0]
    cdef off_t longest = longest_of(names) + longest_of(labels or [])
    cdef off_t i, at
    cdef off_t tail_length = len(suffix)
    cdef const unsigned char *tail = suffix
    cdef int64_t[::1] offsets = offsets_of(names)
    cdef int64_t[::1] label_offsets = offsets_of(labels or [])
    cdef bytes joined = b''.join(names)
    cdef bytes joined_labels = b''.join(labels or [])
    cdef const unsigned char *all_names = joined
    cdef const unsigned char *all_labels = joined_labels
    text = bytearray(n * (longest + 37 + tail_length) + 1)
    cdef unsigned char[::1] out = text
    with nogil:
        at = 0
        for i in range(n):
            at += put_text(&out[at], all_names, &offsets[codes[i]])
            out[at] = c'\t'
            at += 1
            at += put_number(&out[at], starts[i])
            out[at] = c'\t'
            at += 1
            at += put_number(&out[at], ends[i])
            if label_codes is not None:
                out[at] = c'\t'
                at += 1
                at += put_text(&out[at], all_labels, &label_offsets[label_codes[i]])
            if ids is not None and ids[i] >= 0:
                out[at] = c'\t'
                at += 1
                at += put_number(&out[at], ids[i])
            memcpy(&out[at], tail, tail_length)
            at += tail_length
    out = None
    del text[at:]
    return text
