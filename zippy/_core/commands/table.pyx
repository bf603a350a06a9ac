# The rows that the build made of the specs are constant; an engine copies them, because statistics and rename-command are its own.

from libc.string cimport memcpy, memset
from zippy._core.ground.buf cimport Slice, slice_of
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport HashTable, ht_find, ht_init, ht_insert, ht_remove
from zippy._core.ground.mem cimport mem_alloc, mem_free, mem_zalloc
from zippy._core.commands.rows cimport command_rows
from zippy._core.commands.types cimport CMD_PYTHON


cdef void command_word_of(const void* item, Slice* key) noexcept nogil:
    key[0] = (<const Command*>item).word


cdef int table_build(Engine* e, command_fn python) noexcept nogil:
    cdef const Command* rows = command_rows(&e.command_count)
    cdef size_t size = e.command_count * sizeof(Command)
    cdef Command* command
    cdef HashTable* table
    cdef int i
    e.all_commands = <Command*>mem_alloc(size)
    if e.all_commands == NULL:
        e.command_count = 0
        return -1
    memcpy(e.all_commands, rows, size)
    for i in range(e.command_count):
        command = &e.all_commands[i]
        table = &e.commands
        if command.flags & CMD_PYTHON:
            command.handler = python
        if command.parent != NULL:
            command.parent = e.all_commands + (command.parent - rows)
            if command.parent.subcommands == NULL:
                command.parent.subcommands = <HashTable*>mem_zalloc(sizeof(HashTable))
                ht_init(command.parent.subcommands, command_word_of)
            table = command.parent.subcommands
        ht_insert(table, command, hash_bytes(command.word.ptr, command.word.len))
    return 0


cdef const char* table_rename(Engine* e, Slice old, Slice new) noexcept nogil:
    cdef Command* command = <Command*>ht_find(&e.commands, old)
    if command == NULL:
        return b"No such command in rename-command"
    if new.len and ht_find(&e.commands, new) != NULL:
        return b"Target command name already exists"
    memset(e.known, 0, sizeof(e.known))
    ht_remove(&e.commands, old)
    if new.len:
        mem_free(command.renamed)
        command.renamed = mem_alloc(new.len)
        memcpy(command.renamed, new.ptr, new.len)
        command.word = slice_of(<const char*>command.renamed, new.len)
        ht_insert(&e.commands, command, hash_bytes(new.ptr, new.len))
    return NULL
