# What both overlap indexes share. All of it is inline and without the GIL. What queries use raises
# no exception: running out of memory is reported by a return value and raised by the caller.

from cython cimport view
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from gtok._signals cimport check_signals
from gtok._typedefs cimport id_t, off_t, pos_t

cdef extern from *:
    """
    #include <stddef.h>
    #include <stdint.h>

    /* Compilers remove calls of a function that does nothing but prefetch; not with the asm. */
    static inline void gtok_prefetch(const void *p) {
    #if defined(__GNUC__) || defined(__clang__)
        __builtin_prefetch(p, 0, 3);
        __asm__ volatile("" : : "r"(p));
    #else
        (void)p;
    #endif
    }

    #if defined(__linux__)
    #include <sys/mman.h>
    #endif

    /* Large columns are written once, from front to back: in pages of 2 MiB where Linux has them,
       that takes a hundredth of the page faults. Only a hint; whether it is taken is no matter. */
    static inline void gtok_in_large_pages(void *data, size_t size) {
    #if defined(__linux__) && defined(MADV_HUGEPAGE)
        uintptr_t page = 1u << 21;
        uintptr_t begin = ((uintptr_t)data + page - 1) & ~(page - 1);
        uintptr_t end = ((uintptr_t)data + size) & ~(page - 1);
        if (end > begin) (void)madvise((void *)begin, end - begin, MADV_HUGEPAGE);
    #else
        (void)data; (void)size;
    #endif
    }

    #define GTOK_LANES 7

    /* One line of the cache; what it says stands at Cell below. */
    typedef struct {
        int32_t first;
        int32_t starts[GTOK_LANES];
        int32_t below;
        int32_t ends[GTOK_LANES];
    } gtok_cell;

    #if defined(__SSE2__)
    #include <emmintrin.h>

    /* Eight bytes, 0xFF for each region of the cell that overlaps [start, end); the first one, and
       the eight behind them, mean nothing. */
    static inline __m128i gtok_overlapping(const gtok_cell *cell, int32_t start, int32_t end) {
        const __m128i *at = (const __m128i *)cell;
        __m128i s = _mm_set1_epi32(start), e = _mm_set1_epi32(end);
        __m128i low = _mm_and_si128(_mm_cmplt_epi32(_mm_load_si128(at), e),
                                    _mm_cmpgt_epi32(_mm_load_si128(at + 2), s));
        __m128i high = _mm_and_si128(_mm_cmplt_epi32(_mm_load_si128(at + 1), e),
                                     _mm_cmpgt_epi32(_mm_load_si128(at + 3), s));
        return _mm_packs_epi16(_mm_packs_epi32(low, high), _mm_setzero_si128());
    }

    /* A bit for each region of the cell, set where it overlaps [start, end). */
    static inline unsigned gtok_hits_in(const gtok_cell *cell, int32_t start, int32_t end) {
        return (unsigned)_mm_movemask_epi8(gtok_overlapping(cell, start, end)) >> 1;
    }

    /* first, first + 1, ... eight of them. */
    static inline void gtok_write_row(int32_t *ids, int32_t first) {
        __m128i low = _mm_add_epi32(_mm_set1_epi32(first), _mm_set_epi32(3, 2, 1, 0));
        _mm_storeu_si128((__m128i *)ids, low);
        _mm_storeu_si128((__m128i *)ids + 1, _mm_add_epi32(low, _mm_set1_epi32(4)));
    }

    static inline int gtok_n_hits_in(const gtok_cell *cell, int32_t start, int32_t end) {
        __m128i ones = _mm_set_epi32(0, 0, 0x01010101, 0x01010100);
        __m128i hits = _mm_and_si128(gtok_overlapping(cell, start, end), ones);
        return _mm_cvtsi128_si32(_mm_sad_epu8(hits, _mm_setzero_si128()));
    }
    #else
    static inline unsigned gtok_hits_in(const gtok_cell *cell, int32_t start, int32_t end) {
        unsigned hits = 0;
        for (int j = 0; j < GTOK_LANES; j++)
            hits |= (unsigned)((cell->starts[j] < end) & (cell->ends[j] > start)) << j;
        return hits;
    }

    static inline void gtok_write_row(int32_t *ids, int32_t first) {
        for (int j = 0; j < 8; j++) ids[j] = first + j;
    }

    static inline int gtok_n_hits_in(const gtok_cell *cell, int32_t start, int32_t end) {
        int n = 0;
        for (int j = 0; j < GTOK_LANES; j++)
            n += (cell->starts[j] < end) & (cell->ends[j] > start);
        return n;
    }
    #endif

    /* The number of the lowest bit that is set; there is one. */
    static inline int gtok_lowest(unsigned bits) {
    #if defined(__GNUC__) || defined(__clang__)
        return __builtin_ctz(bits);
    #else
        int n = 0;
        while (!(bits >> n & 1)) n++;
        return n;
    #endif
    }

    /* Write first + j for each bit j that is set; how many. Up to eight ids are written, whatever
       they are. Regions that do not overlap each other are hit in a row. */
    static inline int gtok_write_hits(int32_t *ids, int32_t first, unsigned hits) {
        int skip = gtok_lowest(hits | 1u << GTOK_LANES);
        unsigned in_row = hits >> skip;
        int n = 0;
        if ((in_row & (in_row + 1)) == 0) {
            gtok_write_row(ids, first + skip);
            return gtok_lowest(~in_row);
        }
        for (int j = 0; j < GTOK_LANES; j++) {
            ids[n] = first + j;
            n += hits >> j & 1;
        }
        return n;
    }
    """
    # A cell of the table over a run: what the queries that start in a bucket read first, and mostly
    # all that they read. Behind the run's last region are such as nothing overlaps.
    ctypedef struct Cell "gtok_cell":
        id_t first          # none before this region ends behind the bucket's start
        pos_t starts[7]     # its start, and those of the next ones
        id_t below          # the first that does not start before the bucket
        pos_t ends[7]
    int LANES "GTOK_LANES"
    unsigned int hits_in "gtok_hits_in"(const Cell *, pos_t start, pos_t end) noexcept nogil
    int n_hits_in "gtok_n_hits_in"(const Cell *, pos_t start, pos_t end) noexcept nogil
    int write_hits "gtok_write_hits"(id_t *, id_t first, unsigned int hits) noexcept nogil
    void prefetch "gtok_prefetch"(const void *) noexcept nogil
    void in_large_pages "gtok_in_large_pages"(void *, size_t) noexcept nogil


