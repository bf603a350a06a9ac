"""What is kept of each command that ran: counts, times, errors, the slow log, monitors."""

from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.types cimport Call, Client, Command, Engine, EngineStats, LatencyEvent, SlowEntry


# After it ran, at Engine.ticks: statistics, error counts, slow log. A command that waits is not counted before it has ended
cdef void account_call(Engine* e, const Call* call) noexcept nogil
cdef uint64_t account_quick_ticks(const Engine* e) noexcept nogil               # what took less goes to account_quick_call


cdef inline void account_quick_call(Engine* e, const Call* call) noexcept nogil:
    """account_call for what took less than two microseconds, made no error, and is of no interest to the slow log."""
    call.command.calls += 1
    call.command.ticks += e.ticks - call.ticks
    call.command.quick += e.settings.latency_tracking
    e.stats.commands += 1
    call.client.commands += 1


cdef void account_rejected(Engine* e, Client* c, Command* command, uint64_t errors_before) noexcept nogil   # the gate refused it
# A turn took so long; so many commands had run before it
cdef void account_turn(EngineStats* stats, uint64_t ticks, uint64_t commands_before) noexcept nogil
cdef void account_reset(Engine* e) noexcept nogil                               # CONFIG RESETSTAT
cdef void accounting_init(Engine* e) noexcept nogil
cdef void accounting_free(Engine* e) noexcept nogil
cdef void slowlog_reset(Engine* e) noexcept nogil
cdef void slowlog_trim(Engine* e) noexcept nogil                                # to slowlog-max-len
cdef SlowEntry* slowlog_at(const Engine* e, uint64_t index) noexcept nogil      # 0 is the newest; NULL out of range
cdef void feed_monitors(Engine* e, const Call* call) noexcept nogil   # after the command ran: it may have said what is secret
# One event of the latency monitor that took so long; kept from latency-monitor-threshold on. name: "command", "expire-cycle" ...
cdef void latency_sample(Engine* e, const char* name, int64_t us) noexcept nogil
# forgets an event, or all where the name's ptr is NULL; how many it forgot
cdef int latency_reset(Engine* e, Slice name) noexcept nogil
cdef const LatencyEvent* latency_event(const Engine* e, Slice name) noexcept nogil   # NULL: never seen
