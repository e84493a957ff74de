"""Fragments of single cells to counts of (cell, region), chunk by chunk.

Every count is a key, the cell in its upper half and the region in its lower one. Keys are gathered
until there are many, sorted by the digits that they have, and added to the sorted counts so far.
So memory follows the nonzeros, not the fragments, and the counts stand by row and column in the
end, which is the matrix.
"""

cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memset

from gtok._typedefs cimport id_t, off_t, pos_t

import numpy as np

cdef enum:
    DIGIT = 11              # bits per pass of the radix sort
    WAIT = 1 << 21          # keys that are gathered before they are sorted, at least
    LONGEST = 1000          # base pairs; longer fragments are one class of the histogram
    NUCLEOSOME = 147        # base pairs of DNA around one
    # What is known of a cell.
    FRAGMENTS = 0
    IN_REGIONS = 1
    MITOCHONDRIAL = 2
    SUPPORTS = 3            # reads that support its fragments
    SUPPORTED = 4           # fragments of which that is known
    FREE = 5                # fragments shorter than a nucleosome's DNA
    MONO = 6                # fragments of one nucleosome
    EXCLUDED = 7
    AT_TSS = 8              # insertions near a transcription start site
    BESIDE_TSS = 9          # insertions in its flanks
    N_STATS = 10
    # The ways to count.
    FRAGMENT = 0
    INSERTION = 1
    PAIRED = 2


cdef uint64_t *sort_keys(uint64_t *keys, uint64_t *scratch, off_t n, int n_low,
                         int n_high) noexcept nogil:
    """Sort keys of `n_low` bits in the lower half and `n_high` in the upper; where they then are."""
    cdef off_t[1 << DIGIT] places
    cdef off_t i, total, count
    cdef uint64_t digit
    cdef uint64_t *swap
    cdef int shift = 0
    cdef int half
    for half in range(2):
        shift = 32 * half
        while shift < 32 * half + (n_high if half else n_low):
            memset(places, 0, sizeof(places))
            for i in range(n):
                places[(keys[i] >> shift) & ((1 << DIGIT) - 1)] += 1
            total = 0
            for i in range(1 << DIGIT):
                count = places[i]
                places[i] = total
                total += count
            for i in range(n):
                digit = (keys[i] >> shift) & ((1 << DIGIT) - 1)
                scratch[places[digit]] = keys[i]
                places[digit] += 1
            swap = keys
            keys = scratch
            scratch = swap
            shift += DIGIT
    return keys


