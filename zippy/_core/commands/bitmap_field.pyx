# The operations are read twice, once to check them all and to see how far they write, and once to run them: nothing is changed by a
# command that is wrong at its end, and no list of them has to be kept.

from libc.stddef cimport size_t
from libc.stdint cimport INT64_MAX, uint32_t, uint64_t
from zippy._core.ground.bits cimport bits_read, bits_write
from zippy._core.ground.buf cimport slice_of
from zippy._core.ground.number cimport NUM_I64_TEXT, num_read_i64
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_choice, arg_i64, arg_option, check_type, option_table, options_begin, reply_out_of_memory, reply_syntax_error
)
from zippy._core.commands.engine cimport propagate_instead
from zippy._core.commands.types cimport CLIENT_MASTER
from zippy._core.keyspace.db cimport db_put_zeros, db_resize_string, lookup_read, open_for_write
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.types cimport NOTIFY_STRING
from zippy._core.resp.writer cimport reply_array, reply_error, reply_int, reply_null
from zippy._core.values.entry cimport TYPE_STRING, Entry, entry_string, entry_string_length

cdef extern from *:
    """
    typedef __int128 exact_int;     /* holds the sum of any two integers of 64 bits, signed or not */
    """
    ctypedef long long exact_int

cdef enum FieldKind:
    FIELD_GET = 1
    FIELD_SET = 2
    FIELD_INCRBY = 4
    FIELD_OVERFLOW = 8          # holds for the operations behind it

cdef enum FieldOverflow:
    FIELD_WRAP = 1
    FIELD_SAT = 2
    FIELD_FAIL = 3

cdef OptionTable FIELD_OPTIONS = option_table("bitfield bitfield_ro", [
    ("get", FIELD_GET, 0, 2),
    ("set", FIELD_SET, 0, 3),
    ("incrby", FIELD_INCRBY, 0, 3),
    ("overflow", FIELD_OVERFLOW, 0, 1),
])
cdef OptionTable OVERFLOW_WORDS = option_table("bitfield bitfield_ro", [("wrap", FIELD_WRAP), ("sat", FIELD_SAT), ("fail", FIELD_FAIL)])


cdef struct FieldReader:
    Options options
    uint32_t overflow           # a FieldOverflow: what the last OVERFLOW said


cdef struct FieldOp:
    uint32_t kind               # a FieldKind
    bint signed_
    int bits
    int64_t offset
    int64_t operand             # of SET and INCRBY


cdef struct FieldPlan:
    int64_t count               # operations
    size_t needed               # bytes that they write to; 0: none writes
    bint writes


cdef bint arg_bit_offset(Engine* e, Client* c, Slice text, int width, int64_t* offset) noexcept nogil:
    cdef bint in_widths = width > 0 and text.len > 0 and text.ptr[0] == c'#'
    cdef bint valid
    if in_widths:
        text = slice_of(text.ptr + 1, text.len - 1)
    valid = num_read_i64(text, offset) and offset[0] >= 0
    if valid and in_widths:
        valid = offset[0] <= INT64_MAX // width
        offset[0] = offset[0] * width if valid else 0
    # what a master or a file says has been checked where it came from
    if valid and not c.flags & CLIENT_MASTER and not e.ks.loading:
        valid = offset[0] >> 3 < e.settings.proto_max_bulk_len
    if not valid:
        reply_error(&c.reply, b"ERR bit offset is not an integer or out of range")
    return valid


cdef bint parse_type(Client* c, Slice text, FieldOp* op) noexcept nogil:
    cdef int64_t bits
    if text.len > 1 and (text.ptr[0] == c'i' or text.ptr[0] == c'u') and num_read_i64(slice_of(text.ptr + 1, text.len - 1), &bits):
        op.signed_ = text.ptr[0] == c'i'
        op.bits = <int>bits if 0 < bits < 65 else 0
        if 0 < op.bits < 64 or op.bits == 64 and op.signed_:
            return True
    reply_error(&c.reply, b"ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.")
    return False


cdef bint parse_op(Engine* e, Client* c, const Slice* value, FieldOp* op) noexcept nogil:
    """Reads the arguments of one GET, SET or INCRBY; False: replied with an error."""
    if not parse_type(c, value[0], op) or not arg_bit_offset(e, c, value[1], op.bits, &op.offset):
        return False
    return op.kind == FIELD_GET or arg_i64(c, value[2], &op.operand)


cdef bint next_op(Engine* e, Client* c, FieldReader* reader, FieldOp* op) noexcept nogil:
    """Reads the next operation; False: there is none, or replied with an error."""
    while reader.options.at < reader.options.argc:
        op.kind = arg_option(&reader.options)
        if op.kind == 0:
            reply_syntax_error(c)
            return False
        if op.kind != FIELD_OVERFLOW:
            return parse_op(e, c, reader.options.value, op)
        reader.overflow = arg_choice(&OVERFLOW_WORDS, reader.options.value[0])
        if reader.overflow == 0:
            reply_error(&c.reply, b"ERR Invalid OVERFLOW type specified")
            return False
    return False


cdef void reader_init(FieldReader* reader, int argc, const Slice* argv) noexcept nogil:
    options_begin(&reader.options, &FIELD_OPTIONS, argc, argv, 2)
    reader.overflow = FIELD_WRAP


cdef bint plan_ops(Engine* e, Client* c, int argc, const Slice* argv, FieldPlan* plan) noexcept nogil:
    """Checks all operations; False: replied with an error."""
    cdef FieldReader reader
    cdef FieldOp op
    cdef uint64_t errors = c.reply.errors
    cdef size_t end
    reader_init(&reader, argc, argv)
    plan.count = 0
    plan.needed = 0
    plan.writes = False
    while next_op(e, c, &reader, &op):
        plan.count += 1
        if op.kind != FIELD_GET:
            plan.writes = True
            end = <size_t>((op.offset + op.bits - 1) >> 3) + 1
            if end > plan.needed:
                plan.needed = end
    return c.reply.errors == errors


