# Bitmaps are strings. The work on bits is in ground/bits; here are the commands on one string, whose ranges may be told in bytes or bits.

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint32_t
from zippy._core.ground.bits cimport bits_count_range, bits_find
from zippy._core.ground.buf cimport Slice, slice_of
from zippy._core.ground.number cimport NUM_I64_TEXT
from zippy._core.commands.args cimport (
    OptionTable, arg_choice, arg_i64, arg_in_range, check_type, option_table, reply_out_of_memory, reply_syntax_error
)
from zippy._core.commands.bitmap_field cimport arg_bit_offset
from zippy._core.commands.types cimport Client, Engine
from zippy._core.keyspace.db cimport db_put_zeros, db_resize_string, lookup_read, open_for_write
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.types cimport NOTIFY_STRING
from zippy._core.resp.writer cimport reply_error, reply_int
from zippy._core.values.entry cimport TYPE_STRING, Entry, entry_string, entry_string_length


cdef struct BitRange:
    int64_t start               # as told, in bits or bytes; then the first bit
    int64_t end                 # then the last bit
    bint in_bits
    bint has_end


cdef void setbit_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SETBIT key offset value."""
    cdef int64_t offset
    cdef int64_t bit
    cdef Entry* entry
    cdef char* data
    cdef size_t at
    cdef size_t len = 0
    cdef uint8_t mask
    cdef bint old = False
    if not arg_bit_offset(e, c, argv[2], 0, &offset):
        return
    if not arg_in_range(c, argv[3], 0, 1, &bit, b"ERR bit is not an integer or out of range"):
        return
    entry = open_for_write(c.db, argv[1])
    if not check_type(c, entry, TYPE_STRING):
        return
    at = <size_t>(offset >> 3)
    if entry == NULL:
        entry = db_put_zeros(c.db, argv[1], at + 1, &data)
    else:
        len = entry_string_length(entry)
        entry = db_resize_string(c.db, entry, at + 1 if at >= len else len, &data)
    if entry == NULL:
        reply_out_of_memory(c)
        return
    mask = <uint8_t>(0x80 >> (offset & 7))
    old = (data[at] & mask) != 0
    if old != bit or at >= len:
        data[at] = <char>(data[at] | mask if bit else data[at] & ~mask)
        mutated(c.db, argv[1], NOTIFY_STRING, b"setbit", 1)
    reply_int(&c.reply, old)


cdef void getbit_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """GETBIT key offset."""
    cdef int64_t offset
    cdef Entry* entry
    cdef Slice text = slice_of(b"", 0)
    cdef char[NUM_I64_TEXT] scratch
    if not arg_bit_offset(e, c, argv[2], 0, &offset):
        return
    entry = lookup_read(c.db, argv[1])
    if not check_type(c, entry, TYPE_STRING):
        return
    if entry != NULL:
        text = entry_string(entry, scratch)
    if <size_t>(offset >> 3) >= text.len:
        reply_int(&c.reply, 0)
    else:
        reply_int(&c.reply, text.ptr[offset >> 3] >> (7 - (offset & 7)) & 1)


cdef enum RangeUnit:
    UNIT_BYTE = 1
    UNIT_BIT = 2

cdef OptionTable UNIT_WORDS = option_table("bitcount bitpos", [("byte", UNIT_BYTE), ("bit", UNIT_BIT)])


cdef bint parse_unit(Client* c, int count, const Slice* argv, BitRange* told) noexcept nogil:
    cdef uint32_t unit = arg_choice(&UNIT_WORDS, argv[2]) if count > 2 else UNIT_BYTE
    told.in_bits = unit == UNIT_BIT
    if unit == 0:
        reply_syntax_error(c)
    return unit != 0


cdef bint parse_range(Client* c, int count, const Slice* argv, bint unit_first, BitRange* told) noexcept nogil:
    """Reads [start [end [BIT | BYTE]]] from `count` arguments, the unit before or after the end; False: replied with an error."""
    told.start = 0
    told.end = -1
    told.has_end = count > 1
    if count > 3:
        reply_syntax_error(c)
        return False
    if count > 0 and not arg_i64(c, argv[0], &told.start):
        return False
    if unit_first and not parse_unit(c, count, argv, told):
        return False
    if count > 1 and not arg_i64(c, argv[1], &told.end):
        return False
    return unit_first or parse_unit(c, count, argv, told)


cdef bint place_range(BitRange* told, size_t len) noexcept nogil:
    """Turns what was told into bits of a string of len bytes; False: there are none."""
    cdef int64_t units = <int64_t>(len * 8 if told.in_bits else len)
    if told.start < 0:
        told.start = told.start + units if told.start + units > 0 else 0
    if told.end < 0:
        told.end = told.end + units if told.end + units > 0 else 0
    if told.end >= units:
        told.end = units - 1
    if told.start > told.end:
        return False
    if not told.in_bits:
        told.start = told.start * 8
        told.end = told.end * 8 + 7
    return True


cdef void bitcount_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """BITCOUNT key [start end [BYTE | BIT]]."""
    cdef BitRange told
    cdef Entry* entry
    cdef Slice text = slice_of(b"", 0)
    cdef char[NUM_I64_TEXT] scratch
    if argc == 3:
        reply_syntax_error(c)
        return
    if not parse_range(c, argc - 2, argv + 2, False, &told):
        return
    entry = lookup_read(c.db, argv[1])
    if not check_type(c, entry, TYPE_STRING):
        return
    if entry != NULL:
        text = entry_string(entry, scratch)
    # told from the end in the wrong order: nothing, though both ends would be moved to the first unit
    if (told.start < 0 and told.end < 0 and told.start > told.end) or not place_range(&told, text.len):
        reply_int(&c.reply, 0)
    else:
        reply_int(&c.reply, <int64_t>bits_count_range(text.ptr, told.start, told.end))


cdef void bitpos_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """BITPOS key bit [start [end [BYTE | BIT]]]."""
    cdef BitRange told
    cdef int64_t bit
    cdef int64_t position
    cdef Entry* entry
    cdef Slice text
    cdef char[NUM_I64_TEXT] scratch
    if not arg_i64(c, argv[2], &bit):
        return
    if bit != 0 and bit != 1:
        reply_error(&c.reply, b"ERR The bit argument must be 1 or 0.")
        return
    if not parse_range(c, argc - 3, argv + 3, True, &told):
        return
    entry = lookup_read(c.db, argv[1])
    if not check_type(c, entry, TYPE_STRING):
        return
    if entry == NULL:
        reply_int(&c.reply, -1 if bit else 0)
        return
    text = entry_string(entry, scratch)
    if not place_range(&told, text.len):
        reply_int(&c.reply, -1)
        return
    position = bits_find(text.ptr, told.start, told.end, bit != 0)
    if position == -1 and bit == 0 and not told.has_end:
        # the string goes on in zeros for ever, unless its end was told
        position = <int64_t>text.len * 8
    reply_int(&c.reply, position)
