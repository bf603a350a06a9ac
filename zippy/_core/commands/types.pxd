"""The structs of the engine: commands, clients, pub/sub, and the engine itself."""

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from zippy._core.ground.buf cimport Buf, Slice
from zippy._core.ground.hashtable cimport HashTable
from zippy._core.ground.histogram cimport Histogram
from zippy._core.ground.mem cimport Account
from zippy._core.commands.acl_user cimport User, Users
from zippy._core.keyspace.libraries cimport Function
from zippy._core.keyspace.relay cimport Feed, Relay
from zippy._core.keyspace.types cimport Db, Keyspace, WaitNode, Watches
from zippy._core.resp.parser cimport Batch, Parser
from zippy._core.resp.writer cimport Reply
from zippy._core.values.settings cimport OUTPUT_NORMAL, OUTPUT_PUBSUB, OUTPUT_REPLICA, Settings

cdef enum CommandFlag:
    CMD_WRITE = 1 << 0
    CMD_READONLY = 1 << 1
    CMD_DENYOOM = 1 << 2
    CMD_ADMIN = 1 << 3
    CMD_PUBSUB = 1 << 4
    CMD_NOSCRIPT = 1 << 5
    CMD_BLOCKING = 1 << 6
    CMD_LOADING = 1 << 7
    CMD_STALE = 1 << 8
    CMD_SKIP_MONITOR = 1 << 9
    CMD_SKIP_SLOWLOG = 1 << 10
    CMD_ASKING = 1 << 11
    CMD_FAST = 1 << 12
    CMD_NO_AUTH = 1 << 13
    CMD_MAY_REPLICATE = 1 << 14
    CMD_NO_ASYNC_LOADING = 1 << 15
    CMD_NO_MULTI = 1 << 16
    CMD_ALLOW_BUSY = 1 << 17
    CMD_MOVABLEKEYS = 1 << 18
    # not in COMMAND INFO: what the gate must know of a few commands, from `gate` in their specs
    CMD_RUNS_IN_MULTI = 1 << 24      # EXEC, DISCARD, MULTI, WATCH, QUIT, RESET: run at once though MULTI is open
    CMD_RUNS_SUBSCRIBED = 1 << 25    # may be called by a RESP2 client in subscribed mode
    CMD_TELLS_HEALTH = 1 << 28       # PING: refused, as writes are, when the last save failed
    CMD_PYTHON = 1 << 26             # the handler is a Python function
    CMD_NO_MANDATORY_KEYS = 1 << 30  # it has key specs, and requests without a key
    CMD_RUNS_QUEUE = 1 << 27         # EXEC: what holds for the queued commands holds for it
    CMD_PUBLISHES = 1 << 19          # its first word is a channel
    CMD_SUBSCRIBES = 1 << 20         # all of its words are channels
    CMD_SUBSCRIBES_PATTERNS = 1 << 21    # and they are patterns
    CMD_MOVES_SLOTS = 1 << 22        # MIGRATE: in a slot that moves it need not find its keys