cdef enum:
    LARGE = 1 << 22   # bytes of a column from which large pages pay
    AT_ONCE = 1 << 16  # queries that are answered before signals, Ctrl-C say, are looked at,
    LOOKS = 1 << 24    # or regions looked at for them, some 50 ms
    AHEAD = 32        # queries between the one that is answered and the one whose cell is asked for
    PER_CELL = 3      # regions to a bucket, on average
    MANY = 32         # candidates from which they are counted without looking at them
    LAST = 2147483647  # what no region starts behind


# A run of regions in genome order (one chromosome, or one list of one), and the table over it:
# buckets of equal width, a cell each.
ctypedef struct Run:
    off_t lo            # the first region
    off_t hi            # behind the last one
    off_t table         # the run's first cell
    int64_t n_cells     # one more than there are buckets: its `below` closes the last one
    int64_t reach       # the furthest end; positions behind it share its bucket
    uint64_t scale      # buckets per base pair, times 2^32


ctypedef struct Span:
    pos_t start
    pos_t end


# A column that grows while it is written.
ctypedef struct Ids:
    id_t *data
    off_t size
    off_t capacity
    off_t looks         # regions looked at for it, but for the few of every query


cdef inline bint reserve(Ids *ids, off_t more) noexcept nogil:
    """Make room for `more` further items; False where there is no memory."""
    cdef off_t needed = ids.size + more
    cdef off_t capacity
    cdef id_t *data
    if needed <= ids.capacity:
        return True
    capacity = ids.capacity + (ids.capacity >> 1) + 1024
    if capacity < needed:
        capacity = needed
    data = <id_t *> realloc(ids.data, capacity * sizeof(id_t))
    if data == NULL:
        return False
    ids.data = data
    ids.capacity = capacity
    if capacity * sizeof(id_t) >= <size_t> LARGE:
        in_large_pages(data, capacity * sizeof(id_t))
    return True


