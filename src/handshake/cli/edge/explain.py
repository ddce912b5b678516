"""`handshake edge explain`: which rules match a request, and what happens to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.markup import escape
from rich.table import Table

from handshake.campaign.edge_cases import Way, WayKind, find_way
from handshake.cli.edge.policy_context import (
    AddressType,
    PairType,
    PolicyContext,
    complete_rule,
    complete_switch,
    find_ground,
)
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, print_report
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.edge.policy.networks import parse_network
from handshake.edge.policy.policy import EdgePolicy, Rule
from handshake.edge.policy.request import LiveData, Request
from handshake.edge.policy.variables import UNKNOWN_COUNTRY
from handshake.edge.simulate.answers import CacheDecision, SyntheticResponse
from handshake.edge.simulate.explain import Explanation, WhyNot, arrive, explain

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class ExplainReport:
    """What happens to a request, and under which circumstances."""

    explanation: Explanation
    way: Way | None
    """Where it is routed if no rule answers it."""
    switches_on: tuple[str, ...]
    listed_on: tuple[str, ...]
    """Lists that contain the client, whether or not they protect it."""
    source: str
    """Where switches and lists come from."""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the operator wants to assume instead of the live state."""

    switches: tuple[tuple[str, str], ...]
    lists: tuple[str, ...]
    exceeded: tuple[str, ...]


