"""The page of all verbs, printed from the command line's own definitions."""

from collections.abc import Iterator

import click

from handshake.cli.main import main

_HEAD = """\
<!-- Printed from the code by script/reference. -->
# Verbs

A verb is one transaction in the catalogue; then it waits for the places that the change concerns, and reports. Verbs
need the catalogue and nothing else, so they work while the control plane is down.

Exit status: 0, it is as asked; 1, it is not (refused, reverted, or nobody answers); 2, the input is wrong and nothing was
changed. With `--json` a verb prints one JSON object, on failure too; progress goes to standard error, and only to a
terminal.

A SUBJECT is a kind and a name: `site/calls`, `image/hamm`, `templates/secretary`, `policy/campaign`. A RELEASE is the
first digits of its id, as many as it takes.
"""


def print_verbs() -> str:
    """Return the page."""
    parts = [_HEAD]
    for path, command in walk_verbs():
        parts.append(_print_verb(path, command))
    return "\n".join(parts)


def walk_verbs() -> Iterator[tuple[str, click.Command]]:
    """Yield every verb that does something, with the words that call it."""
    yield from _walk("handshake", main)


def _walk(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command, info_name=path)
    for name in sorted(command.list_commands(context)):
        verb = command.get_command(context, name)
        if verb is None:
            raise AssertionError(f"{path} lists {name} and has no such verb")
        yield from _walk(f"{path} {name}", verb)


def _print_verb(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    hidden = ["Started by `handshake up`; not for hands.", ""] if command.hidden else []
    rows = [_print_option(option, context) for option in command.params if isinstance(option, click.Option)]
    table = ["| option | |", "|---|---|", *rows, ""] if rows else []
    return "\n".join([f"## {path}", "", f"`{usage}`", "", *hidden, _unwrap(command.help or ""), "", *table])


def _print_option(option: click.Option, context: click.Context) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    wanted = "" if option.is_flag else f" {option.make_metavar(context)}"
    record = option.get_help_record(context)
    return f"| {names}{wanted} | {record[1] if record else option.help} |"


def _unwrap(text: str) -> str:
    """Return a help text with each paragraph on one line, as a page wraps by itself."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
