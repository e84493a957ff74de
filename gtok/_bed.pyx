"""Bytes of a BED file to columns, in one pass, chunk by chunk.

Only lines that are as most lines are take the fast way: a chromosome seen before, tabs, plain
digits. Every other line is looked at again in full by one strict function, which alone decides
what is a comment, what is a row, and what is neither.

A file of fragments is BED with a barcode as its fourth field and perhaps a read support as its
fifth: those of single cells, one line per molecule.
"""

cimport cython
from libc.stdint cimport uint64_t
from libc.stdlib cimport free
from libc.string cimport memchr, memcmp, memmove

from gtok._kernels cimport Ids, hand_over, reserve, take_out
from gtok._names cimport (
    Names, Text, add_name, append_text, find_name, free_names, free_text, key_of, load, masked,
    name_list, prefetch_slot, prefetch_text,
)
from gtok._typedefs cimport id_t, off_t, pos_t

import numpy as np

cdef extern from *:
    """
    #include <stdint.h>

    /* The number of the first byte that is marked by its highest bit; 8 where none is. */
    static inline int gtok_first(uint64_t marks) {
    #if defined(__GNUC__) || defined(__clang__)
        return marks ? __builtin_ctzll(marks) >> 3 : 8;
    #else
        int i = 0;
        while (i < 8 && !((marks >> (8 * i)) & 0x80)) i++;
        return i;
    #endif
    }

    #define GTOK_ONES 0x0101010101010101ull

    /* The bytes before the first tab, of the next eight. Exact up to that tab. */
    static inline int gtok_before_tab(uint64_t w) {
        uint64_t x = w ^ (GTOK_ONES * '\\t');
        return gtok_first((x - GTOK_ONES) & ~x & (GTOK_ONES << 7));
    }

    /* The bytes before the first that is no printable character, of the next eight. */
    static inline int gtok_before_control(uint64_t w) {
        return gtok_first((w - GTOK_ONES * 0x20) & ~w & (GTOK_ONES << 7));
    }

    /* The digits at the start of the next eight bytes. */
    static inline int gtok_digits(uint64_t w) {
        uint64_t x = w ^ (GTOK_ONES * '0');
        return gtok_first(((x + GTOK_ONES * 0x76) | x) & (GTOK_ONES << 7));
    }

    /* The first n (1 to 8) bytes as values of digits, zeros before them. */
    static inline uint64_t gtok_values(uint64_t w, int n) {
        return (w ^ (GTOK_ONES * '0')) << (8 * (8 - n));
    }

    /* The number that eight values make: by pairs, then fours, then all. */
    static inline uint64_t gtok_number(uint64_t x) {
        x = (x * 10) + (x >> 8);
        return (((x & 0x000000FF000000FFull) * 0x000F424000000064ull)
                + (((x >> 16) & 0x000000FF000000FFull) * 0x0000271000000001ull)) >> 32;
    }

    /* Read n (1 to 9) digits at p, and m of them at q; whether that is what stands there. */
    #if defined(__SSSE3__)
    #include <tmmintrin.h>

    /* n digits as values, behind zeros; 16 bytes are read. */
    static inline __m128i gtok_to_the_right(const unsigned char *p, int n) {
        static const unsigned char shuffles[32] = {
            128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128,
            0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
        __m128i text = _mm_loadu_si128((const __m128i *)p);
        return _mm_shuffle_epi8(_mm_sub_epi8(text, _mm_set1_epi8('0')),
                                _mm_loadu_si128((const __m128i *)(shuffles + n)));
    }

    /* Pairs of digits, then fours. */
    static inline __m128i gtok_by_fours(__m128i x) {
        return _mm_madd_epi16(_mm_maddubs_epi16(x, _mm_set1_epi16(0x010A)),
                              _mm_set1_epi32(0x00010064));
    }

    static inline int gtok_read_two(const unsigned char *p, int n, const unsigned char *q, int m,
                                    int32_t *x, int32_t *y) {
        __m128i a = gtok_to_the_right(p, n), b = gtok_to_the_right(q, m);
        __m128i over = _mm_subs_epu8(_mm_max_epu8(a, b), _mm_set1_epi8(9));
        __m128i eights = _mm_madd_epi16(_mm_packs_epi32(gtok_by_fours(a), gtok_by_fours(b)),
                                        _mm_set1_epi32(0x00012710));
        int64_t of_x = _mm_cvtsi128_si64(eights);
        int64_t of_y = _mm_cvtsi128_si64(_mm_unpackhi_epi64(eights, eights));
        /* Unsigned, since what are no digits may amount to anything. */
        *x = (int32_t)((uint32_t)of_x * 100000000u + (uint32_t)(of_x >> 32));
        *y = (int32_t)((uint32_t)of_y * 100000000u + (uint32_t)(of_y >> 32));
        return _mm_movemask_epi8(_mm_cmpeq_epi8(over, _mm_setzero_si128())) == 0xFFFF;
    }
    #else
    static inline int gtok_read_one(const unsigned char *p, int n, int32_t *x) {
        uint64_t w = 0;
        for (int i = 0; i < 8; i++) w |= (uint64_t)p[i] << (8 * i);
        w = gtok_values(w, n < 8 ? n : 8);
        if ((((w + GTOK_ONES * 0x76) | w) & (GTOK_ONES << 7)) != 0) return 0;
        *x = (int32_t)gtok_number(w);
        if (n == 9) *x = *x * 10 + (p[8] - '0');
        return n < 9 || (p[8] >= '0' && p[8] <= '9');
    }

    static inline int gtok_read_two(const unsigned char *p, int n, const unsigned char *q, int m,
                                    int32_t *x, int32_t *y) {
        return gtok_read_one(p, n, x) && gtok_read_one(q, m, y);
    }
    #endif
    """
    int before_tab "gtok_before_tab"(uint64_t w) noexcept nogil
    int before_control "gtok_before_control"(uint64_t w) noexcept nogil
    int digits "gtok_digits"(uint64_t w) noexcept nogil
    uint64_t values "gtok_values"(uint64_t w, int n) noexcept nogil
    uint64_t number "gtok_number"(uint64_t x) noexcept nogil
    bint read_two "gtok_read_two"(const unsigned char *p, int n, const unsigned char *q, int m,
                                  pos_t *x, pos_t *y) noexcept nogil