cdef enum ClientFlag:
    CLIENT_MULTI = 1 << 0            # commands are queued
    CLIENT_DIRTY_EXEC = 1 << 1       # a queued command was refused: EXEC aborts
    CLIENT_BLOCKED = 1 << 2          # waits for keys
    CLIENT_AWAITING = 1 << 3         # a Python handler of its is still running
    CLIENT_CLOSING = 1 << 4          # to be closed, nothing more is run or sent
    CLIENT_CLOSE_AFTER_REPLY = 1 << 5
    CLIENT_MONITOR = 1 << 6
    CLIENT_REPLY_OFF = 1 << 7
    CLIENT_REPLY_SKIP = 1 << 8       # the reply to this command is not sent
    CLIENT_REPLY_SKIP_NEXT = 1 << 9
    CLIENT_NO_EVICT = 1 << 10
    CLIENT_NO_TOUCH = 1 << 11
    CLIENT_RETRY = 1 << 12           # a blocked command is being run again: a key that it waits for was written
    CLIENT_PENDING = 1 << 14         # on the engine's list of clients that have output
    CLIENT_IN_EXEC = 1 << 15         # EXEC is running its commands
    CLIENT_PAUSED = 1 << 16          # its next command waits for the end of CLIENT PAUSE
    CLIENT_UNBLOCKED = 1 << 17       # on the list of clients whose input has to be looked at again
    CLIENT_UNIX = 1 << 18            # came through the Unix socket
    CLIENT_TLS = 1 << 19
    CLIENT_INTERNAL = 1 << 20        # has no peer: loader, replication link, the commands of scripts
    CLIENT_REPLICA = 1 << 21
    CLIENT_MASTER = 1 << 22
    CLIENT_READONLY = 1 << 23        # cluster: READONLY was sent
    CLIENT_OVER_LIMIT = 1 << 24      # closing: too much output is unsent
    CLIENT_SPEAKS_HTTP = 1 << 25     # closing: it sent a line of a web browser
    CLIENT_WAITS = CLIENT_BLOCKED | CLIENT_AWAITING      # a command of its has begun and not ended
    CLIENT_STRANGER = 1 << 26        # has to show a password before it may do anything else
    CLIENT_OUT_OF_MEMORY = 1 << 27   # closing: there was no memory for its request or its reply
    CLIENT_LONG_ARGUMENTS = 1 << 28  # a command came whose arguments are in blocks of their own
    CLIENT_RESTRICTED = 1 << 29      # there is something that its user may not do
    CLIENT_UNPROVEN = 1 << 30        # came when a password was asked for, and has shown none: a stranger whenever one is asked for
    # what a client with one of these sends needs a closer look
    CLIENT_SPECIAL = (
        CLIENT_MULTI | CLIENT_MONITOR | CLIENT_INTERNAL | CLIENT_MASTER | CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP | CLIENT_REPLY_SKIP_NEXT
        | CLIENT_STRANGER | CLIENT_LONG_ARGUMENTS | CLIENT_RESTRICTED | CLIENT_REPLICA
    )
    # what holds for the commands of scripts and functions as for who calls them
    CLIENT_OF_CALLER = CLIENT_NO_TOUCH | CLIENT_RESTRICTED
    # a client with one of these runs nothing for now
    CLIENT_STOPPED = CLIENT_BLOCKED | CLIENT_AWAITING | CLIENT_CLOSING | CLIENT_CLOSE_AFTER_REPLY | CLIENT_PAUSED

cdef enum TrackingFlag:
    # of Client.tracking
    TRACKING_ON = 1 << 0
    TRACKING_BROADCAST = 1 << 1      # it is told of every write to a key with one of its prefixes, read or not
    TRACKING_OPTIN = 1 << 2          # what it reads is remembered only with TRACKING_CACHING
    TRACKING_OPTOUT = 1 << 3         # only without
    TRACKING_NOLOOP = 1 << 4         # it is not told of what it changed itself
    TRACKING_CACHING = 1 << 5        # CLIENT CACHING was sent, and no command after it has ended
    TRACKING_BROKEN = 1 << 6         # who should have been told in its place was gone
    TRACKING_KNOWN = 1 << 7          # it tracks or did: its id may be in Keyspace.tracked

cdef enum ClusterFlag:
    # of Client.cluster
    CLUSTER_ASKING = 1 << 0          # ASKING was sent: it holds for the command after it
    CLUSTER_ASKED = 1 << 1           # this is that command, or in the transaction that it began
    CLUSTER_REDIRECTED = 1 << 2      # EXEC is refused for where its keys are

cdef enum BlockReply:
    # what a client that waited in vain gets
    BLOCK_NULL_ARRAY = 0
    BLOCK_NULL = 1
    BLOCK_ZERO = 2

cdef enum:
    KNOWN_WORDS = 128
    SLOWLOG_ARGS = 32                # arguments that a slow log entry keeps, of each
    SLOWLOG_ARG_BYTES = 128          # these many bytes
    LATENCY_SAMPLES = 160            # that the latency monitor keeps of an event
    LATENCY_EVENTS = 32              # kinds of events at most
    LATENCY_NAME = 40                # bytes of an event's name, with its NUL


cdef enum KeyFlag:
    # what a command does to a key, in the order of KEY_FLAGS in commandspec/spec.py
    KEY_RO = 1 << 0
    KEY_RW = 1 << 1
    KEY_OW = 1 << 2
    KEY_RM = 1 << 3
    KEY_ACCESS = 1 << 4
    KEY_UPDATE = 1 << 5
    KEY_INSERT = 1 << 6
    KEY_DELETE = 1 << 7
    KEY_NOT_KEY = 1 << 8
    KEY_INCOMPLETE = 1 << 9
    KEY_VARIABLE_FLAGS = 1 << 10

