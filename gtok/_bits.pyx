"""BITS: Binary Interval Search (Layer et al. 2013, doi:10.1093/bioinformatics/bts652).

Two sorted lists, one of starts and one of ends, answer how many regions a query overlaps without
looking at a single one: all that start before its end, less all that end before its start. To
enumerate, the regions in order of their starts are scanned from the first that can reach the
query to the last that starts before its end.

Where the paper searches the lists by halves, a table over buckets of coordinates (about one
region in each) gives both places at once; within a bucket the search goes on by halves.
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc, qsort

from gtok._kernels cimport (
    AT_ONCE, LOOKS, Ids, Run, Span, append_hits, ascends, bucket_of, count_hits, fill_tables,
    first_of, hand_over, hits_between, pick_shift, prefetch, starts_below,
)
from gtok._typedefs cimport id_t, off_t, pos_t

import numpy as np

cdef enum:
    BLOCK = 128  # queries whose memory is asked for before the first of them is answered
    NEAR = 256  # cells of a table, 1 kB, among which a block's queries share cache lines


cdef int compare(const void *a, const void *b) noexcept nogil:
    cdef pos_t x = (<const pos_t *> a)[0]
    cdef pos_t y = (<const pos_t *> b)[0]
    return (x > y) - (x < y)


cdef void sort_few(pos_t *values, off_t n) noexcept nogil:
    """Sort in place: by insertion, unless there are many."""
    cdef off_t i, j
    cdef pos_t value
    if n > 32:
        qsort(values, n, sizeof(pos_t), compare)
        return
    for i in range(1, n):
        value = values[i]
        j = i
        while j > 0 and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value


@cython.final
cdef class Bits:
    """An immutable index over regions in genome order; any number of threads may query it.

    Parameters
    ----------
    bounds : int64[n_chroms + 1]
        The regions of chromosome c are the rows bounds[c] .. bounds[c + 1] - 1.
    spans : int32[n, 2]
        Start and end of each region, by (start, end) within a chromosome.
    order : int32[n] or None
        The id of each row; None where it is the row's number.
    """

    cdef const int64_t[::1] bounds
    cdef const pos_t[:, ::1] spans
    cdef const id_t[::1] order
    cdef pos_t[::1] ends        # ascending within each chromosome
    cdef id_t[::1] firsts
    cdef id_t[::1] below
    cdef id_t[::1] ends_below
    cdef Run *runs
    cdef id_t n_chroms

    def __cinit__(self, const int64_t[::1] bounds, const pos_t[:, ::1] spans,
                  const id_t[::1] order):
        cdef id_t c
        cdef off_t n_cells = 2
        cdef off_t n_regions = bounds[bounds.shape[0] - 1]
        cdef off_t n
        cdef off_t k
        cdef int64_t furthest
        cdef Run *run
        self.bounds = bounds
        self.spans = spans
        self.order = order
        if spans.shape[0] != n_regions:
            raise ValueError(f"expected {n_regions} spans, found {spans.shape[0]}")
        self.n_chroms = <id_t> (bounds.shape[0] - 1)
        self.runs = <Run *> malloc((self.n_chroms + 1) * sizeof(Run))
        if self.runs == NULL:
            raise MemoryError()
        for c in range(self.n_chroms):
            run = &self.runs[c]
            run.lo = bounds[c]
            run.hi = bounds[c + 1]
            n = run.hi - run.lo
            run.table = n_cells
            run.shift = 31
            run.n_buckets = 0
            if n == 0:
                run.lo = run.hi = 0  # where its cells, all zero, send a query
            else:
                furthest = 0
                for k in range(run.lo, run.hi):
                    furthest = max(furthest, spans[k, 1])
                run.shift = pick_shift(furthest, n)
                run.n_buckets = (furthest >> run.shift) + 1
            n_cells += run.n_buckets + 2
        # Chromosomes that the universe lacks share a run without regions.
        run = &self.runs[self.n_chroms]
        run.lo = run.hi = run.table = run.n_buckets = 0
        run.shift = 31
        self.firsts = np.zeros(n_cells, dtype=np.int32)
        self.below = np.zeros(n_cells, dtype=np.int32)
        self.ends_below = np.zeros(n_cells, dtype=np.int32)
        self.ends = np.empty(n_regions, dtype=np.int32)
        if n_regions:
            for c in range(self.n_chroms):
                with nogil:
                    self.fill(c)
                PyErr_CheckSignals()

    def __dealloc__(self):
        free(self.runs)

    def __reduce__(self):
        order = None if self.order is None else np.asarray(self.order)
        return Bits, (np.asarray(self.bounds), np.asarray(self.spans), order)

    cdef void fill(self, id_t c) noexcept nogil:
        """Write a chromosome's part of the table, and its ends in ascending order."""
        cdef const Run *run = &self.runs[c]
        cdef id_t *below
        cdef int64_t bucket
        cdef off_t k, n
        cdef id_t at
        if run.hi == run.lo:
            return
        fill_tables(run, <const Span *> &self.spans[0, 0], &self.firsts[0], &self.below[0])
        # The ends by bucket: count them, place each behind those of the buckets before. While
        # they are placed, below[b + 1] is where the next end of bucket b goes; afterwards it is
        # where the next bucket begins.
        below = &self.ends_below[run.table]
        for k in range(run.lo, run.hi):
            bucket = (self.spans[k, 1] >> run.shift) + 2
            if bucket <= run.n_buckets:
                below[bucket] += 1
        below[0] = below[1] = <id_t> run.lo
        for bucket in range(2, run.n_buckets + 1):
            below[bucket] += below[bucket - 1]
        for k in range(run.lo, run.hi):
            bucket = (self.spans[k, 1] >> run.shift) + 1
            at = below[bucket]
            self.ends[at] = self.spans[k, 1]
            below[bucket] = at + 1
        # And within each bucket, where there is mostly one.
        for bucket in range(run.n_buckets):
            n = below[bucket + 1] - below[bucket]
            if n > 1:
                sort_few(&self.ends[below[bucket]], n)

    cdef const Run *run_of(self, id_t chrom) noexcept nogil:
        return &self.runs[chrom if 0 <= chrom < self.n_chroms else self.n_chroms]

    cdef off_t ends_up_to(self, const Run *run, pos_t position) noexcept nogil:
        """The number of the run's regions that end at `position` or before, plus run.lo."""
        cdef int64_t bucket = bucket_of(run, position)
        cdef off_t lo, hi, middle
        if bucket >= run.n_buckets:
            return run.hi
        lo = self.ends_below[run.table + bucket]
        hi = self.ends_below[run.table + bucket + 1]
        while lo < hi:
            middle = (lo + hi) >> 1
            if self.ends[middle] <= position:
                lo = middle + 1
            else:
                hi = middle
        return lo

    def count(self, const id_t[::1] chroms, const pos_t[::1] starts, const pos_t[::1] ends,
              counts=None, stop=None):
        """The number of regions that each query overlaps, int64[n].

        With `counts`, zeros, they are written there. Once `stop` is set, some are missing.
        """
        cdef off_t n = chroms.shape[0]
        cdef off_t lo = 0
        if counts is None:
            counts = np.zeros(n, dtype=np.int64)
        cdef int64_t[::1] out = counts
        while lo < n and self.ends.shape[0] and not (stop and stop.is_set()):
            with nogil:
                lo = self.count_some(chroms, starts, ends, lo, min(lo + AT_ONCE, n), out)
            PyErr_CheckSignals()
        return counts

    cdef off_t count_some(self, const id_t[::1] chroms, const pos_t[::1] starts,
                          const pos_t[::1] ends, off_t first, off_t n,
                          int64_t[::1] out) noexcept nogil:
        """Count for the queries first .. n - 1, or fewer; the first one that is not done."""
        cdef const Span *spans = <const Span *> &self.spans[0, 0]
        cdef const id_t *firsts = &self.firsts[0]
        cdef off_t block, stop, i
        cdef off_t[BLOCK] los
        cdef const Run *run
        cdef off_t looks = 0
        block = first
        while block < n and looks < LOOKS:
            stop = min(block + BLOCK, n)
            if self.is_near(chroms, starts, block, stop):
                for i in range(block, stop):
                    los[i - block] = first_of(self.run_of(chroms[i]), firsts, starts[i])
            else:
                self.warm(chroms, starts, block, stop, los)
            for i in range(block, stop):
                run = self.run_of(chroms[i])
                out[i] = count_hits(run, spans, los[i - block], starts[i], ends[i])
                if out[i] >= 0:
                    continue
                out[i] = starts_below(run, spans, &self.below[0], ends[i])
                if starts[i] < ends[i]:
                    out[i] -= self.ends_up_to(run, starts[i])
                else:
                    # A region of no length at the same place has not started before it, but
                    # has ended.
                    looks += out[i] - los[i - block]
                    out[i] = hits_between(spans, los[i - block], out[i], starts[i], ends[i])
            block = stop
        return block

    cdef bint is_near(self, const id_t[::1] chroms, const pos_t[::1] starts, off_t lo,
                      off_t hi) noexcept nogil:
        """Whether what one of the queries lo .. hi - 1 reads, the next ones read too, so that
        there is nothing to ask for."""
        cdef const Run *run = self.run_of(chroms[lo])
        return (ascends(&chroms[lo], &starts[lo], hi - lo)
                and bucket_of(run, starts[hi - 1]) <= bucket_of(run, starts[lo]) + NEAR)

    cdef void warm(self, const id_t[::1] chroms, const pos_t[::1] starts, off_t lo, off_t hi,
                   off_t *los) noexcept nogil:
        """Say where each of the queries lo .. hi - 1 begins, and ask for the memory there."""
        cdef const Span *spans = <const Span *> &self.spans[0, 0]
        cdef const id_t *firsts = &self.firsts[0]
        cdef const Run *run
        cdef off_t i
        for i in range(lo, hi):
            run = self.run_of(chroms[i])
            los[i - lo] = run.table + bucket_of(run, starts[i])
            prefetch(&firsts[los[i - lo]])
        for i in range(hi - lo):
            los[i] = firsts[los[i]]
            prefetch(&spans[los[i]])
            prefetch(&spans[los[i] + 3])

    def overlaps(self, const id_t[::1] chroms, const pos_t[::1] starts, const pos_t[::1] ends,
                 offsets=None, stop=None):
        """The regions that each query overlaps: offsets int64[n + 1] into ids int32[m].

        With `offsets`, zeros, they are written there. Once `stop` is set, some are missing.
        """
        cdef off_t n = chroms.shape[0]
        cdef Ids hits = Ids(NULL, 0, 0, 0)
        cdef off_t lo = 0
        if offsets is None:
            offsets = np.zeros(n + 1, dtype=np.int64)
        cdef off_t[::1] out = offsets
        try:
            while lo < n and self.ends.shape[0] and not (stop and stop.is_set()):
                with nogil:
                    lo = self.append_some(chroms, starts, ends, lo, min(lo + AT_ONCE, n), out,
                                          &hits)
                if lo < 0:
                    raise MemoryError()
                PyErr_CheckSignals()
            return offsets, hand_over(&hits)
        finally:
            free(hits.data)  # nothing is left of what was handed over

    cdef off_t append_some(self, const id_t[::1] chroms, const pos_t[::1] starts,
                           const pos_t[::1] ends, off_t first, off_t n, off_t[::1] offsets,
                           Ids *hits) noexcept nogil:
        """Append the hits of the queries first .. n - 1, or of fewer where these have very many.

        The first one that is not done; -1 without memory.
        """
        cdef const Span *spans = <const Span *> &self.spans[0, 0]
        cdef const id_t *firsts = &self.firsts[0]
        cdef off_t block, stop, i
        cdef off_t[BLOCK] los
        cdef Run here
        cdef off_t before = hits.size
        cdef off_t enough = hits.looks + LOOKS
        block = first
        while block < n and hits.looks < enough:
            stop = min(block + BLOCK, n)
            if self.is_near(chroms, starts, block, stop):
                here = self.run_of(chroms[block])[0]
                for i in range(block, stop):
                    if not append_hits(&here, spans, first_of(&here, firsts, starts[i]),
                                       starts[i], ends[i], hits):
                        return -1
                    offsets[i + 1] = hits.size
            else:
                self.warm(chroms, starts, block, stop, los)
                for i in range(block, stop):
                    if not append_hits(self.run_of(chroms[i]), spans, los[i - block], starts[i],
                                       ends[i], hits):
                        return -1
                    offsets[i + 1] = hits.size
            block = stop
        if self.order is not None:
            for i in range(before, hits.size):
                hits.data[i] = self.order[hits.data[i]]
        return block

    def scanned(self, const id_t[::1] chroms, const pos_t[::1] starts, const pos_t[::1] ends):
        """The number of regions that `overlaps` looks at to answer each query, int64[n]."""
        cdef off_t n = chroms.shape[0]
        cdef off_t i, lo
        cdef const Run *run
        cdef const Span *spans
        rows = np.zeros(n, dtype=np.int64)
        cdef int64_t[::1] out = rows
        if self.ends.shape[0] == 0:
            return rows
        spans = <const Span *> &self.spans[0, 0]
        with nogil:
            for i in range(n):
                run = self.run_of(chroms[i])
                lo = first_of(run, &self.firsts[0], starts[i])
                out[i] = max(starts_below(run, spans, &self.below[0], ends[i]) - lo, <off_t> 0)
        return rows