cdef enum:
    PADDING = 128     # bytes behind the buffer that may be read, never used
    LONG_NAME = 64    # bytes of a name up to which it is read eight at a time
    SHORTEST = 6      # bytes of the shortest row, "1\t0\t0\n"
    MAX_TEXTS = 4     # further columns that can be kept
    WAITING = 64      # barcodes that are looked up at a time
    EXACT = 15        # digits of which every number of so many, and its tenths, are exact
    SKIP = 0
    ROW = 1
    BAD = 2

cdef uint64_t LARGEST = 2147483647


ctypedef struct Row:
    const unsigned char *chrom
    off_t length
    pos_t start
    pos_t end
    const unsigned char *rest   # behind the end
    unsigned char separator


ctypedef struct Barcode:
    uint64_t key
    const unsigned char *name
    off_t length


cdef bint pad_lengths(Text *text, off_t n) noexcept nogil:
    """Rows that had no such field have an empty one."""
    if not reserve(&text.lengths, n - text.lengths.size):
        return False
    while text.lengths.size < n:
        text.lengths.data[text.lengths.size] = 0
        text.lengths.size += 1
    return True


cdef inline bint is_blank(unsigned char c) noexcept nogil:
    return c == c' ' or c == c'\t'


cdef bint returns_within(const unsigned char *p, const unsigned char *end) noexcept nogil:
    """Whether a line holds a carriage return other than as its last byte."""
    return end - 1 > p and memchr(p, c'\r', end - 1 - p) != NULL


cdef bint is_keyword(const unsigned char *p, const unsigned char *end, const char *word,
                     off_t n) noexcept nogil:
    return end - p >= n and memcmp(p, word, n) == 0 and (p + n == end or is_blank(p[n]))


cdef const unsigned char *take_number(const unsigned char *p, const unsigned char *end,
                                      pos_t *value) noexcept nogil:
    """Read digits up to a separator or the line's end; NULL where that is not what stands there."""
    cdef uint64_t v = 0
    cdef const unsigned char *begin = p
    while p < end and c'0' <= p[0] <= c'9':
        v = v * 10 + (p[0] - c'0')
        if v > LARGEST:
            return NULL
        p += 1
    if p == begin or (p < end and not is_blank(p[0])):
        return NULL
    value[0] = <pos_t> v
    return p