cdef int64_t field_value(const FieldOp* op, uint64_t raw) noexcept nogil:
    """The integer that the bits mean."""
    if op.signed_:
        return <int64_t>(raw << (64 - op.bits)) >> (64 - op.bits)
    return <int64_t>raw


cdef bint bounded(const FieldOp* op, uint32_t overflow, exact_int* n) noexcept nogil:
    """Makes n fit the field as `overflow` says; False: it does not fit and FAIL was said."""
    cdef exact_int top = (<exact_int>1 << (op.bits - 1 if op.signed_ else op.bits)) - 1
    cdef exact_int bottom = -top - 1 if op.signed_ else 0
    # Redis computes how much is left to the top in 64 bits: from numbers as low as these it seems to be negative, so that they
    # saturate to the top
    cdef bint taken_for_high = op.kind == FIELD_SET and top - n[0] > INT64_MAX
    if bottom <= n[0] <= top:
        return True
    if overflow == FIELD_FAIL:
        return False
    if overflow == FIELD_SAT:
        n[0] = top if n[0] > top or taken_for_high else bottom
    else:
        n[0] = field_value(op, <uint64_t>n[0] & (~<uint64_t>0 >> (64 - op.bits)))
    return True


cdef int write_field(Client* c, const FieldOp* op, uint32_t overflow, char* data, size_t len) noexcept nogil:
    """Runs SET or INCRBY and replies; 2: the bits changed, 1: they were the same before, 0: FAIL."""
    cdef uint64_t before = bits_read(data, len, op.offset, op.bits)
    cdef int64_t old = field_value(op, before)
    cdef exact_int value
    cdef uint64_t mask = ~<uint64_t>0 >> (64 - op.bits)
    if op.kind == FIELD_INCRBY:
        value = <exact_int>old + op.operand
    elif op.signed_:
        value = op.operand
    else:
        value = <uint64_t>op.operand
    if not bounded(op, overflow, &value):
        reply_null(&c.reply)
        return 0
    bits_write(data, op.offset, op.bits, <uint64_t>value & mask)
    reply_int(&c.reply, old if op.kind == FIELD_SET else <int64_t>value)
    return 2 if (<uint64_t>value & mask) != before else 1


cdef void read_fields(Engine* e, Client* c, int argc, Slice* argv, const FieldPlan* plan) noexcept nogil:
    cdef Entry* entry = lookup_read(c.db, argv[1])
    cdef Slice text = slice_of(b"", 0)
    cdef char[NUM_I64_TEXT] scratch
    cdef FieldReader reader
    cdef FieldOp op
    if not check_type(c, entry, TYPE_STRING):
        return
    if entry != NULL:
        text = entry_string(entry, scratch)
    reply_array(&c.reply, plan.count)
    reader_init(&reader, argc, argv)
    while next_op(e, c, &reader, &op):
        reply_int(&c.reply, field_value(&op, bits_read(text.ptr, text.len, op.offset, op.bits)))


cdef void write_fields(Engine* e, Client* c, int argc, Slice* argv, const FieldPlan* plan) noexcept nogil:
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef size_t before = 0
    cdef size_t len = plan.needed
    cdef char* data
    cdef FieldReader reader
    cdef FieldOp op
    cdef int64_t changes = 0
    cdef int outcome
    if not check_type(c, entry, TYPE_STRING):
        return
    if entry == NULL:
        entry = db_put_zeros(c.db, argv[1], len, &data)
    else:
        before = entry_string_length(entry)
        len = len if len > before else before
        entry = db_resize_string(c.db, entry, len, &data)
    if entry == NULL:
        reply_out_of_memory(c)
        return
    reply_array(&c.reply, plan.count)
    reader_init(&reader, argc, argv)
    while next_op(e, c, &reader, &op):
        if op.kind == FIELD_GET:
            reply_int(&c.reply, field_value(&op, bits_read(data, len, op.offset, op.bits)))
        else:
            outcome = write_field(c, &op, reader.overflow, data, len)
            changes += outcome == 2 or outcome == 1 and len > before
    if changes:
        mutated(c.db, argv[1], NOTIFY_STRING, b"setbit", changes)
    elif len > before:
        # all failed, but the string has grown: not a change to Redis, which leaves its replicas without the key
        mutated(c.db, argv[1], NOTIFY_STRING, NULL, 0)
        propagate_instead(e, c, argc, argv)


cdef void bitfield_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """BITFIELD key [GET encoding offset | [OVERFLOW WRAP | SAT | FAIL] <SET encoding offset value | INCRBY encoding offset increment>
    [...]]. Reads all operations before it runs the first, so an error changes nothing."""
    cdef FieldPlan plan
    if not plan_ops(e, c, argc, argv, &plan):
        return
    if plan.writes:
        write_fields(e, c, argc, argv, &plan)
    else:
        read_fields(e, c, argc, argv, &plan)


cdef void bitfield_ro_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """BITFIELD_RO key [GET encoding offset [GET encoding offset ...]]. Reads the operations of BITFIELD, and refuses to run those that
    write."""
    cdef FieldPlan plan
    if not plan_ops(e, c, argc, argv, &plan):
        return
    if plan.writes:
        reply_error(&c.reply, b"ERR BITFIELD_RO only supports the GET subcommand")
    else:
        read_fields(e, c, argc, argv, &plan)
