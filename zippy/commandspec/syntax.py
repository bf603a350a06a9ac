"""A command's arguments in one line of text, as documentation writes them: KEY [NX | XX] [EX seconds]."""

from __future__ import annotations

from zippy.commandspec.spec import Argument, CommandSpec

LONG = 40  # letters: what is longer is not written twice


def syntax(spec: CommandSpec) -> str:
    """The arguments behind the command's name; "" when it has none."""
    return " ".join(_argument(argument) for argument in spec.arguments)


def _argument(argument: Argument) -> str:
    text = _value(argument)
    if argument.token is not None and argument.type != "pure-token":
        text = f"{argument.token} {text}"
    if "multiple" in argument.flags:
        again = text if argument.token is None or "multiple_token" in argument.flags else _value(argument)
        text = f"{text} [{again if len(again) < LONG else ''} ...]".replace("[ ", "[")
    return f"[{text}]" if "optional" in argument.flags else text


def _value(argument: Argument) -> str:
    if argument.type == "pure-token":
        return argument.token or argument.name
    if argument.type == "oneof":
        choices = " | ".join(_argument(child) for child in argument.arguments)
        return choices if "optional" in argument.flags else f"<{choices}>"
    if argument.type == "block":
        return " ".join(_argument(child) for child in argument.arguments)
    return argument.display or argument.name
