"""AIList: the Augmented Interval List (Feng et al. 2019, doi:10.1093/bioinformatics/btz407).

A long region makes a search by starts look at everything it covers. AIList takes such regions
out of the list into a further one, and out of that again, until no region covers most of those
that follow it; each list is augmented with the running maximum of its ends, which says where
regions that reach a query begin. A query asks each of the few lists in turn.

Here the running maximum is kept once per bucket of coordinates rather than once per region, and
what the lists answer is merged into genome order.
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from gtok._kernels cimport (
    AHEAD, AT_ONCE, LOOKS, Cell, Ids, Run, Span, aligned, append_beyond, append_hits, cell_of,
    count_hits, count_many, fill_cells, goes_on, hand_over, make_room, prefetch, reserve,
)
from gtok._signals cimport check_signals
from gtok._typedefs cimport id_t, off_t, pos_t

import numpy as np

cdef enum:
    MAX_LISTS = 10   # lists a chromosome is taken apart into, at most
    LOOK_AHEAD = 20  # a region leaves its list when it covers more than half of this many behind it
    MIN_LIST = 64    # a list as short as this is left as it is


cdef off_t take_apart(const Span *spans, id_t *rows, off_t n, id_t *left) except -1 nogil:
    """Keep in `rows` what stays in this list, move the rest to `left`; how many those are."""
    cdef off_t kept = 0
    cdef off_t gone = 0
    cdef off_t i, j
    cdef int covered
    cdef pos_t end
    for i in range(n):
        check_signals(i)
        covered = 0
        end = spans[rows[i]].end
        for j in range(i + 1, min(i + 1 + LOOK_AHEAD, n)):
            covered += spans[rows[j]].end <= end
        if covered > LOOK_AHEAD // 2:
            left[gone] = rows[i]
            gone += 1
        else:
            rows[kept] = rows[i]
            kept += 1
    return gone


cdef bint merge(id_t *ids, off_t middle, off_t n, Ids *scratch) noexcept nogil:
    """Merge the ascending halves ids[:middle] and ids[middle:n]; False without memory."""
    cdef off_t i = middle - 1
    cdef off_t j = n - middle - 1
    cdef off_t k = n - 1
    if ids[middle - 1] <= ids[middle]:
        return True
    scratch.size = 0
    if not reserve(scratch, n - middle):
        return False
    memcpy(scratch.data, &ids[middle], (n - middle) * sizeof(id_t))
    while j >= 0:
        if i >= 0 and ids[i] > scratch.data[j]:
            ids[k] = ids[i]
            i -= 1
        else:
            ids[k] = scratch.data[j]
            j -= 1
        k -= 1
    return True


@cython.final
cdef class AIList:
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
    cdef const pos_t[:, ::1] given
    cdef const id_t[::1] order
    cdef pos_t[:, ::1] spans     # by list
    cdef id_t[::1] rows          # the row of `given` that each span came from
    cdef id_t[::1] memory
    cdef Cell *cells
    cdef id_t[::1] first_run     # chromosome c's lists are first_run[c] .. first_run[c + 1] - 1
    cdef Run *runs
    cdef id_t n_chroms

    def __cinit__(self, const int64_t[::1] bounds, const pos_t[:, ::1] spans,
                  const id_t[::1] order):
        cdef off_t n = bounds[bounds.shape[0] - 1]
        cdef off_t n_cells
        cdef id_t r
        if spans.shape[0] != n:
            raise ValueError(f"expected {n} spans, found {spans.shape[0]}")
        self.bounds = bounds
        self.given = spans
        self.order = order
        self.n_chroms = <id_t> (bounds.shape[0] - 1)
        self.rows = np.arange(n, dtype=np.int32)
        self.first_run = np.zeros(self.n_chroms + 2, dtype=np.int32)
        self.spans = np.empty((n, 2), dtype=np.int32)
        self.runs = <Run *> malloc((self.n_chroms + 1) * MAX_LISTS * sizeof(Run))
        if self.runs == NULL:
            raise MemoryError()
        if n == 0:
            return
        cdef id_t[::1] left = np.empty(n, dtype=np.int32)
        with nogil:
            n_cells = self.decompose(&left[0])
        self.memory = np.empty(16 * (n_cells + 1), dtype=np.int32)
        self.cells = aligned(self.memory)
        with nogil:
            for r in range(self.first_run[self.n_chroms]):
                fill_cells(&self.runs[r], <const Span *> &self.spans[0, 0], self.cells)

    def __dealloc__(self):
        free(self.runs)

    def __reduce__(self):
        order = None if self.order is None else np.asarray(self.order)
        return AIList, (np.asarray(self.bounds), np.asarray(self.given), order)

    @property
    def n_lists(self):
        """The number of lists of the chromosome that was taken apart into the most."""
        return int(np.diff(self.first_run).max())

    cdef off_t decompose(self, id_t *left) except -1 nogil:
        """Sort the rows into lists, one run each; the number of table cells they need."""
        cdef const Span *given = <const Span *> &self.given[0, 0]
        cdef Span *spans = <Span *> &self.spans[0, 0]
        cdef id_t *rows = &self.rows[0]
        cdef id_t n_runs = 0
        cdef off_t n_cells = 0
        cdef off_t lo, hi, gone, k
        cdef int depth
        cdef id_t c
        cdef Run *run
        for c in range(self.n_chroms):
            self.first_run[c] = n_runs
            lo = self.bounds[c]
            hi = self.bounds[c + 1]
            depth = 1
            while lo < hi:
                gone = 0
                if depth < MAX_LISTS and hi - lo > MIN_LIST:
                    gone = take_apart(given, &rows[lo], hi - lo, left)
                    memcpy(&rows[hi - gone], left, gone * sizeof(id_t))
                run = &self.runs[n_runs]
                run.lo = lo
                run.hi = hi - gone
                for k in range(run.lo, run.hi):
                    check_signals(k)
                    spans[k] = given[rows[k]]
                make_room(run, spans, &n_cells)
                n_runs += 1
                lo = run.hi
                depth += 1
        self.first_run[self.n_chroms] = n_runs
        self.first_run[self.n_chroms + 1] = n_runs  # chromosomes that the universe lacks
        return n_cells

    cdef id_t code_of(self, id_t chrom) noexcept nogil:
        return chrom if 0 <= chrom < self.n_chroms else self.n_chroms

    cdef void ask_for(self, const Cell **cells, id_t chrom, pos_t start) noexcept nogil:
        """Say what a query that starts there reads first in each list, and ask for it."""
        cdef id_t c = self.code_of(chrom)
        cdef id_t r
        for r in range(self.first_run[c], self.first_run[c + 1]):
            cells[0] = &self.cells[cell_of(&self.runs[r], start)]
            prefetch(cells[0])
            cells += 1

    cdef void ask_for_rows(self, const Cell **cells, id_t chrom) noexcept nogil:
        """Ask for the rows of what is in a query's cells, which have come by now."""
        cdef const id_t *rows = &self.rows[0]
        cdef id_t c = self.code_of(chrom)
        cdef id_t r
        for r in range(self.first_run[c + 1] - self.first_run[c]):
            prefetch(&rows[cells[r].first])

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
        while lo < n and self.rows.shape[0] and not (stop and stop.is_set()):
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
        cdef off_t found
        cdef const Cell *ahead[AHEAD][MAX_LISTS]
        cdef off_t i
        cdef off_t looks = 0
        cdef id_t c, r
        for i in range(first, min(first + AHEAD, n)):
            self.ask_for(ahead[i % AHEAD], chroms[i], starts[i])
        i = first
        while i < n and looks < LOOKS:
            c = self.code_of(chroms[i])
            for r in range(self.first_run[c], self.first_run[c + 1]):
                run = &self.runs[r]
                cell = ahead[i % AHEAD][r - self.first_run[c]]
                found = count_hits(run, spans, cell, starts[i], ends[i])
                if found < 0:
                    found = count_many(run, spans, self.cells, cell, starts[i], ends[i], &looks)
                out[i] += found
            if i + AHEAD < n:
                self.ask_for(ahead[i % AHEAD], chroms[i + AHEAD], starts[i + AHEAD])
            i += 1
        return i

    def overlaps(self, const id_t[::1] chroms, const pos_t[::1] starts, const pos_t[::1] ends,
                 offsets=None, stop=None):
        """The regions that each query overlaps: offsets int64[n + 1] into ids int32[m].

        With `offsets`, zeros, they are written there. Once `stop` is set, some are missing.
        """
        cdef off_t n = chroms.shape[0]
        cdef Ids hits = Ids(NULL, 0, 0, 0)
        cdef Ids scratch = Ids(NULL, 0, 0, 0)
        cdef off_t lo = 0
        if offsets is None:
            offsets = np.zeros(n + 1, dtype=np.int64)
        cdef off_t[::1] out = offsets
        try:
            while lo < n and self.rows.shape[0] and not (stop and stop.is_set()):
                with nogil:
                    lo = self.append_some(&chroms[0], &starts[0], &ends[0], lo,
                                          min(lo + AT_ONCE, n), &out[0], &hits, &scratch)
                if lo < 0:
                    raise MemoryError()
                PyErr_CheckSignals()
            return offsets, hand_over(&hits)
        finally:
            free(scratch.data)
            free(hits.data)  # nothing is left of what was handed over

    cdef off_t append_some(self, const id_t *chroms, const pos_t *starts, const pos_t *ends,
                           off_t first, off_t n, off_t *offsets, Ids *hits,
                           Ids *scratch) noexcept nogil:
        """Append the hits of the queries first .. n - 1, or of fewer where these have very many.

        The first one that is not done; -1 without memory.
        """
        cdef const Span *spans = <const Span *> &self.spans[0, 0]
        cdef const Run *run
        cdef const Cell *cell
        cdef off_t begin, middle, k
        cdef const Cell *ahead[AHEAD][MAX_LISTS]
        cdef off_t i
        cdef id_t c, r
        cdef off_t before = hits.size
        cdef off_t enough = hits.looks + LOOKS
        for i in range(first, min(first + AHEAD, n)):
            self.ask_for(ahead[i % AHEAD], chroms[i], starts[i])
        i = first
        while i < n and hits.looks < enough:
            c = self.code_of(chroms[i])
            if i + AHEAD // 2 < n:
                self.ask_for_rows(ahead[(i + AHEAD // 2) % AHEAD], chroms[i + AHEAD // 2])
            begin = hits.size
            for r in range(self.first_run[c], self.first_run[c + 1]):
                run = &self.runs[r]
                middle = hits.size
                cell = ahead[i % AHEAD][r - self.first_run[c]]
                if not append_hits(cell, starts[i], ends[i], hits):
                    return -1
                if goes_on(cell, ends[i]) and not append_beyond(
                        run, spans, cell, starts[i], ends[i], hits):
                    return -1
                for k in range(middle, hits.size):
                    hits.data[k] = self.rows[hits.data[k]]
                if begin < middle < hits.size and not merge(
                        &hits.data[begin], middle - begin, hits.size - begin, scratch):
                    return -1
            if i + AHEAD < n:
                self.ask_for(ahead[i % AHEAD], chroms[i + AHEAD], starts[i + AHEAD])
            i += 1
            offsets[i] = hits.size
        if self.order is not None:
            for k in range(before, hits.size):
                hits.data[k] = self.order[hits.data[k]]
        return i