cdef int bits_of(uint64_t largest) noexcept nogil:
    cdef int n = 0
    while n < 32 and largest >> n:
        n += 1
    return n


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
    """

    cdef int counting
    cdef const pos_t[::1] starts
    cdef const pos_t[::1] ends
    cdef uint64_t *waiting
    cdef off_t n_waiting
    cdef off_t room
    cdef uint64_t *keys         # ascending, none twice
    cdef uint32_t *counts
    cdef off_t n_keys
    cdef int64_t *stats         # N_STATS per cell
    cdef off_t n_cells
    cdef off_t cells_room
    cdef int64_t[::1] lengths   # of all fragments, a histogram

    def __cinit__(self, int counting, const pos_t[::1] starts, const pos_t[::1] ends):
        self.counting = counting
        self.starts = starts
        self.ends = ends
        self.lengths = np.zeros(LONGEST + 1, dtype=np.int64)

    def __dealloc__(self):
        free(self.waiting)
        free(self.keys)
        free(self.counts)
        free(self.stats)

    def __reduce__(self):
        raise TypeError("a counter in the middle of a file cannot be pickled")

    def expect_cells(self, off_t n_cells):
        """Have statistics for so many cells."""
        cdef int64_t *stats
        cdef off_t room
        if n_cells > self.cells_room:
            room = n_cells + (n_cells >> 1) + 1024
            stats = <int64_t *> realloc(self.stats, room * N_STATS * sizeof(int64_t))
            if stats == NULL:
                raise MemoryError()
            memset(stats + self.cells_room * N_STATS, 0,
                   (room - self.cells_room) * N_STATS * sizeof(int64_t))
            self.stats = stats
            self.cells_room = room
        self.n_cells = max(self.n_cells, n_cells)

    def add(self, const id_t[::1] cells, const pos_t[::1] starts, const pos_t[::1] ends,
            const id_t[::1] supports, const off_t[::1] offsets, const id_t[::1] ids,
            const unsigned char[::1] flags):
        """Count fragments.

        Parameters
        ----------
        cells : int32[n]
            The cell of each fragment; those of -1 are passed over.
        starts, ends, supports : int32[n]
            Fragments, and the reads that support them, -1 where that is not known.
        offsets, ids
            The regions that each overlaps.
        flags : uint8[n]
            1 for a fragment to be left out, 2 for a mitochondrial one.
        """
        cdef off_t n = cells.shape[0]
        cdef off_t i
        cdef bint done = True
        if n == 0:
            return
        with nogil:
            for i in range(n):
                if cells[i] >= 0 and not self.add_one(
                        cells[i], starts[i], ends[i], supports[i], flags[i],
                        &ids[0] + offsets[i] if offsets[i + 1] > offsets[i] else NULL,
                        offsets[i + 1] - offsets[i]):
                    done = False
                    break
        if not done:
            raise MemoryError()

    cdef bint add_one(self, off_t cell, pos_t start, pos_t end, id_t support, unsigned char flag,
                      const id_t *ids, off_t n) noexcept nogil:
        cdef int64_t *stats = self.stats + cell * N_STATS
        cdef pos_t length = end - start
        cdef off_t k
        cdef id_t region
        cdef int left, right
        cdef uint64_t row = <uint64_t> cell << 32
        if flag & 1:
            stats[EXCLUDED] += 1
            return True
        stats[FRAGMENTS] += 1
        stats[SUPPORTS] += max(support, 0)
        stats[SUPPORTED] += support >= 0
        stats[FREE] += length < NUCLEOSOME
        stats[MONO] += NUCLEOSOME <= length < 2 * NUCLEOSOME
        self.lengths[min(length, <pos_t> LONGEST)] += 1
        if flag & 2:
            stats[MITOCHONDRIAL] += 1
        elif n:
            stats[IN_REGIONS] += 1
        if n == 0:
            return True
        if self.n_waiting + 2 * n > self.room and not self.make_room(2 * n):
            return False
        for k in range(n):
            region = ids[k]
            # Both are written, and written over where they do not count.
            if self.counting == FRAGMENT:
                left = 1
                right = 0
            else:
                left = (self.starts[region] <= start) & (start < self.ends[region])
                right = (self.starts[region] < end) & (end <= self.ends[region])
                if self.counting == PAIRED:
                    left |= right
                    right = 0
            self.waiting[self.n_waiting] = row | <uint32_t> region
            self.n_waiting += left
            self.waiting[self.n_waiting] = row | <uint32_t> region
            self.n_waiting += right
        return True

    cdef bint make_room(self, off_t n) noexcept nogil:
        """Have room for n further keys; False without memory."""
        cdef uint64_t *waiting
        cdef off_t room
        # As many wait as there are counts already: each is moved a bounded number of times.
        if self.n_waiting >= max(<off_t> WAIT, self.n_keys) and not self.settle():
            return False
        if self.n_waiting + n > self.room:
            room = self.room + (self.room >> 1) + n + 65536
            waiting = <uint64_t *> realloc(self.waiting, room * sizeof(uint64_t))
            if waiting == NULL:
                return False
            self.waiting = waiting
            self.room = room
        return True

    cdef bint settle(self) noexcept nogil:
        """Sort what waits and add it to the counts; False without memory."""
        cdef off_t n = self.n_waiting
        cdef uint64_t *scratch
        cdef uint64_t *sorted
        cdef uint64_t *keys
        cdef uint32_t *counts
        cdef uint64_t key
        cdef off_t i = 0
        cdef off_t j = 0
        cdef off_t size = 0
        cdef off_t distinct = 0
        if n == 0:
            return True
        scratch = <uint64_t *> malloc(n * sizeof(uint64_t))
        if scratch == NULL:
            return False
        sorted = sort_keys(self.waiting, scratch, n, bits_of(self.starts.shape[0]),
                           bits_of(self.n_cells))
        for j in range(n):
            distinct += j == 0 or sorted[j] != sorted[j - 1]
        keys = <uint64_t *> malloc((self.n_keys + distinct) * sizeof(uint64_t))
        counts = <uint32_t *> malloc((self.n_keys + distinct) * sizeof(uint32_t))
        if keys == NULL or counts == NULL:
            free(keys)
            free(counts)
            free(scratch)
            return False
        j = 0
        while i < self.n_keys or j < n:
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
        free(scratch)
        free(self.keys)
        free(self.counts)
        self.keys = <uint64_t *> realloc(keys, size * sizeof(uint64_t))
        self.counts = <uint32_t *> realloc(counts, size * sizeof(uint32_t))
        if self.keys == NULL:
            self.keys = keys
        if self.counts == NULL:
            self.counts = counts
        self.n_keys = size
        self.n_waiting = 0
        return True

    def count_sites(self, const id_t[::1] cells, const int64_t[::1] at, const int64_t[::1] beside,
                    const unsigned char[::1] flags):
        """Add, for each fragment, its insertions near start sites and those in their flanks."""
        cdef off_t i
        cdef int64_t *stats
        with nogil:
            for i in range(cells.shape[0]):
                if cells[i] >= 0 and not flags[i] & 1:
                    stats = self.stats + <off_t> cells[i] * N_STATS
                    stats[AT_TSS] += at[i]
                    stats[BESIDE_TSS] += beside[i]

    def matrix(self):
        """The rows of a CSR matrix: indptr int64[n + 1], indices int32[nnz], data uint32[nnz]."""
        cdef off_t i
        cdef bint done
        with nogil:
            done = self.settle()
            free(self.waiting)
            self.waiting = NULL
            self.room = 0
        if not done:
            raise MemoryError()
        indptr = np.zeros(self.n_cells + 1, dtype=np.int64)
        indices = np.empty(self.n_keys, dtype=np.int32)
        data = np.empty(self.n_keys, dtype=np.uint32)
        cdef int64_t[::1] out_rows = indptr
        cdef id_t[::1] out_columns = indices
        cdef uint32_t[::1] out_counts = data
        with nogil:
            for i in range(self.n_keys):
                out_rows[(self.keys[i] >> 32) + 1] += 1
                out_columns[i] = <id_t> (self.keys[i] & <uint64_t> 0xFFFFFFFF)
                out_counts[i] = self.counts[i]
            for i in range(self.n_cells):
                out_rows[i + 1] += out_rows[i]
        return indptr, indices, data

    def statistics(self):
        """What is known of each cell, int64[n_cells, 10], and the histogram of lengths."""
        cdef off_t i
        table = np.zeros((self.n_cells, N_STATS), dtype=np.int64)
        cdef int64_t[:, ::1] out = table
        for i in range(self.n_cells * N_STATS):
            out[i // N_STATS, i % N_STATS] = self.stats[i]
        return table, np.asarray(self.lengths).copy()
