# A table of names: byte strings, numbered as they first come. Open addressing over the bytes
# themselves, without the GIL and without an object per name.

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

from gtok._kernels cimport Ids, prefetch, reserve
from gtok._typedefs cimport id_t, off_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    /* Eight bytes as a number whose lowest byte is the first one. */
    static inline uint64_t gtok_load(const unsigned char *p) {
        uint64_t w;
        memcpy(&w, p, 8);
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        w = __builtin_bswap64(w);
    #endif
        return w;
    }
    """
    uint64_t load "gtok_load"(const unsigned char *p) noexcept nogil

cdef enum:
    FIRST_SLOTS = 256   # a power of two


# A growing text: the fields of one column, one after the other.
ctypedef struct Text:
    unsigned char *data
    off_t size
    off_t capacity
    Ids lengths         # of each field, in bytes


# A slot of the table. A name of up to 8 bytes is its own key.
ctypedef struct Name:
    uint64_t key
    off_t at            # its first byte in the text of all names
    int32_t length      # 0: the slot is free
    id_t code


ctypedef struct Names:
    Name *slots
    int64_t n_slots
    id_t n
    Text text


cdef inline bint append_text(Text *text, const unsigned char *data, off_t n) noexcept nogil:
    """Append a field; False without memory."""
    cdef off_t capacity = text.capacity
    cdef unsigned char *moved
    if text.data == NULL or text.size + n > capacity:
        capacity += (capacity >> 1) + n + 4096
        moved = <unsigned char *> realloc(text.data, capacity)
        if moved == NULL:
            return False
        text.data = moved
        text.capacity = capacity
    if not reserve(&text.lengths, 1):
        return False
    memcpy(text.data + text.size, data, n)
    text.size += n
    text.lengths.data[text.lengths.size] = <id_t> n
    text.lengths.size += 1
    return True


cdef inline void free_text(Text *text) noexcept nogil:
    free(text.data)
    free(text.lengths.data)


cdef inline uint64_t masked(uint64_t word, int n) noexcept nogil:
    """The first n bytes of eight."""
    return word if n >= 8 else word & ((<uint64_t> 1 << (8 * n)) - 1)


cdef inline uint64_t key_of(const unsigned char *name, off_t n) noexcept nogil:
    """The name itself up to 8 bytes, a hash of it beyond; never reads past n rounded up to 8."""
    cdef uint64_t key
    cdef off_t i
    if n <= 8:
        return masked(load(name), <int> n)
    key = <uint64_t> n
    for i in range(0, n - 8, 8):
        key = (key ^ load(name + i)) * <uint64_t> 0x9E3779B97F4A7C15
        key ^= key >> 29
    return (key ^ load(name + n - 8)) * <uint64_t> 0x9E3779B97F4A7C15


cdef inline bint is_same(const unsigned char *a, const unsigned char *b, off_t n) noexcept nogil:
    """Whether two names of the same length, more than 8 bytes, are one."""
    cdef off_t i = 0
    while i + 8 < n:
        if load(a + i) != load(b + i):
            return False
        i += 8
    return load(a + n - 8) == load(b + n - 8)


cdef inline int64_t slot_of(const Names *names, uint64_t key) noexcept nogil:
    return <int64_t> ((key * <uint64_t> 0x9E3779B97F4A7C15) >> 32) & (names.n_slots - 1)


cdef inline void prefetch_slot(const Names *names, uint64_t key) noexcept nogil:
    """Ask for the slot that a name is likely to have."""
    if names.n_slots:
        prefetch(&names.slots[slot_of(names, key)])


cdef inline void prefetch_text(const Names *names, uint64_t key) noexcept nogil:
    """Ask for the text that the name in that slot is compared with."""
    cdef const Name *entry
    if names.n_slots:
        entry = &names.slots[slot_of(names, key)]
        if entry.length > 8:
            prefetch(names.text.data + entry.at)


cdef inline id_t find_name(const Names *names, uint64_t key, const unsigned char *name,
                           off_t n) noexcept nogil:
    """The name's code, -1 where it has none yet."""
    cdef int64_t slot
    cdef const Name *entry
    if names.n_slots == 0:
        return -1
    slot = slot_of(names, key)
    while True:
        entry = &names.slots[slot]
        if entry.length == 0:
            return -1
        if entry.key == key and entry.length == n and (
                n <= 8 or is_same(names.text.data + entry.at, name, n)):
            return entry.code
        slot = (slot + 1) & (names.n_slots - 1)


cdef inline void put_name(Names *names, Name entry) noexcept nogil:
    cdef int64_t slot = slot_of(names, entry.key)
    while names.slots[slot].length:
        slot = (slot + 1) & (names.n_slots - 1)
    names.slots[slot] = entry


cdef inline id_t add_name(Names *names, uint64_t key, const unsigned char *name,
                          off_t n) noexcept nogil:
    """Give a name that has none the next code; -1 without memory."""
    cdef Name *old = names.slots
    cdef int64_t n_old = names.n_slots
    cdef Name *larger
    cdef int64_t i
    cdef Name entry
    if 2 * (names.n + 1) > n_old:
        names.n_slots = 2 * n_old if n_old else FIRST_SLOTS
        larger = <Name *> malloc(names.n_slots * sizeof(Name))
        if larger == NULL:
            names.n_slots = n_old
            return -1
        # Not calloc: a page that is read before it is written to is faulted in twice.
        memset(larger, 0, names.n_slots * sizeof(Name))
        names.slots = larger
        for i in range(n_old):
            if old[i].length:
                put_name(names, old[i])
        free(old)
    entry.key = key
    entry.at = names.text.size
    entry.length = <int32_t> n
    entry.code = names.n
    if not append_text(&names.text, name, n):
        return -1
    put_name(names, entry)
    names.n += 1
    return entry.code


cdef inline void free_names(Names *names) noexcept nogil:
    free(names.slots)
    free_text(&names.text)


cdef inline list name_list(const Names *names, id_t first=0):
    """The names by code from `first` on, bytes each."""
    cdef list listed = []
    cdef off_t at = 0
    cdef id_t i
    for i in range(names.n):
        if i >= first:
            listed.append(names.text.data[at:at + names.text.lengths.data[i]])
        at += names.text.lengths.data[i]
    return listed
