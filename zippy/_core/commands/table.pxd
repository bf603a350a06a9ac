"""The command table of an engine: specs from zippy.commandspec bound to their handlers."""

from zippy._core.commands.types cimport Command, Engine


cdef int table_build(Engine* e, object specs) except -1    # specs: the tuple of commandspec.COMMANDS; containers' subcommands follow their container