cdef int read_line(const unsigned char *p, const unsigned char *end, Row *row) noexcept nogil:
    """Decide what a line is, by all the rules; `end` is behind its last byte, its newline apart."""
    while end > p and (is_blank((end - 1)[0]) or (end - 1)[0] == c'\r'):
        end -= 1
    if memchr(p, c'\r', end - p) != NULL:
        return BAD  # elsewhere it may end lines: passing over it could swallow some
    if p == end or p[0] == c'#':
        return SKIP
    if is_keyword(p, end, b'track', 5) or is_keyword(p, end, b'browser', 7):
        return SKIP
    row.chrom = p
    row.separator = c'\t' if memchr(p, c'\t', end - p) != NULL else c' '
    while p < end and p[0] != row.separator:
        if p[0] < c' ':
            return BAD
        p += 1
    row.length = p - row.chrom
    if row.length == 0 or row.length > 65535 or row.chrom[0] == c' ' or (p - 1)[0] == c' ':
        return BAD
    p = next_field(p, end, row.separator)
    p = take_number(p, end, &row.start)
    if p == NULL or p == end or p[0] != row.separator:
        return BAD
    p = next_field(p, end, row.separator)
    p = take_number(p, end, &row.end)
    if p == NULL or (p < end and p[0] != row.separator) or row.start > row.end:
        return BAD
    row.rest = p
    return ROW


cdef inline const unsigned char *next_field(const unsigned char *p, const unsigned char *end,
                                            unsigned char separator) noexcept nogil:
    """Step over one tab, or over any number of spaces."""
    if separator == c'\t':
        return p + 1 if p < end else end
    while p < end and p[0] == c' ':
        p += 1
    return p


cdef bint take_decimal(const unsigned char *p, off_t n, double *value) noexcept nogil:
    """Read a decimal without an exponent; False where it is none, or too long to be exact so."""
    cdef const unsigned char *end = p + n
    cdef uint64_t digits = 0
    cdef int n_digits = 0
    cdef double tenths = 1
    cdef bint minus = n > 0 and p[0] == c'-'
    p += minus
    while p < end and c'0' <= p[0] <= c'9' and n_digits < EXACT:
        digits = digits * 10 + (p[0] - c'0')
        n_digits += 1
        p += 1
    if p < end and p[0] == c'.' and n_digits:
        p += 1
        while p < end and c'0' <= p[0] <= c'9' and n_digits < EXACT:
            digits = digits * 10 + (p[0] - c'0')
            n_digits += 1
            tenths *= 10
            p += 1
    # Both parts are exact, so their quotient is the double next to the decimal (Clinger 1990).
    value[0] = -(<double> digits / tenths) if minus else <double> digits / tenths
    return p == end and n_digits > 0


def to_numbers(bytes data, const id_t[::1] lengths, bint dots):
    """Texts as numbers.

    Parameters
    ----------
    data : bytes
        The texts, one after the other.
    lengths : int32[n]
        Their lengths in bytes.
    dots : bool
        Take ``.`` and nothing for NaN.

    Returns
    -------
    numbers : float64[n]
    bad : int
        The first text that is no number, -1 where all are.
    """
    cdef off_t n = lengths.shape[0]
    cdef off_t i
    cdef off_t at = 0
    cdef const unsigned char *text = <const unsigned char *> data
    numbers = np.empty(n, dtype=np.float64)
    cdef double[::1] out = numbers
    cdef double nan = float("nan")
    for i in range(n):
        if dots and (lengths[i] == 0 or (lengths[i] == 1 and text[at] == c'.')):
            out[i] = nan
        elif not take_decimal(text + at, lengths[i], &out[i]):
            word = data[at:at + lengths[i]]
            try:
                out[i] = float(word)
            except ValueError:
                return numbers, i
            if b"_" in word:
                return numbers, i
        at += lengths[i]
    return numbers, -1


cdef inline const unsigned char *read_position(const unsigned char *p,
                                               pos_t *position) noexcept nogil:
    """Read the digits at p, up to ten; what is behind them, NULL if there are none or too many."""
    cdef uint64_t word = load(p)
    cdef int n = digits(word)
    cdef uint64_t value
    if n == 0:
        return NULL
    value = number(values(word, n))
    p += n
    if n == 8 and c'0' <= p[0] <= c'9':
        value = value * 10 + (p[0] - c'0')
        p += 1
        if c'0' <= p[0] <= c'9':
            value = value * 10 + (p[0] - c'0')
            p += 1
            if value > LARGEST:
                return NULL
    position[0] = <pos_t> value
    return p


