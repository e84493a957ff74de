"""Fragments of single cells to counts of (cell, region), chunk by chunk.

Every count is a key: the cell, and below it, in as many bits as regions need, the region. Keys are
gathered until there are many, sorted by the digits that they have, and added to the sorted counts
so far. So memory follows the nonzeros, not the fragments, and the counts stand by row and column in
the end, which is the matrix.
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

from gtok._kernels cimport prefetch
from gtok._signals cimport time_to_look
from gtok._typedefs cimport id_t, off_t, pos_t

import numpy as np

cdef enum:
    MAX_DIGIT = 11          # bits per pass of the radix sort, at most
    WAIT = 1 << 21          # keys that are gathered before they are sorted, at least
    AHEAD = 24              # fragments from here is the cell to ask memory for
    LONGEST = 1000          # base pairs; longer fragments are one class of the histogram
    NUCLEOSOME = 147        # base pairs of DNA around one
    LINE = 64               # bytes of a line of a cache
    # What is known of a cell, a line of it.
    FRAGMENTS = 0
    IN_REGIONS = 1
    MITOCHONDRIAL = 2
    SUPPORTS = 3            # reads that support its fragments
    SUPPORTED = 4           # fragments of which that is known
    FREE = 5                # fragments shorter than a nucleosome's DNA
    MONO = 6                # fragments of one nucleosome
    EXCLUDED = 7
    N_STATS = 8
    # And where start sites are given.
    AT_TSS = 0              # insertions near one
    BESIDE_TSS = 1          # insertions in its flanks
    N_SITES = 2
    # The ways to count.
    FRAGMENT = 0
    INSERTION = 1
    PAIRED = 2


cdef int bits_of(uint64_t largest) noexcept nogil:
    cdef int n = 0
    while largest >> n:
        n += 1
    return n


cdef object grown(table, off_t n_rows):
    """A table of more rows, the first at the beginning of a line of the cache."""
    n_columns = table.shape[1]
    # Not np.zeros: a page that is read before it is written to is faulted in twice.
    memory = np.empty(n_rows * n_columns + LINE // 8, dtype=np.int64)
    memory.fill(0)
    first = -memory.ctypes.data % LINE // 8
    larger = memory[first:first + n_rows * n_columns].reshape(n_rows, n_columns)
    larger[:len(table)] = table
    return larger


@cython.final
cdef class FragmentCounter:
    """Counts of fragments by cell and region, and what else is known of each cell.

    Parameters
    ----------
    counting : int
        0 for fragments that overlap a region, 1 for insertions (both ends) in it, 2 for fragments
        with an insertion in it.
    starts, ends : int32[n]
        The regions, by id.
    stop : Stop
        Set by another thread when nobody waits for the counts any more.

    Raises
    ------
    KeyboardInterrupt
        By `add` and `matrix`, in the middle of it, once `stop` is set. Counts are of no use then,
        nor after what a signal's handler raised.
    """

    cdef int counting
    cdef const pos_t[::1] starts
    cdef const pos_t[::1] ends
    cdef int n_low              # bits of a key that are the region
    cdef uint64_t *waiting
    cdef off_t n_waiting
    cdef off_t room
    cdef uint64_t *keys         # ascending, none twice
    cdef uint32_t *counts
    cdef off_t n_keys
    cdef int64_t[:, ::1] stats  # N_STATS per cell, each cell's in one line of the cache
    cdef int64_t[:, ::1] sites  # N_SITES per cell
    cdef off_t n_cells
    cdef int64_t[::1] lengths   # of all fragments, a histogram
    cdef unsigned char[::1] met  # chromosomes
    cdef object stop

    def __cinit__(self, int counting, const pos_t[::1] starts, const pos_t[::1] ends, stop):
        self.counting = counting
        self.stop = stop
        self.starts = starts
        self.ends = ends
        self.n_low = bits_of(starts.shape[0])
        self.stats = np.empty((0, N_STATS), dtype=np.int64)
        self.sites = np.empty((0, N_SITES), dtype=np.int64)
        self.lengths = np.zeros(LONGEST + 1, dtype=np.int64)
        self.met = np.empty(0, dtype=np.uint8)

    def __dealloc__(self):
        free(self.waiting)
        free(self.keys)
        free(self.counts)

    def __reduce__(self):
        raise TypeError("a counter in the middle of a file cannot be pickled")

    def expect(self, off_t n_cells, off_t n_chroms):
        """Have room for what is known of so many cells and chromosomes."""
        cdef off_t room = self.stats.shape[0]
        if n_cells > room:
            room = n_cells + (n_cells >> 1) + 1024
            self.stats = grown(np.asarray(self.stats), room)
            if self.sites.shape[0]:
                self.sites = grown(np.asarray(self.sites), room)
        if n_chroms > self.met.shape[0]:
            self.met = np.concatenate(
                [self.met, np.zeros(n_chroms - self.met.shape[0], dtype=np.uint8)])
        self.n_cells = max(self.n_cells, n_cells)

    def chroms_met(self):
        """Whether there was a fragment on each chromosome, uint8 by code."""
        return np.asarray(self.met).copy()

    def add(self, const id_t[::1] chroms, const pos_t[::1] starts, const pos_t[::1] ends,
            const id_t[::1] cells, const id_t[::1] supports, const off_t[::1] offsets,
            const id_t[::1] ids, const unsigned char[::1] mitochondrial,
            const unsigned char[::1] excluded):
        """Count fragments.

        Parameters
        ----------
        chroms, starts, ends : int32[n]
            Fragments.
        cells : int32[n]
            The cell of each; those of -1 are passed over.
        supports : int32[n]
            The reads that support each, -1 where that is not known.
        offsets, ids
            The regions that each overlaps.
        mitochondrial : uint8
            Whether a chromosome is, by code.
        excluded : uint8[n] or None
            Whether a fragment is to be left out.
        """
        cdef const unsigned char *left_out = NULL
        if chroms.shape[0] == 0:
            return
        if excluded is not None:
            left_out = &excluded[0]
        with nogil:
            self.add_all(&chroms[0], &starts[0], &ends[0], &cells[0], &supports[0],
                         &offsets[0], &ids[0] if ids.shape[0] else NULL, &mitochondrial[0],
                         left_out, chroms.shape[0])

    cdef int add_all(self, const id_t *chroms, const pos_t *starts, const pos_t *ends,
                     const id_t *cells, const id_t *supports, const off_t *offsets,
                     const id_t *ids, const unsigned char *mitochondrial,
                     const unsigned char *excluded, off_t n) except -1 nogil:
        cdef int64_t *all_stats = &self.stats[0, 0]
        cdef int64_t *lengths = &self.lengths[0]
        cdef unsigned char *met = &self.met[0]
        cdef int64_t *stats
        cdef off_t i, n_hits
        cdef pos_t length
        for i in range(n):
            met[chroms[i]] = 1
            if i + AHEAD < n and cells[i + AHEAD] >= 0:
                prefetch(all_stats + <off_t> cells[i + AHEAD] * N_STATS)
            if cells[i] < 0:
                continue
            stats = all_stats + <off_t> cells[i] * N_STATS
            if excluded != NULL and excluded[i]:
                stats[EXCLUDED] += 1
                continue
            length = ends[i] - starts[i]
            n_hits = offsets[i + 1] - offsets[i]
            stats[FRAGMENTS] += 1
            stats[SUPPORTS] += max(supports[i], 0)
            stats[SUPPORTED] += supports[i] >= 0
            stats[FREE] += length < NUCLEOSOME
            stats[MONO] += NUCLEOSOME <= length < 2 * NUCLEOSOME
            lengths[min(length, <pos_t> LONGEST)] += 1
            stats[MITOCHONDRIAL] += mitochondrial[chroms[i]]
            if n_hits:
                stats[IN_REGIONS] += not mitochondrial[chroms[i]]
                self.add_keys(cells[i], starts[i], ends[i], ids + offsets[i], n_hits)
        return 0

    cdef inline int add_keys(self, off_t cell, pos_t start, pos_t end, const id_t *ids,
                             off_t n) except -1 nogil:
        """Count a fragment in the regions that it overlaps."""
        cdef uint64_t row = <uint64_t> cell << self.n_low
        cdef const pos_t *starts = &self.starts[0]
        cdef const pos_t *ends = &self.ends[0]
        cdef uint64_t *out
        cdef off_t k
        cdef id_t region
        cdef int left, right
        if self.n_waiting + 2 * n > self.room:
            self.make_room(2 * n)
        out = self.waiting + self.n_waiting
        for k in range(n):
            region = ids[k]
            # Both are written, and written over where they do not count.
            left = 1
            right = 0
            if self.counting != FRAGMENT:
                left = (starts[region] <= start) & (start < ends[region])
                right = (starts[region] < end) & (end <= ends[region])
                if self.counting == PAIRED:
                    left |= right
                    right = 0
            out[0] = row | <uint64_t> region
            out += left
            out[0] = row | <uint64_t> region
            out += right
        self.n_waiting = out - self.waiting
        return 0

    cdef int make_room(self, off_t n) except -1 nogil:
        """Have room for n further keys."""
        cdef uint64_t *waiting
        cdef off_t room
        # As many wait as there are counts already: each is moved a bounded number of times.
        if self.n_waiting >= max(<off_t> WAIT, self.n_keys):
            self.settle()
        if self.n_waiting + n > self.room:
            room = self.room + (self.room >> 1) + n + 65536
            waiting = <uint64_t *> realloc(self.waiting, room * sizeof(uint64_t))
            if waiting == NULL:
                with gil:
                    raise MemoryError()
            self.waiting = waiting
            self.room = room
        return 0

    cdef int settle(self) except -1 nogil:
        """Sort what waits and add it to the counts."""
        cdef off_t n = self.n_waiting
        cdef uint64_t *sorted
        cdef uint64_t *scratch = NULL
        cdef uint64_t *keys = NULL
        cdef uint32_t *counts = NULL
        cdef off_t distinct = 0
        cdef off_t size, j
        if n == 0:
            return 0
        try:
            scratch = <uint64_t *> malloc(n * sizeof(uint64_t))
            if scratch == NULL:
                with gil:
                    raise MemoryError()
            sorted = self.sort_waiting(scratch)
            for j in range(n):
                if time_to_look(j):
                    self.look()
                distinct += j == 0 or sorted[j] != sorted[j - 1]
            keys = <uint64_t *> malloc((self.n_keys + distinct) * sizeof(uint64_t))
            counts = <uint32_t *> malloc((self.n_keys + distinct) * sizeof(uint32_t))
            if keys == NULL or counts == NULL:
                with gil:
                    raise MemoryError()
            size = self.merge(sorted, keys, counts)
            free(self.keys)
            free(self.counts)
            self.keys = <uint64_t *> realloc(keys, size * sizeof(uint64_t))
            self.counts = <uint32_t *> realloc(counts, size * sizeof(uint32_t))
            if self.keys == NULL:
                self.keys = keys
            if self.counts == NULL:
                self.counts = counts
            keys = NULL
            counts = NULL
            self.n_keys = size
            self.n_waiting = 0
        finally:
            free(scratch)
            free(keys)
            free(counts)
        return 0

    cdef uint64_t *sort_waiting(self, uint64_t *scratch) except NULL nogil:
        """Sort the keys that wait, by the digits that they have; where they then are."""
        cdef off_t[1 << MAX_DIGIT] places
        cdef off_t n = self.n_waiting
        cdef off_t i, total, count
        cdef uint64_t key, mask
        cdef uint64_t *keys = self.waiting
        cdef uint64_t *swap
        cdef int n_bits = self.n_low + bits_of(self.n_cells)
        cdef int n_passes = (n_bits + MAX_DIGIT - 1) // MAX_DIGIT
        cdef int digit, p
        digit = (n_bits + n_passes - 1) // n_passes
        mask = (<uint64_t> 1 << digit) - 1
        for p in range(n_passes):
            memset(places, 0, sizeof(places))
            for i in range(n):
                if time_to_look(i):
                    self.look()
                places[(keys[i] >> (p * digit)) & mask] += 1
            total = 0
            for i in range(1 << digit):
                count = places[i]
                places[i] = total
                total += count
            for i in range(n):
                if time_to_look(i):
                    self.look()
                key = keys[i]
                scratch[places[(key >> (p * digit)) & mask]] = key
                places[(key >> (p * digit)) & mask] += 1
            swap = keys
            keys = scratch
            scratch = swap
        return keys

    cdef off_t merge(self, const uint64_t *sorted, uint64_t *keys,
                     uint32_t *counts) except -1 nogil:
        """Add sorted keys to the counts; how many there are then."""
        cdef off_t n = self.n_waiting
        cdef off_t size = 0
        cdef off_t i = 0
        cdef off_t j = 0
        cdef uint64_t key
        while i < self.n_keys or j < n:
            if time_to_look(size):
                self.look()
            if j == n or (i < self.n_keys and self.keys[i] <= sorted[j]):
                key = self.keys[i]
                counts[size] = self.counts[i]
                i += 1
            else:
                key = sorted[j]
                counts[size] = 0
            keys[size] = key
            while j < n and sorted[j] == key:
                counts[size] += 1
                j += 1
            size += 1
        return size

    cdef int look(self) except -1 nogil:
        """Raise what a signal's handler raises, or what the thread that waited has met."""
        with gil:
            PyErr_CheckSignals()
            if self.stop.is_set():
                raise KeyboardInterrupt()
        return 0

    def count_sites(self, const id_t[::1] cells, const int64_t[::1] at, const int64_t[::1] beside,
                    const unsigned char[::1] excluded):
        """Add, for each fragment, its insertions near start sites and those in their flanks."""
        cdef off_t i
        if self.sites.shape[0] == 0:
            self.sites = np.zeros((self.stats.shape[0], N_SITES), dtype=np.int64)
        with nogil:
            for i in range(cells.shape[0]):
                if cells[i] >= 0 and (excluded is None or not excluded[i]):
                    self.sites[cells[i], AT_TSS] += at[i]
                    self.sites[cells[i], BESIDE_TSS] += beside[i]

    def matrix(self):
        """The rows of a CSR matrix: indptr int64[n + 1], indices int32[nnz], data uint32[nnz]."""
        cdef uint64_t mask = (<uint64_t> 1 << self.n_low) - 1
        cdef off_t i
        with nogil:
            self.settle()
            free(self.waiting)
            self.waiting = NULL
            self.room = 0
        indptr = np.zeros(self.n_cells + 1, dtype=np.int64)
        indices = np.empty(self.n_keys, dtype=np.int32)
        data = np.empty(self.n_keys, dtype=np.uint32)
        cdef int64_t[::1] out_rows = indptr
        cdef id_t[::1] out_columns = indices
        cdef uint32_t[::1] out_counts = data
        with nogil:
            for i in range(self.n_keys):
                if time_to_look(i):
                    self.look()
                out_rows[(self.keys[i] >> self.n_low) + 1] += 1
                out_columns[i] = <id_t> (self.keys[i] & mask)
                out_counts[i] = self.counts[i]
            for i in range(self.n_cells):
                out_rows[i + 1] += out_rows[i]
        return indptr, indices, data

    def statistics(self):
        """What is known of each cell, int64[n_cells, 8], the insertions at and beside start sites,
        int64[n_cells, 2], and the histogram of lengths."""
        sites = np.zeros((self.n_cells, N_SITES), dtype=np.int64)
        if self.sites.shape[0]:
            sites[:] = self.sites[:self.n_cells]
        return np.array(self.stats[:self.n_cells]), sites, np.asarray(self.lengths).copy()