cdef enum KeyBegin:
    BEGIN_UNKNOWN = 0
    BEGIN_INDEX = 1                  # at a fixed word
    BEGIN_KEYWORD = 2                # behind a word

cdef enum KeyFind:
    FIND_UNKNOWN = 0
    FIND_RANGE = 1                   # up to a fixed word, from the first key or from the end
    FIND_KEYNUM = 2                  # as many as a word says


# has other clients looked after while a script runs for long
ctypedef void (*busy_fn)(Engine* e) noexcept nogil
# writes a line to the server's log; level: 0 debug, 1 verbose, 2 notice, 3 warning
ctypedef void (*log_fn)(Engine* e, int level, Slice line) noexcept nogil
ctypedef void (*command_fn)(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil
# replies and returns True when there is what the command waits for
ctypedef bint (*serve_fn)(Engine* e, Client* c, const Wanted* w) noexcept nogil
# runs a function of the operator's for FCALL; its keys are the first of argv, so many
ctypedef void (*function_fn)(
    Engine* e, Client* c, const Function* f, const ScriptRights* rights, int keys, int argc, Slice* argv
) noexcept nogil
# writes at most `room` keys; how many there are, or KEYS_UNKNOWN
ctypedef int (*keys_fn)(int argc, const Slice* argv, KeyRef* keys, int room) noexcept nogil

# appends a client as CLIENT LIST shows it
ctypedef void (*describe_fn)(Client* c, Buf* line) noexcept nogil


cdef struct KeyRef:
    # a key of a request
    int place                        # in argv
    uint32_t flags                   # KEY_ bits


cdef struct KeySpec:
    # where some of a command's keys stand, as in COMMAND INFO; begin and find in one row
    uint32_t flags                   # KEY_ bits
    int begin                        # a KeyBegin
    int position                     # of BEGIN_INDEX; of BEGIN_KEYWORD where the search starts, negative: backwards from the end
    const char* keyword              # lower case
    int find                         # a KeyFind
    int last                         # of FIND_RANGE: the last key, from the first one; negative: from the end of the words
    int limit                        # of FIND_RANGE: 2: the first half of the words alone
    int count_at                     # of FIND_KEYNUM: where the number is, from where the search began
    int first                        # of FIND_KEYNUM: where the first key is
    int step                         # words from a key to the next


cdef struct Command:
    Slice name                       # lower case; "config|get" for a subcommand; static
    Slice word                       # the last part of it, or what rename-command made of it
    void* renamed                    # owned bytes of a new word, else NULL
    int id                           # its place in the table
    int arity                        # as in COMMAND INFO
    uint64_t flags                   # CMD_ bits
    uint64_t categories              # ACL category bits
    command_fn handler
    Command* parent                  # of a subcommand
    HashTable* subcommands           # of a container, else NULL
    int first_key, last_key, key_step
    const KeySpec* key_specs         # static
    int key_spec_count
    keys_fn keys_by                  # finds the keys where key_specs do not tell enough, else NULL
    # statistics
    uint64_t calls
    uint64_t ticks                   # clock_ticks spent
    uint64_t rejected
    uint64_t failed
    uint64_t quick                   # calls of less than two microseconds, which the histogram lacks
    Histogram histogram              # calls by nanoseconds


cdef struct Call:
    # A command that is being run, on the stack of who runs it. Only the outermost call begins and ends a unit of effects, serves waiting
    # clients and appends what was published to its client
    Call* parent                     # what it is run for: EXEC, a script, a command in Python; NULL: it is the outermost
    Client* client                   # where its reply goes, in that client's protocol
    Command* command
    int argc
    Slice* argv                      # borrowed
    bint replaced                    # the handler propagated on its own (or chose nothing)
    uint64_t ticks                   # when it began
    int64_t dirty                    # of the keyspace when it began
    uint64_t errors                  # of the client's Reply when it began
    size_t reply_at                  # where its reply begins
    uint64_t redacted                # bit i: argument i is secret and shown to no log; bit 63: all from 63 on too


cdef struct ScriptRights:
    # what the commands of a script may do while it runs
    bint reads_only                  # none may write
    bint over_memory                 # memory was above its limit when it began: what takes memory is refused until it has written
    bint as_master                   # it came from the master: a replica's data may be changed
    bint wrote                       # a command that writes was let pass
    bint cross_slot                  # in a cluster: its commands may be about different slots


cdef struct QueuedCommand:
    Command* command
    int argc
    Slice* argv                      # owned: the array, and behind it the bytes


cdef struct Multi:
    QueuedCommand* queue
    int count
    int cap
    size_t bytes                     # held by the queue


cdef struct Wanted:
    # what a command that may block was asked for: read once, when it comes
    serve_fn serve                   # what it does, as soon as it can
    Slice* argv                      # of the request, borrowed; while it is blocked, of BlockState.request
    int first_key                    # in argv: the keys that it waits for
    int key_count
    int value_type                   # ValueType that serves it
    bint removal                     # it has something to say, too, when a key is deleted or has got another type
    int64_t timeout_us               # 0: it waits for ever
    int timeout_reply                # a BlockReply
    int take                         # the end that it takes from, and, of what moves, the one that it puts to
    int put
    int64_t count                    # elements; -1: one, not in an array
    Slice state                      # what else it worked out: bytes, borrowed; while it is blocked, owned. ptr NULL: nothing


cdef struct BlockState:
    WaitNode* places                 # in the queues of the keys waited for
    QueuedCommand request            # the command as it was sent
    uint64_t ticks                   # that it took until it had to wait, and each time it was looked at in vain; 0 while none waits
    Wanted wanted                    # and as it was understood
    Db* db                           # the database it was sent to
    int64_t deadline_us              # of the monotonic clock: the nearer of the two that follow, 0: none
    int64_t timeout_at_us            # when it has waited for long enough; 0: never
    int64_t again_at_us              # when it is to be looked at again though no key was written; 0: never. `serve` may set it
    size_t heap_at                   # place in the engine's heap of deadlines
    uint64_t until_freed             # waits for no key: for all that was deleted up to the item of this number to be freed; 0: for a key


cdef struct Subscription:
    # one client's subscription to one channel or pattern
    Channel* channel                 # with the next field the key of PubSub.subscriptions
    Client* client
    size_t at                        # place in channel.subscribers
    Subscription* next               # the client's next one of the same kind, in order of subscription
    Subscription* prev


cdef struct Channel:
    # a channel or a pattern with at least one subscriber
    Slice name                       # owned, behind the struct
    Subscription** subscribers       # &first_place while it has room for one
    Subscription* first_place
    Subscription* alone              # the one that came when there was none: it is not in PubSub.subscriptions. NULL: that has ended
    size_t count
    size_t cap


cdef struct SubscriptionList:
    Subscription* first
    Subscription* last
    size_t count


cdef struct PubSub:
    HashTable channels               # Channel
    HashTable patterns
    HashTable shard_channels
    HashTable subscriptions          # Subscription by channel and client: of all three kinds, but for the Channels' `alone`
    Buf published                    # in a cluster: what other nodes are to get at the end of the turn (`note_published`)


cdef struct PrefixLength:
    size_t length
    size_t count                     # prefixes of that length


cdef struct Tracking:
    # client-side caching; what was read is in Keyspace.tracked
    uint64_t clients                 # that track keys
    uint64_t readers                 # of them those whose reads are remembered
    uint64_t known                   # connected clients with TRACKING_KNOWN
    uint64_t items                   # ids in Keyspace.tracked
    HashTable prefixes               # Channel: a prefix, and the clients that are told of all keys with it
    PrefixLength* lengths            # of the prefixes, in ascending order
    size_t length_count
    size_t length_cap
    Buf writes                       # WriteRecords of this turn: who broadcasts is told at its end
    size_t write_count
    size_t last_write                # where the last of them begins
    bint knows_prefixes              # the last change was noted under all prefixes that there are now
    Buf own                          # what the outermost call's client changed of what it tracks: OwnRecords; told after its reply
    const Command* container         # of CLIENT CACHING: the commands beside it do not end what it said


cdef struct Client:
    uint64_t id
    Engine* engine
    Db* db
    uint64_t flags                   # CLIENT_ bits
    User* user                       # who it is; NULL: nothing of what it does is asked about
    SubscriptionList channels
    SubscriptionList patterns
    SubscriptionList shard_channels
    Reply reply
    Parser parser
    Multi multi
    Watches* watches                 # NULL: none
    BlockState block
    SubscriptionList prefixes        # of Tracking.prefixes
    uint64_t redirect                # the client that is told of invalid keys in its place, 0: none
    uint32_t tracking                # TRACKING_ bits
    uint32_t cluster                 # CLUSTER_ bits
    int slot                         # in a cluster: that of its command's keys, -1: it has none
    void* owner                      # the session, opaque here
    Slice peer                       # "127.0.0.1:50000", owned
    Slice name                       # of CLIENT SETNAME, in name_block; NULL: none
    void* name_block                 # owned
    Client* prev                     # of all clients
    Client* next
    Client* prev_pending             # with CLIENT_PENDING, else void
    Client* next_pending
    Client* prev_unblocked           # with CLIENT_UNBLOCKED, else void
    Client* next_unblocked
    Command* last_command
    int64_t created_us               # wall clock
    int64_t active_us                # monotonic clock: the last input or output, or the end of waiting
    int64_t soft_limit_us            # monotonic clock, since when output is above the soft limit; 0: it is not
    uint64_t commands
    uint64_t bytes_in
    uint64_t bytes_out
    size_t noted_memory              # its share of Engine.clients_memory
    size_t held                      # bytes that it held when it was visited last
    uint64_t effects_at              # offset of the stream where its last write ended
    uint64_t unit_at                 # of a replica's primary: bytes that came before the transaction that is being queued
    Feed* feed                       # of a replica: what it is sent behind its replies, owned; NULL: nothing


cdef struct OutputLimit:
    int64_t hard                     # bytes, 0: none
    int64_t soft
    int64_t soft_seconds


cdef struct KnownWord:
    # a command's name as some client writes it
    uint64_t bytes                   # up to seven of them, and above them how many; 0: nothing is known here
    Command* command


cdef struct ErrorStat:
    Slice code                       # "WRONGTYPE", owned, behind the struct
    uint64_t count


cdef struct SlotUse:
    uint64_t ticks                   # clock_ticks of its commands
    uint64_t bytes_in
    uint64_t bytes_out


cdef struct SlowEntry:
    int64_t id
    int64_t at                       # seconds since the epoch
    int64_t us
    int argc
    Slice* argv                      # owned, trimmed, in the same block
    Slice peer                       # in the same block too
    Slice name


cdef struct AclLogEntry:
    # a command or a login that was refused, and those like it that followed
    AclLogEntry* older
    AclLogEntry* newer
    uint64_t id
    uint64_t count
    int verdict                      # an AclVerdict
    int context                      # an AclContext
    Slice object                     # the command, key or channel; in the same block
    Slice user                       # in the same block
    Slice client                     # as CLIENT LIST showed it at the last refusal; owned
    int64_t created_ms               # since the epoch
    int64_t updated_ms


cdef struct AclLog:
    AclLogEntry* newest
    AclLogEntry* oldest
    uint64_t count
    uint64_t next_id


cdef struct LatencySample:
    int64_t at                       # seconds since the epoch
    int64_t ms


cdef struct LatencyEvent:
    char[LATENCY_NAME] name
    int64_t worst                    # ms, since the event was reset
    int count                        # samples taken; the newest is at (count - 1) % LATENCY_SAMPLES
    LatencySample[LATENCY_SAMPLES] samples


cdef struct EngineStats:
    uint64_t commands
    uint64_t connections
    uint64_t rejected_connections
    uint64_t bytes_in
    uint64_t bytes_out
    uint64_t replicas_bytes_out      # of the relay
    uint64_t primary_bytes_in        # of the stream of a replica's primary
    uint64_t reads                   # pieces that input came in
    uint64_t writes                  # and that output went in
    size_t input_most                # bytes of the longest of them since somebody asked
    size_t output_most
    uint64_t query_limit_disconnects
    uint64_t output_limit_disconnects
    uint64_t out_of_memory           # commands that were answered so
    uint64_t libraries_refused       # of functions, by FUNCTION LOAD
    uint64_t error_replies
    uint64_t evicted_clients
    uint64_t denied_logins
    uint64_t denied_certificates
    uint64_t denied_commands
    uint64_t denied_keys
    uint64_t denied_channels
    uint64_t turns
    uint64_t turn_ticks              # clock_ticks that turns took, up to their replies
    uint64_t turn_ticks_most         # that one took
    uint64_t turn_commands_most      # commands that ran in one
    uint64_t journal_ticks           # clock_ticks that the journal took of them
    uint64_t cron_ticks              # and the periodic work of the core
    uint64_t blocked_clients         # those that CLIENT PAUSE holds back too
    uint64_t pubsub_clients
    uint64_t watching_clients
    uint64_t transactions


cdef struct Engine:
    Account account                  # all memory of this engine
    Settings settings
    Keyspace ks
    HashTable commands               # Command by name, containers only at the top
    KnownWord[KNOWN_WORDS] known     # what was found lately, by a hash of `bytes`
    Command* all_commands            # an array, subcommands too, by id
    int command_count
    PubSub pubsub
    Tracking tracking
    Client* clients                  # all of them
    HashTable clients_by_id
    uint64_t client_count
    Client* visited_next             # NULL: the first
    size_t held                      # the sum of what clients held when they were visited
    uint64_t soft_limited            # clients whose output is above the soft limit
    uint64_t next_client_id
    Client* pending                  # clients with output
    bint closing                     # some of those are to be closed
    Client* unblocked                # clients whose input has to be looked at again
    Client** deadlines               # a binary heap of blocked clients by deadline
    size_t deadline_count
    size_t deadline_cap
    Client** monitors
    size_t monitor_count
    size_t monitor_cap
    Call* call                       # the innermost call under way, or NULL
    Batch batch                      # of the client whose input is being run
    uint64_t ticks                   # clock_ticks at the end of the last command: the next one begins then
    uint64_t input_ticks             # how long the commands of one client run in a turn, if there are more than one
    uint64_t quick_ticks             # what took less needs only to be counted; as for `calm`, found out once for all input that is run
    bint calm                        # nothing about the engine's state keeps any command from running
    OutputLimit[3] output_limits     # by OutputClass
    size_t unlimited_output          # bytes that no limit forbids
    size_t clients_limit             # bytes of all clients that may be evicted, 0: none
    size_t clients_memory            # what they hold, kept only while there is a limit
    int64_t pause_until_us           # CLIENT PAUSE, monotonic clock; 0: none
    bint pause_all                   # else only writes
    bint deny_writes_disk            # the last save failed and stop-writes-on-bgsave-error is on
    bint all_flushed                 # by FLUSHALL in this turn
    bint frees_between_turns         # somebody calls lazy_free_step
    size_t waiting_for_memory        # clients that are blocked until what was deleted is freed
    uint64_t answered_freed          # ks.lazy.freed when they were last looked at
    uint64_t owed_ticks              # how long commands took while much waited to be freed and nobody had paid for it
    int log_error                    # errno: the append-only file cannot be written, so writes are refused; 0: it can
    Relay relay                      # what replicas get
    bint replica_readonly
    bint stale                       # a replica without its primary, whose data nobody is to read
    bint too_few_replicas            # for writes: min-replicas-to-write
    bint loads_aside                 # a primary's data is being loaded beside what is there
    bint leaves_eviction             # to the primary: replica-ignore-maxmemory
    void* cluster                    # a Cluster, opaque here; NULL: this is no node of one
    SlotUse* slot_use                # of a node, SLOTS of them; NULL: use is not counted
    function_fn run_python_function  # NULL: there are no functions in Python
    HashTable errors                 # ErrorStat by code
    SlowEntry** slowlog              # newest last
    size_t slowlog_first             # the place of the oldest; those before it are free
    size_t slowlog_count
    size_t slowlog_cap
    int64_t slowlog_next_id
    LatencyEvent* latency[LATENCY_EVENTS]    # of the latency monitor, in order of first appearance
    int latency_count
    EngineStats stats
    Users users
    User* default_user               # who every client is at first
    AclLog acl_log
    describe_fn describe_client      # NULL: nobody can
    void* scripting                  # a Scripting, opaque here; NULL until the first script
    void* lua_functions              # a LuaFunctions, opaque here; NULL until the first library
    bint runs_function               # what runs is a function, no script of EVAL
    bint busy                        # a script has run for longer than it may keep others waiting
    busy_fn while_busy               # NULL: nobody can be looked after then
    log_fn log_line                  # NULL: there is no log
    Reply pushes                     # what was published to the outermost call's client: it comes after the reply