cdef inline const unsigned char *read_fragment(const unsigned char *p, off_t *length,
                                               pos_t *support) noexcept nogil:
    """Read the barcode at p and the read support behind it; where the line then ends, NULL if not
    there: `read_any_fragment` has to decide."""
    cdef off_t n = 0
    cdef int step = 8
    cdef uint64_t word
    while step == 8 and n < LONG_NAME:
        step = before_control(load(p + n))
        n += step
    if n == 0 or p[n] != c'\t':
        return NULL
    length[0] = n
    p += n + 1
    word = load(p)
    step = digits(word)
    if step == 0 or step == 8 or p[step] != c'\n':
        return NULL
    support[0] = <pos_t> number(values(word, step))
    return p + step


cdef bint read_any_fragment(const Row *row, const unsigned char *end, Barcode *barcode,
                            pos_t *support) noexcept nogil:
    """Read the barcode and the read support behind a row's end, by all the rules; False if they
    are none."""
    cdef const unsigned char *p = row.rest
    cdef const unsigned char *stop
    while end > p and (is_blank((end - 1)[0]) or (end - 1)[0] == c'\r'):
        end -= 1
    p = next_field(p, end, row.separator)
    stop = <const unsigned char *> memchr(p, row.separator, end - p)
    if stop == NULL:
        stop = end
    barcode.name = p
    barcode.length = stop - p
    support[0] = -1
    if barcode.length == 0 or barcode.length > 65535 or row.start == row.end:
        return False
    if stop < end:
        p = take_number(next_field(stop, end, row.separator), end, support)
        if p == NULL or (p < end and p[0] != row.separator):
            return False
    return True


cdef bint add_names(Names *names, list given) except False:
    """Give names the first numbers."""
    cdef bytes padded
    cdef const unsigned char *text
    for name in given:
        padded = name + bytes(8)
        text = <const unsigned char *> padded
        if add_name(names, key_of(text, len(name)), text, len(name)) < 0:
            raise MemoryError()
    return True


