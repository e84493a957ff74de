# Ctrl-C in the middle of a loop over rows that runs without the GIL.

from gtok._typedefs cimport off_t

cdef extern from *:
    """
    /* Between two looks: a few milliseconds, where each row is a miss of the cache. */
    #define GTOK_ROWS (1 << 18)

    #if defined(__GNUC__) || defined(__clang__)
    __attribute__((cold, noinline, unused))
    #endif
    static int gtok_look(void) {
        PyGILState_STATE state = PyGILState_Ensure();
        int status = PyErr_CheckSignals();
        PyGILState_Release(state);
        return status;
    }

    #define gtok_time_to_look(row) (((row) & (GTOK_ROWS - 1)) == GTOK_ROWS - 1)
    #define gtok_check_signals(row) (gtok_time_to_look(row) ? gtok_look() : 0)
    """
    # Whether this is one of every so many rows, for who has more to look at than signals.
    bint time_to_look "gtok_time_to_look"(off_t row) nogil
    # At every so many rows, raise what the handler of a signal raises.
    int check_signals "gtok_check_signals"(off_t row) except -1 nogil
