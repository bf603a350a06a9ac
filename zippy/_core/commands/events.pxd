"""What a command's effects have to say to clients: keyspace notifications, and keys that others may have in their caches."""

from zippy._core.commands.types cimport Client, Engine


# delivers the keyspace notifications that commands left in the effects, and tells those who track keys
cdef void publish_events(Engine* e) noexcept nogil
# what the command under way did is told to its own client too, before its reply; after it where nothing but pushes is sent
cdef void tell_before_reply(Engine* e, Client* c) noexcept nogil
