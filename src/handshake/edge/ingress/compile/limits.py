"""Limits as HAProxy lines: a table for each, with a rate per counted key."""

from __future__ import annotations

from handshake.edge.ingress.compile.challenges import challenge
from handshake.edge.ingress.compile.conditions import IF_DECIDED, if_met
from handshake.edge.policy.actions import Exceeded, Limit
from handshake.edge.policy.expression import VariableRef
from handshake.edge.policy.policy import EdgePolicy, Rule
from handshake.edge.policy.variables import CLIENT_IP, EdgeDialect
from handshake.syntax.haproxy import Line, Section, line

_KEYS = "100k"
_LONGEST_KEY = "128"
_COUNTERS = ("1", "2")
"""HAProxy gives a request three counters; the first is for `client.rate`."""


def limit_requests(policy: EdgePolicy, rule: Rule, limit: Limit, key: str) -> tuple[Line, ...]:
    """Return the lines that count a request that the rule matches, and act where there are too many."""
    return (*_remember_key(rule), *_count(policy, rule), *_act(rule, limit, key))


def count_failures(policy: EdgePolicy) -> tuple[Line, ...]:
    """Return the lines that count answers: a limit may count what failed."""
    return tuple(
        line(
            *("http-response", f"sc-inc-gpc0({counter})"),
            *("if", "{", f"var(txn.counter{counter})", "-m", "str", rule.name, "}"),
            *("{", "status", *(str(status) for status in limit.failures), "}"),
        )
        for rule, limit in policy.select_limits()
        if limit.failures
        for counter in _counters(policy, rule)
    )


def keep_limits(policy: EdgePolicy) -> tuple[Section, ...]:
    """Return the table of each limit."""
    return tuple(
        Section(words=("backend", name_table(rule)), lines=(_declare_table(limit, rule.reads[0]),))
        for rule, limit in policy.select_limits()
    )


def name_table(rule: Rule) -> str:
    """Return the name of a limit's table; rules' names hold no dot."""
    return f"limit.{rule.name}"


def _declare_table(limit: Limit, per: VariableRef) -> Line:
    kind = ("ipv6",) if per.variable is CLIENT_IP else ("string", "len", _LONGEST_KEY)
    return line(
        *("stick-table", "type", *kind, "size", _KEYS, "expire", f"{limit.seconds}s"),
        *("store", f"{_rate(limit)}({limit.seconds}s)"),
    )


def _remember_key(rule: Rule) -> tuple[Line, ...]:
    """Give a request without the text a key too: those without one share a count."""
    if rule.reads[0].variable is CLIENT_IP:
        return ()
    variable = f"set-var(txn.per_{rule.word})"
    return (
        line("http-request", variable, "str(none)", *if_met(rule)),
        line("http-request", variable, rule.reads[0].spell(EdgeDialect.INGRESS), *if_met(rule)),
    )


def _spell_key(rule: Rule) -> str:
    is_address = rule.reads[0].variable is CLIENT_IP
    return rule.reads[0].spell(EdgeDialect.INGRESS) if is_address else f"var(txn.per_{rule.word})"


def _rate(limit: Limit) -> str:
    return "gpc0_rate" if limit.failures else "http_req_rate"


def _counters(policy: EdgePolicy, rule: Rule) -> tuple[str, ...]:
    """Return the counters that may be this limit's: the first limit finds the first one free."""
    is_first = policy.select_limits()[0][0].name == rule.name
    return _COUNTERS[:1] if is_first else _COUNTERS


def _count(policy: EdgePolicy, rule: Rule) -> tuple[Line, ...]:
    """Count in the first counter that is free: a request counts for the first two limits that it meets."""
    per = _spell_key(rule)
    first, _ = _COUNTERS
    free = ("!{", f"var(txn.counter{first})", "-m", "found", "}")
    taken = ("{", f"var(txn.counter{first})", "-m", "found", "}")
    other = ("!{", f"var(txn.counter{first})", "-m", "str", rule.name, "}")
    counters = _counters(policy, rule)
    tests = (free, (*taken, *other)) if len(counters) > 1 else ((),)
    return tuple(
        statement
        for counter, test in zip(counters, tests, strict=True)
        for statement in (
            line("http-request", f"track-sc{counter}", per, "table", name_table(rule), *if_met(rule, *test)),
            line("http-request", f"set-var(txn.counter{counter})", f"str({rule.name})", *if_met(rule, *test)),
        )
    )


def _if_exceeded(rule: Rule, limit: Limit) -> tuple[str, ...]:
    """This request counts already; failures are those before it, of which none must be left to try."""
    rate = f"{_spell_key(rule)},table_{_rate(limit)}({name_table(rule)})"
    too_many = max(limit.requests, 1) if limit.failures else limit.requests + 1
    return if_met(rule, "{", rate, "ge", str(too_many), "}")


def _act(rule: Rule, limit: Limit, key: str) -> tuple[Line, ...]:
    too_many = _if_exceeded(rule, limit)
    if limit.then is Exceeded.CHALLENGE:
        over = line("http-request", f"set-var(txn.over_{rule.word})", "bool(true)", *too_many)
        return over, *challenge(rule, key)
    told = line("http-request", "set-var(txn.rule)", f"str({rule.name})", *too_many)
    return told, line("http-request", *_refuse(limit), *IF_DECIDED)


def _refuse(limit: Limit) -> tuple[str, ...]:
    if limit.then is Exceeded.DROP:
        return ("silent-drop",)
    act = "tarpit" if limit.then is Exceeded.TARPIT else "return"
    return (
        *(act, "status", str(limit.status)),
        *("content-type", limit.content_type, "string", limit.body or "\n"),
        *("hdr", "Retry-After", str(limit.seconds), "hdr", "Cache-Control", "no-store"),
    )
