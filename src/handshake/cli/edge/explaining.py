"""An explanation as people read it: the request, the rules that it met, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.table import Table

from handshake.cli.screen import out
from handshake.control.edge_ways import Way, WayKind
from handshake.edge.answers import Answer
from handshake.edge.explain import Explanation, WhyNot
from handshake.edge.keeping import Keeping
from handshake.edge.request import Request

_LONGEST_BODY = 300
_MARKS = {True: "[green]true[/]", False: "[red]false[/]"}


def tell_explanation(
    explanation: Explanation, way: Way | None, circumstances: Sequence[str], source: str
) -> None:
    """Print an explanation."""
    _tell_request(explanation, circumstances, source)
    if explanation.refusal:
        its = explanation.refusal
        out.print(f"[bold red]{its.status}[/] {its.name}: {escape(its.why)}; the door asks no rule")
    else:
        _tell_steps(explanation)
        for line in _tell_ending(explanation, way):
            out.print(line, soft_wrap=True)
    if explanation.why:
        _tell_why(explanation.why)


def _tell_request(explanation: Explanation, circumstances: Sequence[str], source: str) -> None:
    request = explanation.request
    network = f", AS{request.asn}" if request.asn else ""
    out.print(
        f"[bold]{escape(request.method)} {escape(_print_url(request))}[/] from {request.client}"
        f" ({escape(request.country)}{network})",
        soft_wrap=True,
    )
    out.print(
        f"{', '.join(circumstances) or 'no switch is on, no list holds the client'} ({source})", style="dim"
    )
    if explanation.stripped:
        out.print(f"the door takes off: {', '.join(explanation.stripped)}", style="dim")


def _tell_steps(explanation: Explanation) -> None:
    if not explanation.steps:
        out.print("no rule matches")
        return
    table = Table("phase", "rule", "where", "condition", "what it does", box=None)
    for step in explanation.steps:
        condition = escape(" ".join(step.condition.split()))
        table.add_row(step.phase, f"[bold]{step.rule}[/]", step.where, condition, escape(step.did))
    out.print(table)


def _tell_ending(explanation: Explanation, way: Way | None) -> Iterator[str]:
    if explanation.ending and not explanation.answers:
        yield f"[bold red]no answer[/] {explanation.ending} cuts the connection off"
    for number, answer in enumerate(explanation.answers):
        yield ("or " if number else "") + _print_answer(answer)
    if way and explanation.goes_on:
        yield _print_way(way, explanation.goes_on)
        if way.kind is WayKind.SITE and not way.status:
            yield "  kept by the cache for 30 days, by the address of the release"
        elif explanation.keeping and way.kind in {WayKind.SERVICE, WayKind.GATEWAY} and not way.status:
            yield from _print_keeping(explanation.keeping)
    if explanation.limits:
        yield f"  counted by {', '.join(explanation.limits)}"
    for rule, arm in explanation.arms.items():
        yield f"  arm {escape(arm)} of {rule}"


def _print_answer(answer: Answer) -> str:
    colour = "green" if answer.status < 400 else "red"  # noqa: PLR2004 -- HTTP's errors
    headers = "".join(f"\n  {name}: {escape(value)}" for name, value in answer.headers.items())
    body = answer.body.strip()
    shown = body if len(body) <= _LONGEST_BODY else f"{body[:_LONGEST_BODY]}…"
    lines = "".join(f"\n  | {escape(line)}" for line in shown.splitlines())
    return f"[bold {colour}]{answer.status}[/]{headers}{lines}"


def _print_way(way: Way, request: Request) -> str:
    status = f" [bold]{way.status}[/]" if way.status else ""
    why = f": {escape(way.why)}" if way.why else ""
    url = escape(_print_url(request))
    match way.kind:
        case WayKind.SITE:
            return f"[bold green]goes on[/] as {url} to site {way.name} at {way.prefix}{status}{why}"
        case WayKind.SERVICE:
            return f"[bold green]goes on[/] as {url} to service {way.name} by route {way.prefix}{status}{why}"
        case WayKind.GATEWAY:
            return f"[bold green]goes on[/] as {url} to the gateway{why}"
        case WayKind.NOBODY:
            return f"[bold yellow]goes on[/] as {url} to nobody{status}{why}"


def _print_keeping(keeping: Keeping) -> Iterator[str]:
    yield f"  {escape(keeping.why)}"
    if keeping.grace_seconds is not None:
        yield f"  then stale for {keeping.grace_seconds} s while a new one is fetched"
    if keeping.stale_if_error_seconds is not None:
        yield f"  stale for {keeping.stale_if_error_seconds} s while the origin is down"
    if keeping.tags:
        yield f"  tags {' '.join(keeping.tags)}"
    for name, value in keeping.key.items():
        yield f"  apart by {escape(name)} = {escape(repr(value))}"


def _tell_why(why: WhyNot) -> None:
    out.print(f"[bold]{why.rule}[/] ({why.where}): {escape(why.why)}", soft_wrap=True)
    if not why.parts:
        return
    table = Table("", "part of the condition", "read", box=None)
    for part in why.parts:
        table.add_row(_MARKS[part.holds], "  " * part.depth + escape(part.text), escape(part.value))
    out.print(table)


def _print_url(request: Request) -> str:
    query = f"?{request.query}" if request.query else ""
    return f"{request.host}{request.path}{query}"
