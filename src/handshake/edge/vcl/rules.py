"""The rules of phase serve as VCL: tried in vcl_recv, answered in vcl_synth."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.edge.actions import Decoy, Respond
from handshake.edge.phase import Phase
from handshake.edge.policy import Policy, Rule
from handshake.edge.vcl.conditions import ConditionPrinter
from handshake.syntax.vcl import Act, Block, If, act, quote, when


@dataclass(frozen=True, kw_only=True)
class ServeRule:
    """One rule in its three places."""

    acls: tuple[Block, ...]
    test: If
    answer: If


def compile_rules(policy: Policy) -> tuple[ServeRule, ...]:
    """Return the phase's rules in order."""
    return tuple(_compile_rule(rule) for rule in policy.select_rules(Phase.SERVE))


def _compile_rule(rule: Rule) -> ServeRule:
    match rule.action:
        case Respond() as respond:
            return _compile_respond(rule, respond)
        case Decoy():
            raise AssertionError("check_actions lets no decoy into phase serve")


def _compile_respond(rule: Rule, respond: Respond) -> ServeRule:
    printer = ConditionPrinter(rule=rule.name)
    test = when(
        printer.print_condition(rule.condition),
        act(f'set req.http.X-HS-Rule = "{rule.name}"'),
        act(f"return ({_print_synth(respond)})"),
        because=rule.because,
    )
    answer = when(f'req.http.X-HS-Rule == "{rule.name}"', *_answer(respond), because=rule.because)
    return ServeRule(acls=tuple(printer.acls), test=test, answer=answer)


def _print_synth(respond: Respond) -> str:
    reason = f", {quote(respond.reason)}" if respond.reason else ""
    return f"synth({respond.status}{reason})"


def _answer(respond: Respond) -> tuple[Act, ...]:
    headers = {"Content-Type": respond.content_type, **respond.headers}
    return (
        *(act(f"set resp.http.{name} = {quote(value)}") for name, value in headers.items()),
        act(f"set resp.body = {quote(respond.body)}"),
        act("call tidy"),
        act("return (deliver)"),
    )