@cython.final
cdef class BedParser:
    """Columns of the rows fed to it.

    Fill what `room` returns, say with `feed` how many bytes came, and at the end of the file call
    `finish`; both return False at a line that is no BED, which `bad_line` then names.

    Parameters
    ----------
    keep : tuple of int
        Numbers of further fields to keep as text, from 0, 3 the name and 4 the score.
    max_line : int
        The longest line accepted, in bytes.
    fragments : bool
        Read barcodes (field 4) and read supports (field 5, where there is one) too. A row of no
        length, or without a barcode, is then no row.
    barcodes : list of bytes, optional
        All the barcodes that there are; others have the code -1. Without it, they are numbered
        as they come.
    chroms : list of bytes
        Chromosomes that have the first codes, whether they come or not.
    """

    cdef unsigned char[::1] buffer
    cdef off_t carried            # bytes of a line without an end yet, at the buffer's start
    cdef off_t max_line
    cdef readonly off_t n_lines   # lines read
    cdef off_t n_skipped
    cdef off_t noted              # the lines skipped before the last entry of `skips`
    cdef Ids codes
    cdef Ids starts
    cdef Ids ends
    cdef Names chroms
    cdef bint fragments
    cdef bint closed              # no barcodes but those given
    cdef Names barcodes
    cdef Ids cells                # a barcode's number per row
    cdef Ids supports             # -1 where the row has no fifth field
    cdef Barcode[WAITING] waiting  # the barcodes of the last rows, not looked up yet
    cdef int n_waiting
    cdef Text[MAX_TEXTS] texts    # what is kept of further fields
    cdef int[MAX_TEXTS] fields    # which those are, from 0
    cdef int n_texts
    cdef int last_field           # the last field to keep
    cdef off_t size               # bytes in the buffer
    cdef off_t bad_at
    cdef off_t bad_length
    cdef bint no_memory
    cdef list skips

    def __cinit__(self, tuple keep=(), off_t max_line=1 << 26, bint fragments=False,
                  list barcodes=None, list chroms=None):
        cdef int i
        self.max_line = max_line
        self.bad_at = -1
        self.buffer = np.zeros(PADDING, dtype=np.uint8)
        self.skips = []
        self.n_texts = len(keep)
        self.last_field = max(keep, default=0)
        for i in range(self.n_texts):
            self.fields[i] = keep[i]
        self.fragments = fragments
        self.closed = barcodes is not None
        add_names(&self.barcodes, barcodes or [])
        add_names(&self.chroms, chroms or [])

    def __dealloc__(self):
        cdef int i
        free(self.codes.data)
        free(self.starts.data)
        free(self.ends.data)
        free(self.cells.data)
        free(self.supports.data)
        free_names(&self.chroms)
        free_names(&self.barcodes)
        for i in range(self.n_texts):
            free_text(&self.texts[i])

    def __reduce__(self):
        raise TypeError("a parser in the middle of a file cannot be pickled")

    @property
    def n_rows(self):
        """Rows read so far."""
        return self.codes.size

    @property
    def bad_line(self):
        """The number, from 1, and the bytes of the line that is no BED, or None."""
        if self.bad_at < 0:
            return None
        return self.n_lines, bytes(self.buffer[self.bad_at:self.bad_at + self.bad_length])

    def room(self, off_t n):
        """Space for the next n bytes."""
        cdef off_t needed = self.carried + n + PADDING
        cdef unsigned char[::1] larger
        if self.buffer.shape[0] < needed:
            larger = np.empty(max(needed, 2 * self.carried), dtype=np.uint8)
            larger[larger.shape[0] - PADDING:] = 0
            larger[:self.carried] = self.buffer[:self.carried]
            self.buffer = larger
        return memoryview(self.buffer)[self.carried:self.carried + n]

    def expect(self, off_t n_rows):
        """Make room for so many rows in all, if it can be had: a guess that saves growing."""
        if reserve(&self.codes, n_rows - self.codes.size):
            if reserve(&self.starts, n_rows - self.starts.size):
                reserve(&self.ends, n_rows - self.ends.size)

    def feed(self, off_t n):
        """Parse the lines that end within the n bytes put into `room`."""
        cdef off_t size = self.carried + n
        cdef off_t used
        cdef unsigned char *data
        if n == 0:
            return True
        self.size = size
        data = &self.buffer[0]
        with nogil:
            used = size
            while used > self.carried and data[used - 1] != c'\n':
                used -= 1
            if used == self.carried:
                used = 0  # still the same line
            if used:
                self.parse(data, used)
            if self.bad_at < 0:
                memmove(data, data + used, size - used)
                self.carried = size - used
        if self.no_memory:
            raise MemoryError()
        if self.bad_at < 0 and self.carried > self.max_line:
            self.n_lines += 1
            self.bad_at = 0
            self.bad_length = self.carried
        return self.bad_at < 0

    def resume(self):
        """Go on behind the line that is no BED, as if it were a comment."""
        cdef off_t used = self.bad_at + self.bad_length
        cdef off_t rest = self.size - used
        if self.bad_at < 0:
            return True
        # What is left begins with the bad line's newline, unless it was cut off as too long.
        memmove(&self.buffer[0], &self.buffer[used], rest)
        self.bad_at = -1
        self.carried = 0
        if rest and self.buffer[0] == c'\n':
            self.n_lines -= 1  # that newline makes an empty line, counted and skipped
        else:
            self.n_skipped += 1
        return self.feed(rest)

    def finish(self):
        """Parse the last line where it has no end."""
        if self.carried == 0:
            return True
        self.room(1)[0] = 10  # a newline
        return self.feed(1)

    def columns(self):
        """Hand over codes, starts and ends, int32[n] each; the parser is empty afterwards."""
        cdef int i
        for i in range(self.n_texts):
            if self.texts[i].lengths.size and not pad_lengths(&self.texts[i], self.codes.size):
                raise MemoryError()
        return take_out(&self.codes), take_out(&self.starts), take_out(&self.ends)

    def fragment_columns(self):
        """Hand over cells and read supports, int32[n] each, of the rows that `columns` has."""
        return take_out(&self.cells), take_out(&self.supports)

    @property
    def n_chroms(self):
        """Chromosomes met so far."""
        return self.chroms.n

    @property
    def n_barcodes(self):
        """Barcodes met so far, or given."""
        return self.barcodes.n

    def barcode_names(self):
        """The barcodes by their numbers, bytes each."""
        return name_list(&self.barcodes)

    def chrom_names(self, id_t first=0):
        """The chromosomes by code from `first` on, bytes each, in the order in which they came."""
        return name_list(&self.chroms, first)

    def text(self, int i):
        """Column i of those kept: its bytes and each row's length; None where no row has it."""
        cdef Text *text = &self.texts[i]
        if text.lengths.size == 0:
            return None
        return text.data[:text.size], hand_over(&text.lengths)

    def skipped(self):
        """Hand over where lines were skipped: rows from entry[0] on have entry[1] such lines
        before them. Rows count from the first that `columns` hands over."""
        cdef list skips = self.skips
        self.skips = []
        return skips

    cdef void parse(self, const unsigned char *data, off_t size) noexcept nogil:
        """Parse whole lines."""
        cdef off_t n = self.codes.size + size // SHORTEST + 1
        if not (reserve(&self.codes, n - self.codes.size)
                and reserve(&self.starts, n - self.codes.size)
                and reserve(&self.ends, n - self.codes.size)
                and (not self.fragments or (reserve(&self.cells, n - self.codes.size)
                                            and reserve(&self.supports, n - self.codes.size)))):
            self.no_memory = True
            return
        n = self.parse_rows(data, size)
        self.look_up()
        self.codes.size = self.starts.size = self.ends.size = n
        if self.fragments:
            self.supports.size = n

    cdef off_t parse_rows(self, const unsigned char *data, off_t size) noexcept nogil:
        """Parse whole lines into columns that have room; the number of rows these then have."""
        cdef const unsigned char *p = data
        cdef const unsigned char *stop = data + size
        cdef const unsigned char *line
        cdef const unsigned char *newline
        cdef id_t *codes = self.codes.data
        cdef pos_t *starts = self.starts.data
        cdef pos_t *ends = self.ends.data
        cdef bint fragments = self.fragments
        cdef bint texts = self.n_texts > 0
        cdef uint64_t word
        cdef uint64_t key = 0
        cdef int length = 0
        cdef id_t code = -1
        cdef uint64_t same_bits = 0   # which bits of a line's first word are the chromosome
        cdef uint64_t same_name = 1   # and the tab, and what they are; 1 of none: nothing is
        cdef int n_start = 0          # digits
        cdef int n_end = 0
        cdef const unsigned char *field
        cdef int n
        cdef off_t o = self.codes.size
        cdef bint plain
        cdef bint fast = False
        cdef Barcode barcode
        cdef pos_t support = -1
        # What need not be asked of each line.
        cdef bint has_returns = memchr(data, c'\r', size) != NULL
        cdef bint careful = has_returns or size > self.max_line
        cdef bint skipped = self.n_skipped != self.noted
        cdef Row row
        while p < stop:
            line = p
            self.n_lines += 1
            word = load(p)
            newline = NULL
            if (word & same_bits) == same_name:
                # As long as the line before, field by field, as most are: where a field begins
                # does not have to wait for the one before it.
                field = line + length + 1
                p = field + n_start + 1 + n_end
                if (read_two(field, n_start, field + n_start + 1, n_end, &row.start, &row.end)
                        and field[n_start] == c'\t' and p[0] < c'0'):
                    newline = p
            if newline == NULL:
                p = line
                same_bits = 0
                same_name = 1
                n = before_tab(word)
                if n < 8:
                    word = masked(word, n)
                    plain = n > 0
                else:
                    plain = self.read_long_name(p, &n)
                    word = key_of(p, n)
                # A hash that is the same need not be of the same name.
                if word != key or n != length or n > 8:
                    code = find_name(&self.chroms, word, p, n)
                    key = word
                    length = n
                if plain and code >= 0:
                    field = p + n + 1
                    p = read_position(field, &row.start)
                    if p != NULL and p[0] == c'\t':
                        n_start = <int> (p - field)
                        field = p + 1
                        newline = p = read_position(field, &row.end)
                        n_end = <int> (p - field)
                        if n < 8 and n_start < 10 and n_end < 10:
                            same_bits = masked(~<uint64_t> 0, n + 1)
                            same_name = masked(load(line), n + 1)
            plain = newline != NULL and row.start <= row.end
            if plain:
                row.rest = p
                row.separator = c'\t'
                fast = False
                if p[0] == c'\t':
                    if fragments:
                        newline = read_fragment(p + 1, &barcode.length, &support)
                        fast = newline != NULL and row.start < row.end
                    if not fast:
                        newline = <const unsigned char *> memchr(p, c'\n', stop - p)
                elif p[0] == c'\r':
                    newline = p + 1
                plain = newline[0] == c'\n'
                if careful:
                    plain &= (newline - line <= self.max_line
                              and not (has_returns and returns_within(line, newline)))
            if not plain:
                newline = <const unsigned char *> memchr(line, c'\n', stop - line)
                n = BAD
                if newline - line <= self.max_line:
                    n = read_line(line, newline, &row)
                if n == SKIP:
                    self.n_skipped += 1
                    skipped = True
                    p = newline + 1
                    continue
                if n == BAD:
                    self.bad_at = line - data
                    self.bad_length = newline - line
                    return o
                key = key_of(row.chrom, row.length)
                length = <int> row.length
                code = find_name(&self.chroms, key, row.chrom, row.length)
                if code < 0:
                    code = add_name(&self.chroms, key, row.chrom, row.length)
                    if code < 0:
                        self.no_memory = True
                        return o
            if skipped:
                self.note_skipped(o)
                skipped = False
            if fragments:
                if plain and fast:
                    barcode.name = row.rest + 1
                elif not read_any_fragment(&row, newline, &barcode, &support):
                    self.bad_at = line - data
                    self.bad_length = newline - line
                    return o
                barcode.key = key_of(barcode.name, barcode.length)
                self.waiting[self.n_waiting] = barcode
                self.n_waiting += 1
                self.supports.data[o] = support
                if self.n_waiting == WAITING:
                    self.look_up()
            codes[o] = code
            starts[o] = row.start
            ends[o] = row.end
            if texts and not self.keep_texts(row.rest, newline, row.separator, o):
                self.no_memory = True
                return o
            o += 1
            p = newline + 1
        return o

    cdef bint read_long_name(self, const unsigned char *p, int *n) noexcept nogil:
        """Find the tab behind a name whose first 8 bytes hold none; False if it is far away."""
        cdef int step = 8
        while step == 8 and n[0] < LONG_NAME:
            step = before_tab(load(p + n[0]))
            n[0] += step
        return step < 8

    cdef void note_skipped(self, off_t row) noexcept nogil:
        self.noted = self.n_skipped
        with gil:
            self.skips.append((row, self.n_skipped))

    cdef void look_up(self) noexcept nogil:
        """Give the last rows the numbers of their barcodes, whose memory is waited for once."""
        cdef int i
        cdef const Barcode *barcode
        cdef id_t cell
        for i in range(self.n_waiting):
            prefetch_slot(&self.barcodes, self.waiting[i].key)
        for i in range(self.n_waiting):
            prefetch_text(&self.barcodes, self.waiting[i].key)
        for i in range(self.n_waiting):
            barcode = &self.waiting[i]
            cell = find_name(&self.barcodes, barcode.key, barcode.name, barcode.length)
            if cell < 0 and not self.closed:
                cell = add_name(&self.barcodes, barcode.key, barcode.name, barcode.length)
                if cell < 0:
                    self.no_memory = True
                    break
            self.cells.data[self.cells.size + i] = cell
        self.cells.size += self.n_waiting
        self.n_waiting = 0

    cdef bint keep_texts(self, const unsigned char *p, const unsigned char *end,
                         unsigned char separator, off_t row) noexcept nogil:
        """Keep what was asked for of the fields behind the first three; False without memory."""
        cdef int field = 3
        cdef int i
        cdef const unsigned char *begin
        cdef Text *text
        while end > p and (is_blank((end - 1)[0]) or (end - 1)[0] == c'\r'):
            end -= 1
        while p < end and field <= self.last_field:
            p = next_field(p, end, separator)
            begin = p
            while p < end and p[0] != separator:
                p += 1
            for i in range(self.n_texts):
                text = &self.texts[i]
                if self.fields[i] == field:
                    if not pad_lengths(text, row) or not append_text(text, begin, p - begin):
                        return False
            field += 1
        return True
