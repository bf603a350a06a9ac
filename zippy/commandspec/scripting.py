"""Commands that run programs on the server."""

from __future__ import annotations

from zippy.commandspec.spec import Argument, CommandSpec, Index, KeyCount, KeySpec

ANY_ACCESS = "What the script does to its keys cannot be known beforehand."
COUNTED_KEYS = KeyCount(0, 1, 1)
MODES = tuple(Argument(word, "pure-token", word.upper()) for word in ("yes", "sync", "no"))


def program(what: str, summary: str, name: str, handler: str, flags: tuple[str, ...], key: KeySpec, since: str) -> CommandSpec:
    """A command that runs a program, which its first argument, `what`, is or names."""
    return CommandSpec(
        name=name,
        handler=handler,
        arity=-3,
        flags=flags,
        categories=("slow", "scripting"),
        keys=(key,),
        summary=summary,
        since=since,
        group="scripting",
        complexity="As the program says.",
        reply="any",
        arguments=(
            Argument(what, "string"),
            Argument("numkeys", "integer"),
            Argument("key", "key", key_spec=0, flags=("optional", "multiple")),
            Argument("arg", "string", flags=("optional", "multiple")),
        ),
    )


WRITES = ("noscript", "stale", "skip_monitor", "no_mandatory_keys", "movablekeys")
READS = ("readonly", *WRITES)
READ_KEYS = KeySpec(("RO", "access"), Index(2), COUNTED_KEYS)
WRITTEN_KEYS = KeySpec(("RW", "access", "update"), Index(2), COUNTED_KEYS)

COMMANDS: tuple[CommandSpec, ...] = (
    program(
        "script", "Run a script in Lua.", "eval", "scripting.eval_command", WRITES,
        KeySpec(("RW", "access", "update"), Index(2), COUNTED_KEYS, notes=ANY_ACCESS), "2.6.0",
    ),
    program(
        "script", "Run a script in Lua that changes nothing.", "eval_ro", "scripting.eval_ro_command", READS,
        KeySpec(("RO", "access"), Index(2), COUNTED_KEYS, notes=ANY_ACCESS), "7.0.0",
    ),
    program(
        "sha1", "Run a script that the server knows already.", "evalsha", "scripting.evalsha_command", WRITES, WRITTEN_KEYS, "2.6.0",
    ),
    program(
        "sha1", "Run a script that the server knows already and that changes nothing.", "evalsha_ro", "scripting.evalsha_ro_command",
        READS, READ_KEYS, "7.0.0",
    ),
    CommandSpec(
        name="script",
        arity=-2,
        categories=("slow",),
        summary="Look after the scripts that the server knows; see the subcommands.",
        since="2.6.0",
        group="scripting",
        complexity="As the subcommand says.",
        reply="container",
        subcommands=(
            CommandSpec(
                name="script|debug",
                handler="scripting.script_debug_command",
                arity=3,
                flags=("noscript",),
                categories=("slow", "scripting"),
                summary="Switch the debugger of scripts off; there is none to be switched on.",
                since="3.2.0",
                group="scripting",
                complexity="O(1)",
                reply="OK",
                arguments=(Argument("mode", "oneof", arguments=MODES),),
            ),
            CommandSpec(
                name="script|exists",
                handler="scripting.script_exists_command",
                arity=-3,
                flags=("noscript",),
                categories=("slow", "scripting"),
                tips=("request_policy:all_shards", "response_policy:agg_logical_and"),
                summary="Ask which of these scripts the server knows.",
                since="2.6.0",
                group="scripting",
                complexity="O(N) for N scripts",
                reply="array of integers",
                arguments=(Argument("sha1", "string", flags=("multiple",)),),
            ),
            CommandSpec(
                name="script|flush",
                handler="scripting.script_flush_command",
                arity=-2,
                flags=("noscript",),
                categories=("slow", "scripting"),
                tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
                summary="Forget all scripts.",
                since="2.6.0",
                group="scripting",
                complexity="O(N) for N scripts",
                history=(("6.2.0", "ASYNC and SYNC"),),
                reply="OK",
                arguments=(
                    Argument(
                        "flush-type", "oneof", flags=("optional",), since="6.2.0",
                        arguments=(Argument("async", "pure-token", "ASYNC"), Argument("sync", "pure-token", "SYNC")),
                    ),
                ),
            ),
            CommandSpec(
                name="script|help",
                arity=2,
                flags=("loading", "stale"),
                categories=("slow", "scripting"),
                summary="List the subcommands.",
                since="5.0.0",
                group="scripting",
                complexity="O(1)",
                reply="array of bulks",
            ),
            CommandSpec(
                name="script|kill",
                handler="scripting.script_kill_command",
                arity=2,
                flags=("noscript", "allow_busy"),
                categories=("slow", "scripting"),
                tips=("request_policy:all_shards", "response_policy:one_succeeded"),
                summary="End the script that is running, if it has written nothing.",
                since="2.6.0",
                group="scripting",
                complexity="O(1)",
                reply="OK",
            ),
            CommandSpec(
                name="script|load",
                handler="scripting.script_load_command",
                arity=3,
                flags=("noscript", "stale"),
                categories=("slow", "scripting"),
                tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
                summary="Have the server know a script without running it.",
                since="2.6.0",
                group="scripting",
                complexity="O(N) for N bytes",
                reply="bulk",
                arguments=(Argument("script", "string"),),
            ),
        ),
    ),
)
