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
    AT_ONCE, LOOKS, Ids, Run, Span, append_hits, bucket_of, count_hits, fill_tables,
    hand_over, hits_between, pick_shift, prefetch, reserve, starts_below,
)
from gtok._typedefs cimport id_t, off_t, pos_t

import numpy as np

cdef enum:
    BLOCK = 32       # queries whose memory is asked for before the first of them is answered
    MAX_LISTS = 10   # lists a chromosome is taken apart into, at most
    LOOK_AHEAD = 20  # a region leaves its list when it covers more than half of this many behind it
    MIN_LIST = 64    # a list as short as this is left as it is


cdef off_t take_apart(const Span *spans, id_t *rows, off_t n, id_t *left) noexcept nogil:
    """Keep in `rows` what stays in this list, move the rest to `left`; how many those are."""
    cdef off_t kept = 0
    cdef off_t gone = 0
    cdef off_t i, j
    cdef int covered
    cdef pos_t end
    for i in range(n):
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
    cdef id_t[::1] firsts
    cdef id_t[::1] below
    cdef id_t[::1] first_run     # chromosome c's lists are first_run[c] .. first_run[c + 1] - 1
    cdef Run *runs
    cdef id_t n_chroms

    def __cinit__(self, const int64_t[::1] bounds, const pos_t[:, ::1] spans,
                  const id_t[::1] order):
        cdef off_t n = bounds[bounds.shape[0] - 1]
        cdef off_t n_cells
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
        self.firsts = np.zeros(n_cells, dtype=np.int32)
        self.below = np.zeros(n_cells, dtype=np.int32)
        with nogil:
            self.fill()

    def __dealloc__(self):
        free(self.runs)

    def __reduce__(self):
        order = None if self.order is None else np.asarray(self.order)
        return AIList, (np.asarray(self.bounds), np.asarray(self.given), order)

    @property
    def n_lists(self):
        """The number of lists of the chromosome that was taken apart into the most."""
        return int(np.diff(self.first_run).max())

    cdef off_t decompose(self, id_t *left) noexcept nogil:
        """Sort the rows into lists, one run each; the number of table cells they need."""
        cdef const Span *given = <const Span *> &self.given[0, 0]
        cdef id_t *rows = &self.rows[0]
        cdef id_t n_runs = 0
        cdef off_t n_cells = 0
        cdef off_t lo, hi, gone, k
        cdef int64_t furthest
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
                run.table = n_cells
                furthest = 0
                for k in range(run.lo, run.hi):
                    furthest = max(furthest, given[rows[k]].end)
                run.shift = pick_shift(furthest, run.hi - run.lo)
                run.n_buckets = (furthest >> run.shift) + 1
                n_cells += run.n_buckets + 2
                n_runs += 1
                lo = run.hi
                depth += 1
        self.first_run[self.n_chroms] = n_runs
        self.first_run[self.n_chroms + 1] = n_runs  # chromosomes that the universe lacks
        return n_cells

    cdef void fill(self) noexcept nogil:
        cdef const Span *given = <const Span *> &self.given[0, 0]
        cdef Span *spans = <Span *> &self.spans[0, 0]
        cdef off_t k
        cdef id_t r
        for k in range(self.rows.shape[0]):
            spans[k] = given[self.rows[k]]
        for r in range(self.first_run[self.n_chroms]):
            fill_tables(&self.runs[r], spans, &self.firsts[0], &self.below[0])

    cdef id_t code_of(self, id_t chrom) noexcept nogil:
        return chrom if 0 <= chrom < self.n_chroms else self.n_chroms

    cdef void warm(self, const id_t[::1] chroms, const pos_t[::1] starts, off_t lo, off_t hi,
                   off_t *los) noexcept nogil:
        """Ask for the memory that the queries lo .. hi - 1 will read, and say where each begins.

        In list r of its chromosome, query i begins with los[(i - lo) * MAX_LISTS + r].
        """
        cdef const Span *spans = <const Span *> &self.spans[0, 0]
        cdef const id_t *firsts = &self.firsts[0]
        cdef const Run *run
        cdef off_t i, k
        cdef id_t c, r
        for i in range(lo, hi):
            c = self.code_of(chroms[i])
            for r in range(self.first_run[c], self.first_run[c + 1]):
                run = &self.runs[r]
                k = run.table + bucket_of(run, starts[i])
                los[(i - lo) * MAX_LISTS + r - self.first_run[c]] = k
                prefetch(&firsts[k])
        for i in range(lo, hi):
            c = self.code_of(chroms[i])
            for r in range(self.first_run[c + 1] - self.first_run[c]):
                k = firsts[los[(i - lo) * MAX_LISTS + r]]
                los[(i - lo) * MAX_LISTS + r] = k
                prefetch(&spans[k])
                prefetch(&spans[k + 3])
                prefetch(&self.rows[k])

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
                lo = self.count_some(chroms, starts, ends, lo, min(lo + AT_ONCE, n), out)
            PyErr_CheckSignals()
        return counts

    cdef off_t count_some(self, const id_t[::1] chroms, const pos_t[::1] starts,
                          const pos_t[::1] ends, off_t first, off_t n,
                          int64_t[::1] out) noexcept nogil:
        """Count for the queries first .. n - 1, or fewer; the first one that is not done."""
        cdef const Span *spans = <const Span *> &self.spans[0, 0]
        cdef off_t block, stop, i, lo, hi, within, found
        cdef off_t[BLOCK * MAX_LISTS] los
        cdef const Run *run
        cdef off_t looks = 0
        cdef id_t c, r
        block = first
        while block < n and looks < LOOKS:
            stop = min(block + BLOCK, n)
            self.warm(chroms, starts, block, stop, los)
            for i in range(block, stop):
                c = self.code_of(chroms[i])
                for r in range(self.first_run[c], self.first_run[c + 1]):
                    run = &self.runs[r]
                    lo = los[(i - block) * MAX_LISTS + r - self.first_run[c]]
                    found = count_hits(run, spans, lo, starts[i], ends[i])
                    if found >= 0:
                        out[i] += found
                        continue
                    hi = starts_below(run, spans, &self.below[0], ends[i])
                    if starts[i] < ends[i]:
                        # Whatever starts within the query is a hit; of what starts before it or
                        # where it does, what reaches into it.
                        within = starts_below(run, spans, &self.below[0], starts[i] + 1)
                        within = max(within, lo)
                        out[i] += hi - within
                        hi = within
                    looks += hi - lo
                    out[i] += hits_between(spans, lo, hi, starts[i], ends[i])
            block = stop
        return block

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
                    lo = self.append_some(chroms, starts, ends, lo, min(lo + AT_ONCE, n), out,
                                          &hits, &scratch)
                if lo < 0:
                    raise MemoryError()
                PyErr_CheckSignals()
            return offsets, hand_over(&hits)
        finally:
            free(scratch.data)
            free(hits.data)  # nothing is left of what was handed over

    cdef off_t append_some(self, const id_t[::1] chroms, const pos_t[::1] starts,
                           const pos_t[::1] ends, off_t first, off_t n, off_t[::1] offsets,
                           Ids *hits, Ids *scratch) noexcept nogil:
        """Append the hits of the queries first .. n - 1, or of fewer where these have very many.

        The first one that is not done; -1 without memory.
        """
        cdef const Span *spans = <const Span *> &self.spans[0, 0]
        cdef off_t block, stop, i, begin, middle, lo, k
        cdef off_t[BLOCK * MAX_LISTS] los
        cdef const Run *run
        cdef id_t c, r
        cdef off_t before = hits.size
        cdef off_t enough = hits.looks + LOOKS
        block = first
        while block < n and hits.looks < enough:
            stop = min(block + BLOCK, n)
            self.warm(chroms, starts, block, stop, los)
            for i in range(block, stop):
                c = self.code_of(chroms[i])
                begin = hits.size
                for r in range(self.first_run[c], self.first_run[c + 1]):
                    run = &self.runs[r]
                    middle = hits.size
                    lo = los[(i - block) * MAX_LISTS + r - self.first_run[c]]
                    if not append_hits(run, spans, lo, starts[i], ends[i], hits):
                        return -1
                    for k in range(middle, hits.size):
                        hits.data[k] = self.rows[hits.data[k]]
                    if begin < middle < hits.size and not merge(
                            &hits.data[begin], middle - begin, hits.size - begin, scratch):
                        return -1
                offsets[i + 1] = hits.size
            block = stop
        if self.order is not None:
            for k in range(before, hits.size):
                hits.data[k] = self.order[hits.data[k]]
        return block