@click.command("explain")
@click.argument("method")
@click.argument("path")
@click.option(
    "--ip",
    "client",
    type=AddressType(),
    default="192.0.2.1",
    show_default=True,
    help="The client's IP address.",
)
@click.option(
    "--country",
    default="",
    help="Two capital letters, or `unknown`. Default: looked up in the ingress's data.",
)
@click.option(
    "--asn", type=int, default=None, help="The client's AS number. Default: looked up in the ingress's data."
)
@click.option(
    "--rate",
    default=1,
    show_default=True,
    help="The number of the client's requests in the last ten seconds.",
)
@click.option("--host", default="", help="The Host header. You can also pass it with --header.")
@click.option(
    "--header",
    "headers",
    type=PairType(":"),
    multiple=True,
    metavar="'NAME: VALUE'",
    help="A request header. Can be repeated.",
)
@click.option(
    "--cookie",
    "cookies",
    type=PairType("="),
    multiple=True,
    metavar="NAME=VALUE",
    help="A cookie. Can be repeated.",
)
@click.option(
    "--switch",
    "switches",
    type=PairType("="),
    multiple=True,
    metavar="NAME=on|off",
    shell_complete=complete_switch,
    help="Assume this value of a switch. Can be repeated.",
)
@click.option(
    "--list",
    "lists",
    multiple=True,
    metavar="NAME",
    help="Assume that this list contains the client. Can be repeated.",
)
@click.option(
    "--exceeded",
    multiple=True,
    metavar="RULE",
    shell_complete=complete_rule,
    help="Assume that the client exceeds the limit of this rule. Can be repeated.",
)
@click.option(
    "--rule",
    default="",
    shell_complete=complete_rule,
    help="Explain why this rule matches or does not match.",
)
@click.option(
    "--policy",
    "folder",
    type=click.Path(path_type=Path),
    help="The folder with the policy. Default: the live policy, or else the current folder.",
)
@campaign_option
@json_option
def explain_request(
    method: str,
    path: str,
    *,
    client: str,
    country: str,
    asn: int | None,
    rate: int,
    host: str,
    headers: tuple[tuple[str, str], ...],
    cookies: tuple[tuple[str, str], ...],
    switches: tuple[tuple[str, str], ...],
    lists: tuple[str, ...],
    exceeded: tuple[str, ...],
    rule: str,
    folder: Path | None,
    campaign: str,
    as_json: bool,
) -> None:
    """Show which rules match a request METHOD PATH, in order, what each does, and what happens to the request.

    Switches and lists are those of the campaign that is up, or else the policy's defaults. Nothing is sent.
    """
    with errors_explained(as_json=as_json):
        ground = find_ground(folder, campaign)
        known = {name.lower(): value for name, value in headers}
        if cookies:
            known["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies)
        path, _, query = path.partition("?")
        asked = Request(
            client=client,
            rate=rate,
            method=method,
            host=known.pop("host", host),
            path=path,
            query=query,
            headers=known,
        )
        asked = _locate(ground, asked, country, asn)
        wishes = Wishes(switches=switches, lists=lists, exceeded=exceeded)
        report = _explain(ground, asked, wishes, find_rule(ground.edge, rule) if rule else None)
        print_report(report, as_json=as_json, for_people=lambda: _print(report))


def find_rule(policy: EdgePolicy, name: str) -> Rule:
    """Return a rule by its name; raise ProblemsError with the nearest name if there is none."""
    return _find(name, {rule.name: rule for rule in policy.rules}, "rule")


def _print(report: ExplainReport) -> None:
    circumstances = [f"switch {name} is on" for name in report.switches_on]
    circumstances += [f"list {name} contains the client" for name in report.listed_on]
    print_explanation(report.explanation, report.way, circumstances, report.source)


def _explain(ground: PolicyContext, asked: Request, wishes: Wishes, about: Rule | None) -> ExplainReport:
    live = _wish(ground.edge, ground.live_around(asked), asked, wishes)
    explanation = explain(ground.edge, asked, live, about)
    goes_on = explanation.goes_on
    return ExplainReport(
        explanation=explanation,
        way=find_way(ground.policy, goes_on.method, goes_on.path) if goes_on else None,
        switches_on=tuple(sorted(live.switches_on)),
        listed_on=_find_lists(live, explanation.request),
        source=ground.source,
    )


def _locate(ground: PolicyContext, asked: Request, country: str, asn: int | None) -> Request:
    """Return the request with the client's country and network as the ingress knows them."""
    client = arrive(ground.edge, asked).request.client
    return replace(
        asked,
        country=country or ground.find_country(client) or UNKNOWN_COUNTRY,
        asn=ground.find_network(client) if asn is None else asn,
    )


def _find_lists(live: LiveData, request: Request) -> tuple[str, ...]:
    client = ip_address(request.client)
    return tuple(
        name for name, networks in live.lists.items() if any(client in network for network in networks)
    )


def _wish(policy: EdgePolicy, live: LiveData, asked: Request, wishes: Wishes) -> LiveData:
    switches = {its.name: its for its in policy.switches}
    on = set(live.switches_on)
    for name, value in wishes.switches:
        _find(name, switches, "switch")
        if value not in {"on", "off"}:
            raise _problem("bad-value", f"a switch is on or off, not {value!r}", name, f"Write {name}=on.")
        on = on | {name} if value == "on" else on - {name}
    lists = dict(live.lists)
    for name in wishes.lists:
        _find(name, lists, "list")
        lists[name] = (*lists[name], parse_network(asked.client))
    exceeded = frozenset(find_rule(policy, name).name for name in wishes.exceeded)
    return replace(live, switches_on=frozenset(on), lists=lists, exceeded=exceeded)


Found = TypeVar("Found")


def _find(name: str, known: dict[str, Found], noun: str) -> Found:
    if name in known:
        return known[name]
    nearest = get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"Did you mean {nearest[0]}?" if nearest else f"The policy has: {', '.join(known) or 'none'}."
    raise _problem(f"unknown-{noun}", f"the policy has no {noun} {name}", name, hint)


def _problem(check: str, what: str, where: str, hint: str) -> ProblemsError:
    return ProblemsError([Problem(check=check, what=what, where=Location(file=where), hint=hint)])


# An explanation for people: the request, the rules that matched, and what happens to it.

_LONGEST_BODY = 300
_MARKS = {True: "[green]true[/]", False: "[red]false[/]"}


def print_explanation(
    explanation: Explanation, way: Way | None, circumstances: Sequence[str], source: str
) -> None:
    """Print an explanation."""
    _print_request(explanation, circumstances, source)
    if explanation.refusal:
        its = explanation.refusal
        out.print(f"[bold red]{its.status}[/] {its.name}: {escape(its.why)}; the ingress evaluates no rules")
    else:
        _print_steps(explanation)
        for line in _print_ending(explanation, way):
            out.print(line, soft_wrap=True)
    if explanation.why:
        _print_why(explanation.why)


def _print_request(explanation: Explanation, circumstances: Sequence[str], source: str) -> None:
    request = explanation.request
    network = f", AS{request.asn}" if request.asn else ""
    out.print(
        f"[bold]{escape(request.method)} {escape(_print_url(request))}[/] from {request.client}"
        f" ({escape(request.country)}{network})",
        soft_wrap=True,
    )
    out.print(
        f"{', '.join(circumstances) or 'no switch is on, no list contains the client'} ({source})",
        style="dim",
    )
    if explanation.stripped:
        out.print(f"the ingress strips: {', '.join(explanation.stripped)}", style="dim")


def _print_steps(explanation: Explanation) -> None:
    if not explanation.steps:
        out.print("no rules match")
        return
    table = Table("phase", "rule", "where", "condition", "what it does", box=None)
    for step in explanation.steps:
        condition = escape(" ".join(step.condition.split()))
        table.add_row(step.phase, f"[bold]{step.rule}[/]", step.where, condition, escape(step.did))
    out.print(table)


def _print_ending(explanation: Explanation, way: Way | None) -> Iterator[str]:
    if explanation.ending and not explanation.answers:
        yield f"[bold red]no answer[/] {explanation.ending} closes the connection"
    for number, answer in enumerate(explanation.answers):
        yield ("or " if number else "") + _print_answer(answer)
    if way and explanation.goes_on:
        yield _print_way(way, explanation.goes_on)
        if way.kind is WayKind.SITE and not way.status:
            yield "  kept by the cache for 30 days, under the URL of the release"
        elif explanation.keeping and way.kind in {WayKind.SERVICE, WayKind.GATEWAY} and not way.status:
            yield from _print_keeping(explanation.keeping)
    if explanation.limits:
        yield f"  counted by {', '.join(explanation.limits)}"
    for rule, arm in explanation.arms.items():
        yield f"  arm {escape(arm)} of {rule}"


def _print_answer(answer: SyntheticResponse) -> str:
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
            return f"[bold green]forwarded[/] as {url} to site {way.name} at {way.prefix}{status}{why}"
        case WayKind.SERVICE:
            return (
                f"[bold green]forwarded[/] as {url} to service {way.name} by route {way.prefix}{status}{why}"
            )
        case WayKind.GATEWAY:
            return f"[bold green]forwarded[/] as {url} to the gateway{why}"
        case WayKind.NOBODY:
            return f"[bold yellow]not routed[/]: {url} matches nothing{status}{why}"


def _print_keeping(keeping: CacheDecision) -> Iterator[str]:
    yield f"  {escape(keeping.why)}"
    if keeping.grace_seconds is not None:
        yield f"  then stale for {keeping.grace_seconds} s while a new one is fetched"
    if keeping.stale_if_error_seconds is not None:
        yield f"  stale for {keeping.stale_if_error_seconds} s if the origin is down"
    if keeping.tags:
        yield f"  tags {' '.join(keeping.tags)}"
    for name, value in keeping.key.items():
        yield f"  varies by {escape(name)} = {escape(repr(value))}"


def _print_why(why: WhyNot) -> None:
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
