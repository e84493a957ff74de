"""What hits have in common with their regions: base pairs, cover, and whether that is enough.

Hits come as the indexes return them, as offsets into ids; queries and regions as columns of starts
and ends, the latter by id.
"""

from gtok._signals cimport check_signals
from gtok._typedefs cimport id_t, off_t, pos_t

import numpy as np


cdef inline pos_t in_both(pos_t start, pos_t end, pos_t its_start, pos_t its_end) noexcept nogil:
    return min(end, its_end) - max(start, its_start)


def shared(const off_t[::1] offsets, const id_t[::1] ids, const pos_t[::1] starts,
           const pos_t[::1] ends, const pos_t[::1] region_starts, const pos_t[::1] region_ends):
    """The base pairs that each hit's query and region have in common, int32[m]."""
    cdef off_t i, k
    found = np.empty(ids.shape[0], dtype=np.int32)
    cdef pos_t[::1] out = found
    with nogil:
        for i in range(starts.shape[0]):
            for k in range(offsets[i], offsets[i + 1]):
                check_signals(k)
                out[k] = in_both(starts[i], ends[i], region_starts[ids[k]], region_ends[ids[k]])
    return found


def newly_covered(const off_t[::1] offsets, const id_t[::1] ids, const pos_t[::1] starts,
                  const pos_t[::1] ends, const pos_t[::1] region_starts,
                  const pos_t[::1] region_ends, const id_t[::1] order):
    """The base pairs of its region that each hit covers and no hit before it did, int32[m].

    Summed by region, that is what the union of the queries covers.

    Parameters
    ----------
    order : int32[n] or None
        The queries by (chromosome, start); None where they stand so.
    """
    cdef off_t i, j, k
    cdef pos_t begin, end
    found = np.zeros(ids.shape[0], dtype=np.int32)
    cdef pos_t[::1] out = found
    # Up to where each region is covered, 0 being nowhere; only pages with a hit are touched.
    cdef pos_t[::1] covered = np.zeros(region_starts.shape[0], dtype=np.int32)
    with nogil:
        for j in range(starts.shape[0]):
            i = j if order is None else order[j]
            for k in range(offsets[i], offsets[i + 1]):
                check_signals(k)
                begin = max(max(starts[i], region_starts[ids[k]]), covered[ids[k]])
                end = min(ends[i], region_ends[ids[k]])
                if end > begin:
                    out[k] = end - begin
                    covered[ids[k]] = end
    return found


def keep_enough(const off_t[::1] offsets, const id_t[::1] ids, const pos_t[::1] starts,
                const pos_t[::1] ends, const pos_t[::1] region_starts,
                const pos_t[::1] region_ends, pos_t least, double of_query, double of_region):
    """The hits that share enough with their regions: offsets int64[n + 1] into ids.

    Parameters
    ----------
    least : int
        Base pairs in common.
    of_query, of_region : float
        The share of the query's length, and of the region's, that these have to be. All of no
        length is any share of it.
    """
    cdef off_t n = starts.shape[0]
    cdef off_t i, k
    cdef off_t size = 0
    cdef pos_t common
    cdef id_t region
    kept_offsets = np.zeros(n + 1, dtype=np.int64)
    kept_ids = np.empty(ids.shape[0], dtype=np.int32)
    cdef off_t[::1] out_offsets = kept_offsets
    cdef id_t[::1] out_ids = kept_ids
    with nogil:
        for i in range(n):
            for k in range(offsets[i], offsets[i + 1]):
                check_signals(k)
                region = ids[k]
                common = in_both(starts[i], ends[i], region_starts[region], region_ends[region])
                if (common >= least
                        and reaches(common, ends[i] - starts[i], of_query)
                        and reaches(common, region_ends[region] - region_starts[region],
                                    of_region)):
                    out_ids[size] = region
                    size += 1
            out_offsets[i + 1] = size
    return kept_offsets, kept_ids[:size].copy()


cdef inline bint reaches(pos_t common, pos_t length, double share) noexcept nogil:
    # Divided, not multiplied: 29 of 100 then are 0.29 as it is typed, to the last bit.
    return length == 0 or <double> common / <double> length >= share
