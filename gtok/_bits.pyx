"""BITS: Binary Interval Search (Layer et al. 2013, doi:10.1093/bioinformatics/bts652).

Two sorted lists, one of starts and one of ends, answer how many regions a query overlaps without
looking at a single one: all that start before its end, less all that end before its start. To
enumerate, the regions in order of their starts are scanned from the first that can reach the
query to the last that starts before its end.

Where the paper searches the lists by halves, a table over buckets of coordinates (three regions in
each) gives both places at once; within a bucket the search goes on by halves. The table's cells
hold regions themselves, so that most queries read nothing else. The ends are sorted only where
regions lie many deep: elsewhere the few in front of a query are looked at.
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc, qsort

from gtok._kernels cimport (
    AHEAD, AT_ONCE, LOOKS, MANY, Cell, Ids, Run, Span, aligned, append_beyond, append_hits,
    cell_of, count_hits, count_many, fill_cells, goes_on, hand_over, make_room, prefetch,
    starts_below,
)
from gtok._signals cimport check_signals
from gtok._typedefs cimport id_t, off_t, pos_t

import numpy as np

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
    cdef bint nested            # whether a bucket has so many regions that the ends are sorted
    cdef pos_t[::1] ends        # ascending within each chromosome
    cdef id_t[::1] ends_below   # by cell, where the ends of its bucket begin
    cdef id_t[::1] memory
    cdef Cell *cells
    cdef Run *runs
    cdef id_t n_chroms

    def __cinit__(self, const int64_t[::1] bounds, const pos_t[:, ::1] spans,
                  const id_t[::1] order):
        cdef id_t c
        cdef off_t n_cells = 0
        cdef off_t n_regions = bounds[bounds.shape[0] - 1]
        cdef Run *run
        self.bounds = bounds
        self.spans = spans
        self.order = order
        if spans.shape[0] != n_regions:
            raise ValueError(f"expected {n_regions} spans, found {spans.shape[0]}")
        cdef const Span *all_spans = <const Span *> &spans[0, 0] if n_regions else NULL
        self.n_chroms = <id_t> (bounds.shape[0] - 1)
        self.runs = <Run *> malloc((self.n_chroms + 1) * sizeof(Run))
        if self.runs == NULL:
            raise MemoryError()
        for c in range(self.n_chroms + 1):
            # Chromosomes that the universe lacks share a run without regions.
            run = &self.runs[c]
            run.lo = bounds[c] if c < self.n_chroms else n_regions
            run.hi = bounds[c + 1] if c < self.n_chroms else n_regions
            make_room(run, all_spans, &n_cells)
        self.memory = np.empty(16 * (n_cells + 1), dtype=np.int32)
        self.cells = aligned(self.memory)
        for c in range(self.n_chroms + 1):
            run = &self.runs[c]
            with nogil:
                self.nested |= fill_cells(run, all_spans, self.cells) > MANY
        if self.nested:
            self.ends_below = np.zeros(n_cells, dtype=np.int32)
            self.ends = np.empty(n_regions, dtype=np.int32)
            for c in range(self.n_chroms):
                with nogil:
                    self.sort_ends(&self.runs[c])

    def __dealloc__(self):
        free(self.runs)

    def __reduce__(self):
        order = None if self.order is None else np.asarray(self.order)
        return Bits, (np.asarray(self.bounds), np.asarray(self.spans), order)

    cdef int sort_ends(self, const Run *run) except -1 nogil:
        """Write a chromosome's ends in ascending order, and where those of each bucket begin."""
        cdef const Span *spans = <const Span *> &self.spans[0, 0]
        cdef id_t *below
        cdef off_t cell, k, n
        cdef id_t at
        # The ends by bucket: count them, place each behind those of the buckets before. While
        # they are placed, below[b + 1] is where the next end of bucket b goes; afterwards it is
        # where the next bucket begins.
        below = &self.ends_below[0]
        for k in range(run.lo, run.hi):
            check_signals(k)
            cell = cell_of(run, spans[k].end) + 2
            if cell < run.table + run.n_cells:
                below[cell] += 1
        below[run.table] = below[run.table + 1] = <id_t> run.lo
        for cell in range(run.table + 2, run.table + run.n_cells):
            below[cell] += below[cell - 1]
        for k in range(run.lo, run.hi):
            check_signals(k)
            cell = cell_of(run, spans[k].end) + 1
            at = below[cell]
            self.ends[at] = spans[k].end
            below[cell] = at + 1
        # And within each bucket, where there are few.
        for cell in range(run.table, run.table + run.n_cells - 1):
            check_signals(cell)
            n = below[cell + 1] - below[cell]
            if n > 1:
                sort_few(&self.ends[below[cell]], n)
        return 0

    cdef const Run *run_of(self, id_t chrom) noexcept nogil:
        return &self.runs[chrom if 0 <= chrom < self.n_chroms else self.n_chroms]

    cdef off_t ends_up_to(self, const Run *run, pos_t position) noexcept nogil:
        """The number of the run's regions that end at `position` or before, plus run.lo."""
        cdef off_t cell = cell_of(run, position)
        cdef off_t lo = self.ends_below[cell]
        cdef off_t hi = self.ends_below[cell + 1]
        cdef off_t middle
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
        while lo < n and self.spans.shape[0] and not (stop and stop.is_set()):
            with nogil:
                lo = self.count_some(&chroms[0], &starts[0], &ends[0], lo, min(lo + AT_ONCE, n),
                                     &out[0])
            PyErr_CheckSignals()
        return counts

    cdef off_t count_some(self, const id_t *chroms, const pos_t *starts, const pos_t *ends,
                          off_t first, off_t n, int64_t *out) noexcept nogil:
        """Count for the queries first .. n - 1, or fewer; the first one that is not done."""
        cdef const Span *spans = <const Span *> &self.spans[0, 0]
        cdef const Run *run
        cdef const Cell *cell
        cdef const Cell *ahead[AHEAD]
        cdef off_t i
        cdef off_t looks = 0
        for i in range(first, min(first + AHEAD, n)):
            self.ask_for(&ahead[i % AHEAD], chroms[i], starts[i])
        i = first
        while i < n and looks < LOOKS:
            cell = ahead[i % AHEAD]
            if i + AHEAD < n:
                self.ask_for(&ahead[i % AHEAD], chroms[i + AHEAD], starts[i + AHEAD])
            out[i] = count_hits(self.run_of(chroms[i]), spans, cell, starts[i], ends[i])
            if out[i] < 0:
                run = self.run_of(chroms[i])
                if self.nested and starts[i] < ends[i]:
                    out[i] = (starts_below(run, spans, self.cells, ends[i])
                              - self.ends_up_to(run, starts[i]))
                else:
                    # A region of no length where a query of no length is has not started before
                    # it, but has ended.
                    out[i] = count_many(run, spans, self.cells, cell, starts[i], ends[i], &looks)
            i += 1
        return i

    cdef void ask_for(self, const Cell **cell, id_t chrom, pos_t start) noexcept nogil:
        """Say what a query that starts there reads first, and ask for it."""
        cell[0] = &self.cells[cell_of(self.run_of(chrom), start)]
        prefetch(cell[0])

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
            while lo < n and self.spans.shape[0] and not (stop and stop.is_set()):
                with nogil:
                    lo = self.append_some(&chroms[0], &starts[0], &ends[0], lo,
                                          min(lo + AT_ONCE, n), &out[0], &hits)
                if lo < 0:
                    raise MemoryError()
                PyErr_CheckSignals()
            return offsets, hand_over(&hits)
        finally:
            free(hits.data)  # nothing is left of what was handed over

    cdef off_t append_some(self, const id_t *chroms, const pos_t *starts, const pos_t *ends,
                           off_t first, off_t n, off_t *offsets, Ids *hits) noexcept nogil:
        """Append the hits of the queries first .. n - 1, or of fewer where these have very many.

        The first one that is not done; -1 without memory.
        """
        cdef const Span *spans = <const Span *> &self.spans[0, 0]
        cdef const Cell *cell
        cdef const Cell *ahead[AHEAD]
        cdef off_t i, k
        cdef off_t before = hits.size
        cdef off_t enough = hits.looks + LOOKS
        for i in range(first, min(first + AHEAD, n)):
            self.ask_for(&ahead[i % AHEAD], chroms[i], starts[i])
        i = first
        while i < n and hits.looks < enough:
            cell = ahead[i % AHEAD]
            if i + AHEAD < n:
                self.ask_for(&ahead[i % AHEAD], chroms[i + AHEAD], starts[i + AHEAD])
            if not append_hits(cell, starts[i], ends[i], hits):
                return -1
            if goes_on(cell, ends[i]) and not append_beyond(
                    self.run_of(chroms[i]), spans, cell, starts[i], ends[i], hits):
                return -1
            i += 1
            offsets[i] = hits.size
        if self.order is not None:
            for k in range(before, hits.size):
                hits.data[k] = self.order[hits.data[k]]
        return i

    def scanned(self, const id_t[::1] chroms, const pos_t[::1] starts, const pos_t[::1] ends):
        """The number of regions that `overlaps` looks at to answer each query, int64[n]."""
        cdef off_t n = chroms.shape[0]
        cdef off_t i, lo
        cdef const Run *run
        cdef const Span *spans
        rows = np.zeros(n, dtype=np.int64)
        cdef int64_t[::1] out = rows
        if self.spans.shape[0] == 0:
            return rows
        spans = <const Span *> &self.spans[0, 0]
        with nogil:
            for i in range(n):
                run = self.run_of(chroms[i])
                lo = self.cells[cell_of(run, starts[i])].first
                out[i] = max(starts_below(run, spans, self.cells, ends[i]) - lo, <off_t> 0)
        return rows
