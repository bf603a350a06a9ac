"""The command table of an engine: specs from zippy.commandspec bound to their handlers."""

from zippy._core.commands.types cimport Command, Engine


# specs: the tuple of commandspec.COMMANDS; containers' subcommands follow their container
cdef int table_build(Engine* e, object specs) except -1
# both lower case; an empty new name takes the command away; what is wrong, or None
cdef object table_rename(Engine* e, bytes old, bytes new)
