"""Reading arguments: integers, floats, timeouts and options, with Redis's error texts. A function that returns False has replied with an
error.

A command's options are rows of a table that stands beside its handler, made when the module is imported:

    cdef OptionTable COPY_OPTIONS = option_table("copy", [("replace", COPY_REPLACE), ("db", COPY_DB, 0, 1)])

and are read one after the other, so that a value that is wrong is told before an option behind it that is:

    options_begin(&options, &COPY_OPTIONS, argc, argv, 3)
    while options.at < argc:
        option = arg_option(&options)
        if option == COPY_DB: ... options.value[0] ...
        elif option == 0: reply_syntax_error(c)
"""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint32_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Client, Engine
from zippy._core.values.entry cimport Entry

cdef extern from *:
    int lowest_bit "__builtin_ctz"(unsigned int n) noexcept nogil      # its place; n is not 0

cdef enum:
    OPTION_WORD = 16         # bytes of the longest word of an option, with its NUL
    OPTION_BITS = 16         # bits for the options of one command
    EACH_KEY = -1            # an option with an argument for each of the command's keys


cdef struct Option:
    char[OPTION_WORD] word   # lower case
    uint32_t length          # of the word
    uint32_t sets            # the bit that stands for it; of a choice, where one word alone is given, any number but 0
    uint32_t excludes        # bits of the options that may not stand before it
    int16_t arguments        # words behind it that belong to it, or EACH_KEY
    uint8_t place            # of its bit, in Options.places


cdef struct OptionTable:
    Option* rows             # never freed
    int count


cdef struct Options:
    # the options of a request as far as they have been read
    const OptionTable* table
    int argc
    const Slice* argv
    int at                   # the word to be read next
    int keys                 # how many arguments EACH_KEY means
    uint32_t flags           # the bits of all options that have been read
    const Slice* value       # the first argument of the one just read, if it has any
    int[OPTION_BITS] places  # in argv, by bit: of the first argument of each that has been read and has any; see option_value


cdef bint arg_i64(Client* c, Slice s, int64_t* n) noexcept nogil                    # "ERR value is not an integer or out of range"
cdef bint arg_i64_or(Client* c, Slice s, int64_t* n, const char* error) noexcept nogil   # with an error text of the command's own
cdef bint arg_int(Client* c, Slice s, int64_t* n) noexcept nogil                    # as arg_i64, of 32 bits
cdef bint arg_in_range(Client* c, Slice s, int64_t low, int64_t high, int64_t* n, const char* error) noexcept nogil
cdef bint arg_double(Client* c, Slice s, double* d) noexcept nogil                  # "ERR value is not a valid float"
cdef bint arg_timeout(Engine* e, Client* c, Slice s, int64_t* us) noexcept nogil    # seconds with decimals to us; 0: for ever
# At import: the table of rows (word, bit[, excluded bits[, number of arguments]]) for the commands, whose names a blank separates;
# "": it is not all that a command reads
cdef OptionTable option_table(str commands, list rows) except *
cdef void options_begin(Options* o, const OptionTable* table, int argc, const Slice* argv, int at) noexcept nogil
# Reads the option at o.at: returns its bit, and o.at is behind its arguments. 0, and o.at stays: that is no option of the table, one before
# it excludes it, or there are too few words behind it. There must be a word at o.at
cdef uint32_t arg_option(Options* o) noexcept nogil
# Reads all options from argv[at] on where none needs a look before the next is read; False: replied with a syntax error
cdef bint arg_options(Client* c, const OptionTable* table, int argc, const Slice* argv, int at, Options* o) noexcept nogil
# The first argument of an option that has been read; of the last one, if it was given again
cdef inline Slice option_value(const Options* o, uint32_t option) noexcept nogil:
    return o.argv[o.places[lowest_bit(option)]]
cdef uint32_t arg_choice(const OptionTable* table, Slice word) noexcept nogil       # what stands for the word, 0: it is not in the table
cdef void reply_syntax_error(Client* c) noexcept nogil
# "ERR unknown subcommand or wrong number of arguments for 'pause'. Try CLIENT HELP.": what was given, the container in capitals
cdef void reply_subcommand_error(Client* c, Slice subcommand, const char* container) noexcept nogil
cdef void reply_wrong_type(Client* c) noexcept nogil
cdef void reply_out_of_memory(Client* c) noexcept nogil                             # a size that the client chose could not be had
# The entry's type is what the command works on, or it is absent (NULL): True. Else replies WRONGTYPE
cdef bint check_type(Client* c, const Entry* e, int value_type) noexcept nogil