cdef inline object hand_over(Ids *ids):
    """The column as a NumPy array, which owns the memory from now on; the column is empty then."""
    import numpy as np

    cdef view.array array
    cdef id_t *data = ids.data
    cdef id_t *smaller
    cdef off_t size = ids.size
    ids.data = NULL
    ids.size = ids.capacity = 0
    if size == 0:
        free(data)
        return np.empty(0, dtype=np.int32)
    smaller = <id_t *> realloc(data, size * sizeof(id_t))
    array = <id_t[:size]> (smaller if smaller != NULL else data)
    array.callback_free_data = free
    return np.asarray(array)


cdef inline object take_out(Ids *ids):
    """The column as a NumPy array; the column is empty then.

    Of a small one a copy, so that its memory, which is in the cache, is written to again.
    """
    import numpy as np

    cdef id_t[::1] copied
    if ids.size == 0 or ids.size * sizeof(id_t) >= <size_t> LARGE:
        return hand_over(ids)
    copy = np.empty(ids.size, dtype=np.int32)
    copied = copy
    memcpy(&copied[0], ids.data, ids.size * sizeof(id_t))
    ids.size = 0
    return copy


cdef inline void make_room(Run *run, const Span *spans, off_t *n_cells) noexcept nogil:
    """Say how wide the buckets are of a run whose lo and hi are known, and where its cells lie."""
    cdef off_t n = run.hi - run.lo
    cdef off_t crowded = 0
    cdef off_t k
    cdef int64_t n_buckets, width
    run.reach = 0
    for k in range(run.lo, run.hi):
        run.reach = max(run.reach, spans[k].end)
    width = run.reach * PER_CELL // max(n, 1)
    for k in range(run.lo, run.hi - LANES + 1):
        crowded += spans[k + LANES - 1].start - spans[k].start < width
    # Evenly at random, a region in twelve has so many behind it in less than a bucket's width.
    n_buckets = min(n if 4 * crowded > n else n // PER_CELL, run.reach) + 1
    run.scale = (<uint64_t> n_buckets << 32) // <uint64_t> max(run.reach, 1)
    run.table = n_cells[0]
    run.n_cells = n_buckets + 2  # position `reach` may be in bucket n_buckets
    n_cells[0] += run.n_cells


cdef inline off_t cell_of(const Run *run, int64_t position) noexcept nogil:
    """The cell of the bucket that holds a position."""
    return run.table + <off_t> ((<uint64_t> min(position, run.reach) * run.scale) >> 32)


cdef inline off_t fill_cells(const Run *run, const Span *spans, Cell *cells) except -1 nogil:
    """Write the run's cells: first those of single regions, then what follows from them. The most
    regions that a query may have to look at which start in its bucket or before.

    A region that starts in bucket b starts before all buckets behind b; one that ends in it ends
    behind the starts of b and of all buckets before. Of several, the first one counts. Without
    branches, since no two buckets have the same number of regions.
    """
    cdef off_t c, k
    cdef off_t most = 0
    cdef int j
    for c in range(run.table, run.table + run.n_cells):
        check_signals(c)
        cells[c].first = cells[c].below = <id_t> run.hi
    for k in range(run.hi - 1, run.lo - 1, -1):
        check_signals(k)
        cells[cell_of(run, spans[k].start)].below = <id_t> k
        if spans[k].end > 0:
            cells[cell_of(run, spans[k].end - 1)].first = <id_t> k
    for c in range(run.table + run.n_cells - 1, run.table - 1, -1):
        check_signals(c)
        if c + 1 < run.table + run.n_cells:
            cells[c].first = min(cells[c].first, cells[c + 1].first)
            cells[c].below = min(cells[c].below, cells[c + 1].below)
            most = max(most, cells[c + 1].below - cells[c].first)
        for j in range(LANES):
            k = cells[c].first + j
            cells[c].starts[j] = spans[k].start if k < run.hi else LAST
            cells[c].ends[j] = spans[k].end if k < run.hi else 0
    return most


cdef inline off_t starts_below(const Run *run, const Span *spans, const Cell *cells,
                               pos_t position) noexcept nogil:
    """The number of the run's regions that start before `position`, plus run.lo."""
    cdef off_t cell = cell_of(run, position)
    cdef off_t lo = cells[cell].below
    cdef off_t hi = cells[cell + 1].below
    cdef off_t middle
    while lo < hi:
        middle = (lo + hi) >> 1
        if spans[middle].start < position:
            lo = middle + 1
        else:
            hi = middle
    return lo


cdef inline bint goes_on(const Cell *cell, pos_t end) noexcept nogil:
    """Whether regions behind the cell's may overlap a query that starts in its bucket."""
    return cell.starts[LANES - 1] < end


cdef inline off_t count_hits(const Run *run, const Span *spans, const Cell *cell, pos_t start,
                             pos_t end) noexcept nogil:
    """How many regions overlap [start, end), which starts in the cell's bucket, if that takes few
    looks.

    -1 where there are too many candidates: counting without looking at them is then faster.
    """
    cdef off_t found = n_hits_in(cell, start, end)
    cdef off_t k
    if goes_on(cell, end):
        k = cell.first + LANES
        while k < run.hi and spans[k].start < end:
            if k - cell.first >= MANY:
                return -1
            found += spans[k].end > start
            k += 1
    return found


cdef inline off_t count_many(const Run *run, const Span *spans, const Cell *cells,
                             const Cell *cell, pos_t start, pos_t end,
                             off_t *looks) noexcept nogil:
    """How many regions overlap [start, end), of which only those in front of it are looked at."""
    cdef off_t lo = cell.first
    cdef off_t hi = starts_below(run, spans, cells, end)
    cdef off_t found = 0
    cdef off_t within, k
    if start < end:
        # Whatever starts within the query is a hit; of what starts before it or where it does,
        # what reaches into it.
        within = max(starts_below(run, spans, cells, start + 1), lo)
        found = hi - within
        hi = within
    looks[0] += hi - lo
    for k in range(lo, hi):
        found += spans[k].end > start
    return found


cdef inline bint append_hits(const Cell *cell, pos_t start, pos_t end, Ids *hits) noexcept nogil:
    """Append the regions of a cell that overlap [start, end); False without memory."""
    if not reserve(hits, LANES + 1):
        return False
    hits.size += write_hits(hits.data + hits.size, cell.first, hits_in(cell, start, end))
    return True


cdef inline bint append_beyond(const Run *run, const Span *spans, const Cell *cell, pos_t start,
                               pos_t end, Ids *hits) noexcept nogil:
    """Append the regions behind a cell's that overlap [start, end); False without memory.

    Every region is written, and the next one over it if it was no hit: there is no branch to
    mispredict.
    """
    cdef off_t k = cell.first + LANES
    cdef off_t n, stop
    cdef id_t *data
    hits.looks -= k
    while k < run.hi and spans[k].start < end:
        if not reserve(hits, MANY):
            return False
        data = hits.data
        n = hits.size
        stop = min(k + MANY, run.hi)
        while k < stop and spans[k].start < end:
            data[n] = <id_t> k
            n += spans[k].end > start
            k += 1
        hits.size = n
    hits.looks += k
    return True


cdef inline Cell *aligned(id_t[::1] memory) noexcept:
    """The first cell of memory that has 16 numbers for each, and as many more."""
    cdef size_t at = <size_t> &memory[0]
    return <Cell *> ((at + 63) & ~<size_t> 63)
