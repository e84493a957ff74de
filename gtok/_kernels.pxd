# What both overlap indexes share. All of it is inline, without the GIL, and without exceptions:
# running out of memory is reported by a return value and raised by the caller.

from cython cimport view
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from gtok._typedefs cimport id_t, off_t, pos_t

cdef extern from *:
    """
    #if defined(__GNUC__) || defined(__clang__)
    #define GTOK_PREFETCH(p) __builtin_prefetch((p), 0, 3)
    #else
    #define GTOK_PREFETCH(p) ((void)0)
    #endif

    #include <stddef.h>
    #include <stdint.h>
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
    """
    void prefetch "GTOK_PREFETCH"(const void *) noexcept nogil
    void in_large_pages "gtok_in_large_pages"(void *, size_t) noexcept nogil


cdef enum:
    LARGE = 1 << 22   # bytes of a column from which large pages pay
    AT_ONCE = 1 << 16  # queries that are answered before signals, Ctrl-C say, are looked at,
    LOOKS = 1 << 24    # or regions looked at for them, some 50 ms
    FEW = 4           # candidates that are looked at without asking how many there are
    MANY = 32         # candidates from which they are counted without looking at them


# A run of regions in genome order (one chromosome, or one list of one), and tables over it:
# bucket b covers the coordinates [b << shift, (b + 1) << shift). One table says for each bucket
# where the regions begin that can reach into it, another how many start before it. So a query
# touches one cell of the first and then the regions themselves.
ctypedef struct Run:
    off_t lo            # the first region
    off_t hi            # behind the last one
    off_t table         # the run's first cell in each table
    int64_t n_buckets   # the tables have two cells more, which stand for all coordinates behind
    int shift


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


cdef inline int64_t bucket_of(const Run *run, int64_t position) noexcept nogil:
    """The bucket that holds a position, or the one behind the last."""
    cdef int64_t bucket = position >> run.shift
    return bucket if bucket < run.n_buckets else run.n_buckets


cdef inline off_t first_of(const Run *run, const id_t *firsts, pos_t start) noexcept nogil:
    """A region such that none before it in the run ends behind `start`."""
    return firsts[run.table + bucket_of(run, start)]


cdef inline bint ascends(const id_t *chroms, const pos_t *starts, off_t n) noexcept nogil:
    """Whether queries are on one chromosome and none starts before the one ahead of it."""
    cdef int falls = 0
    cdef off_t i
    for i in range(1, n):
        falls |= (chroms[i] != chroms[i - 1]) | (starts[i] < starts[i - 1])
    return falls == 0


cdef inline int pick_shift(int64_t furthest, int64_t n) noexcept nogil:
    """The narrowest buckets, as a power of two, of which `n` or fewer cover 0 .. furthest."""
    cdef int shift = 0
    if n < 1:
        n = 1
    while (furthest >> shift) >= n:
        shift += 1
    return shift


cdef inline void fill_tables(const Run *run, const Span *spans, id_t *firsts,
                             id_t *below) noexcept nogil:
    """Write the run's cells: first those of single regions, then what follows from them.

    A region that starts in bucket b starts before all buckets behind b; one that ends in it ends
    behind the starts of b and of all buckets before. Of several, the first one counts. Without
    branches, since no two buckets have the same number of regions.
    """
    cdef int64_t b
    cdef off_t k
    firsts += run.table
    below += run.table
    for b in range(run.n_buckets + 2):
        firsts[b] = below[b] = <id_t> run.hi
    for k in range(run.hi - 1, run.lo - 1, -1):
        below[spans[k].start >> run.shift] = <id_t> k
        if spans[k].end > 0:
            firsts[(spans[k].end - 1) >> run.shift] = <id_t> k
    for b in range(run.n_buckets, -1, -1):
        firsts[b] = min(firsts[b], firsts[b + 1])
        below[b] = min(below[b], below[b + 1])


cdef inline off_t starts_below(const Run *run, const Span *spans, const id_t *below,
                               pos_t position) noexcept nogil:
    """The number of the run's regions that start before `position`, plus run.lo."""
    cdef int64_t bucket = bucket_of(run, position)
    cdef off_t lo = below[run.table + bucket]
    cdef off_t hi = below[run.table + bucket + 1]
    cdef off_t middle
    while lo < hi:
        middle = (lo + hi) >> 1
        if spans[middle].start < position:
            lo = middle + 1
        else:
            hi = middle
    return lo


cdef inline bint is_hit(const Span *spans, off_t k, pos_t start, pos_t end) noexcept nogil:
    """Whether region k overlaps [start, end), without a branch."""
    return (spans[k].start < end) & (spans[k].end > start)


cdef inline off_t hits_between(const Span *spans, off_t lo, off_t hi, pos_t start,
                               pos_t end) noexcept nogil:
    """How many of the regions lo .. hi - 1 overlap [start, end)."""
    cdef off_t n = 0
    cdef off_t k
    for k in range(lo, hi):
        n += is_hit(spans, k, start, end)
    return n


cdef inline off_t count_hits(const Run *run, const Span *spans, off_t lo, pos_t start,
                             pos_t end) noexcept nogil:
    """How many regions from lo on overlap [start, end), if that takes few looks.

    -1 where there are too many candidates: counting without looking at them is then faster.
    """
    cdef off_t found = 0
    cdef off_t k = lo
    if lo + FEW <= run.hi:
        found = (is_hit(spans, lo, start, end) + is_hit(spans, lo + 1, start, end)
                 + is_hit(spans, lo + 2, start, end) + is_hit(spans, lo + 3, start, end))
        k = lo + FEW
        if spans[k - 1].start >= end:
            return found
    while k < run.hi and spans[k].start < end:
        if k - lo >= MANY:
            return -1
        found += spans[k].end > start
        k += 1
    return found


cdef inline bint append_hits(const Run *run, const Span *spans, off_t lo, pos_t start, pos_t end,
                             Ids *hits) noexcept nogil:
    """Append those of the regions from lo on that overlap [start, end); False without memory.

    Every region is written, and the next one over it if it was no hit. Most queries have fewer
    candidates than four, so four are looked at where the run has as many: of these, the ones
    behind the last candidate start too late to be hits. There is no branch to mispredict.
    """
    cdef off_t n = hits.size
    cdef off_t k = lo
    cdef off_t stop
    cdef id_t *data
    if not reserve(hits, MANY):
        return False
    data = hits.data
    if lo + FEW <= run.hi:
        data[n] = <id_t> lo
        n += is_hit(spans, lo, start, end)
        data[n] = <id_t> (lo + 1)
        n += is_hit(spans, lo + 1, start, end)
        data[n] = <id_t> (lo + 2)
        n += is_hit(spans, lo + 2, start, end)
        data[n] = <id_t> (lo + 3)
        n += is_hit(spans, lo + 3, start, end)
        k = lo + FEW
        if spans[k - 1].start >= end:
            hits.size = n
            return True
    while k < run.hi and spans[k].start < end:
        hits.size = n
        if not reserve(hits, MANY):
            return False
        data = hits.data
        stop = k + MANY if k + MANY < run.hi else run.hi
        while k < stop and spans[k].start < end:
            data[n] = <id_t> k
            n += spans[k].end > start
            k += 1
    hits.size = n
    hits.looks += k - lo
    return True
