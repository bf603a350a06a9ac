# The request parser for tests: bytes are fed in pieces that die after the call, as a reader's buffer does.

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset
from zippy._core.ground.mem cimport Account, mem_alloc, mem_charge_to, mem_charged, mem_free
from zippy._core.resp.parser cimport (
    PARSE_COMMAND, PARSE_ERROR, Batch, Bulk, Parser, batch_free, parser_begin, parser_bulk, parser_end, parser_filled, parser_free,
    parser_held, parser_init, parser_limit, parser_next, parser_pending, parser_request_size, parser_room, parser_target, parser_unread
)


cdef class RequestParser:
    """One parser with a batch of its own."""

    cdef Parser parser
    cdef Batch batch
    cdef Account account
    cdef readonly list in_blocks       # the places of those arguments of the command returned last that have blocks of their own
    cdef public bint takes_blocks      # they are taken over

    def __cinit__(self, int64_t max_bulk=512 << 20):
        memset(&self.account, 0, sizeof(Account))
        memset(&self.batch, 0, sizeof(Batch))
        mem_charge_to(&self.account)
        parser_init(&self.parser, max_bulk)

    def __dealloc__(self):
        cdef Account* before = mem_charged()
        mem_charge_to(&self.account)
        parser_free(&self.parser)
        batch_free(&self.batch)
        # whoever is charged next must not be the one that is gone
        mem_charge_to(NULL if before == &self.account else before)

    def limit(self, int64_t max_args, int64_t max_bulk):
        """parser_limit."""
        parser_limit(&self.parser, max_args, max_bulk)

    cdef int look_for_blocks(self) except -1:
        cdef Bulk* bulk
        cdef int i
        self.in_blocks = []
        for i in range(self.parser.argc):
            bulk = parser_bulk(&self.parser, i, self.parser.argv[i])
            if bulk == NULL:
                continue
            self.in_blocks.append(i)
            if self.takes_blocks:
                mem_free(bulk.block)
                bulk.block = NULL
        return 0

    def feed(self, bytes data, int most=1000000, unread=False):
        """At most so many commands as lists of bytes, and the sizes they came in; an error's text is the last item. unread: each is put
        back once."""
        cdef size_t room
        cdef char* piece
        cdef char* target
        mem_charge_to(&self.account)
        target = parser_target(&self.parser, &room)
        if target != NULL and room >= <size_t>len(data):
            memcpy(target, <const char*>data, len(data))
            parser_filled(&self.parser, len(data))
            return self.take(NULL, 0, most, unread)
        # a block of just this size, so that a sanitizer sees what reads beyond it
        piece = <char*>mem_alloc(len(data) + (1 if len(data) == 0 else 0))
        memcpy(piece, <const char*>data, len(data))
        try:
            return self.take(piece, len(data), most, unread)
        finally:
            mem_free(piece)

    cdef object take(self, const char* data, size_t size, int most, bint unread):
        cdef int status
        cdef int i
        cdef list commands = []
        cdef list sizes = []
        assert parser_begin(&self.parser, &self.batch, data, size) == 0
        while len(commands) < most:
            status = parser_next(&self.parser)
            if unread and status == PARSE_COMMAND:
                parser_unread(&self.parser)
                status = parser_next(&self.parser)
            if status == PARSE_ERROR:
                commands.append(self.parser.error.decode())
                break
            if status != PARSE_COMMAND:
                break
            commands.append([PyBytes_FromStringAndSize(self.parser.argv[i].ptr, self.parser.argv[i].len) for i in range(self.parser.argc)])
            sizes.append(parser_request_size(&self.parser))
            self.look_for_blocks()
        assert parser_end(&self.parser) == 0
        return commands, sizes

    def put_back(self, bytes data):
        """The next command, which is put back."""
        assert parser_begin(&self.parser, &self.batch, data, len(data)) == 0
        assert parser_next(&self.parser) == PARSE_COMMAND
        command = [PyBytes_FromStringAndSize(self.parser.argv[i].ptr, self.parser.argv[i].len) for i in range(self.parser.argc)]
        parser_unread(&self.parser)
        assert parser_end(&self.parser) == 0
        return command

    def parsed_ahead(self, bytes data, int ahead):
        """How many commands are parsed when the first one is asked for, and at most so many may be."""
        mem_charge_to(&self.account)
        self.batch.ahead = ahead
        assert parser_begin(&self.parser, &self.batch, data, len(data)) == 0
        assert parser_next(&self.parser) == PARSE_COMMAND
        count = self.batch.count
        assert parser_end(&self.parser) == 0
        return count

    def moved(self):
        """Arguments that were made offsets or addresses so far."""
        return self.batch.moved

    def pending(self):
        """Bytes that no command was made of."""
        return parser_pending(&self.parser)

    def kept(self):
        """Bytes kept between two reads, and what their buffers take."""
        mem_charge_to(&self.account)
        return parser_held(&self.parser), parser_room(&self.parser)

    def read_room(self):
        """Bytes that the next read may bring; None: it goes to a shared buffer."""
        cdef size_t room
        mem_charge_to(&self.account)
        return room if parser_target(&self.parser, &room) != NULL else None

    def held(self):
        """Bytes of memory that the parser holds between two reads."""
        mem_charge_to(&self.account)
        batch_free(&self.batch)
        return self.account.used
