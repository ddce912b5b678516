"""Challenges at the ingress: a puzzle that is sealed for one client, valid once, and good for a limited time.

The seal is a keyed digest of the client's address, so that nobody can solve puzzles for others; a table remembers
which seals were used. The pass is a cookie, sealed in the same way: the ingress stores nothing per client.
"""

from __future__ import annotations

from handshake.edge.ingress.compile.answers import answer_from, tell_rule
from handshake.edge.ingress.compile.conditions import if_over
from handshake.edge.policy.actions import Exceeded, Limit
from handshake.edge.policy.challenge_page import COOKIE, PAGE, PATH, PLACE_OF_SEAL, SEAL_SECONDS, ZEROS
from handshake.edge.policy.policy import EdgePolicy, Rule
from handshake.syntax.haproxy import Line, Section, line

_USED = "challenge-used"
_SOLUTIONS = "challenge-solutions"
_SEALS = "100k"
_NO_STORE = ("hdr", "Cache-Control", "no-store")


def needs_challenges(policy: EdgePolicy) -> bool:
    """Return whether a rule of the ingress may challenge."""
    return any(limit.then is Exceeded.CHALLENGE for _, limit in policy.select_limits())


def accept_solutions(policy: EdgePolicy) -> tuple[Line, ...]:
    """Return the lines that leave solutions to the backend that hands out passes."""
    if not needs_challenges(policy):
        return ()
    here = ("if", "{", "path", "-m", "str", PATH, "}")
    return answer_from(_SOLUTIONS, *here)


def challenge(rule: Rule, key: str) -> tuple[Line, ...]:
    """Return the lines that leave a client without a pass to the backend that shows the puzzle."""
    over = if_over(rule)
    cookie = f"req.cook({COOKIE}{rule.word})"
    return (
        line("http-request", "set-var(txn.given)", f"{cookie},field(2,.)", *over),
        _join("txn.wanted", f"pass {rule.name}", f"{cookie},field(1,.)", over),
        line(
            *("http-request", f"unset-var(txn.over_{rule.word})", *over),
            *("{", f"var(txn.wanted),{_digest(key)},strcmp(txn.given)", "eq", "0", "}"),
            *("{", f"{cookie},field(1,.),sub(txn.now)", "gt", "0", "}"),
        ),
        *answer_from(_name_puzzle(rule), *over),
    )


def keep_puzzles(policy: EdgePolicy, key: str) -> tuple[Section, ...]:
    """Return the backends that show puzzles, the one that takes solutions in, and the table of seals handed in."""
    if not needs_challenges(policy):
        return ()
    puzzles = (
        _show(rule, limit, key) for rule, limit in policy.select_limits() if limit.then is Exceeded.CHALLENGE
    )
    kind = ("type", "string", "len", "200", "size", _SEALS, "expire", f"{SEAL_SECONDS}s")
    return (
        *puzzles,
        _take_solutions(policy, key),
        Section(words=("backend", _USED), lines=(line("stick-table", *kind, "store", "http_req_cnt"),)),
    )


def _show(rule: Rule, limit: Limit, key: str) -> Section:
    page = PAGE.replace("%", "%%").replace(PLACE_OF_SEAL, "%[var(txn.seal)]")
    until = f"%[date({SEAL_SECONDS})].{rule.name}.%[uuid()]"
    return Section(
        words=("backend", _name_puzzle(rule)),
        lines=(
            tell_rule(rule.name),
            line("http-request", "set-var-fmt(txn.until)", until),
            *_seal("txn.wanted", "seal", "var(txn.until)", key),
            line("http-request", "set-var-fmt(txn.seal)", "%[var(txn.until)].%[var(txn.wanted)]"),
            line(
                *("http-request", "return", "status", str(limit.status)),
                *("content-type", "text/html; charset=utf-8", "lf-string", page, *_NO_STORE),
            ),
        ),
    )


def _take_solutions(policy: EdgePolicy, key: str) -> Section:
    return Section(
        words=("backend", _SOLUTIONS),
        lines=(
            tell_rule("challenge"),
            *_check_solution(key),
            *_hand_out_pass(policy, key),
            line("http-request", "return", "status", "403", *_NO_STORE),
        ),
    )


def _name_puzzle(rule: Rule) -> str:
    return f"puzzle.{rule.name}"


def _check_solution(key: str) -> tuple[Line, ...]:
    """Solved, for this client, in time, and for the first time: then `txn.solved` is the rule's name."""
    proven = ("if", "{", "var(txn.proven)", "-m", "bool", "}")
    return (
        line("http-request", "set-var(txn.seal)", "url_param(seal)"),
        line("http-request", "set-var(txn.until)", "var(txn.seal),field(1,.,3)"),
        *_seal("txn.wanted", "seal", "var(txn.until)", key),
        line("http-request", "set-var(txn.given)", "var(txn.seal),field(4,.)"),
        line("http-request", "set-var-fmt(txn.answer)", "%[var(txn.seal)].%[url_param(answer)]"),
        line(
            *("http-request", "set-var(txn.proven)", "bool(true)", "if"),
            *("{", "var(txn.given),strcmp(txn.wanted)", "eq", "0", "}"),
            *("{", "var(txn.seal),field(1,.),sub(txn.now)", "gt", "0", "}"),
            *("{", "var(txn.answer),sha2(256),hex", "-m", "beg", ZEROS, "}"),
        ),
        # Counted first, then looked at: of two that come at once, one is the first.
        line("http-request", "track-sc2", "var(txn.seal)", "table", _USED, *proven),
        line(
            *("http-request", "set-var(txn.solved)", "var(txn.seal),field(2,.)"),
            *(*proven, "{", f"sc_http_req_cnt(2,{_USED})", "eq", "1", "}"),
        ),
    )


def _hand_out_pass(policy: EdgePolicy, key: str) -> tuple[Line, ...]:
    return tuple(
        statement
        for rule, limit in policy.select_limits()
        if limit.then is Exceeded.CHALLENGE
        for statement in _hand_out(rule, limit.pass_seconds, key)
    )


def _hand_out(rule: Rule, seconds: int, key: str) -> tuple[Line, ...]:
    solved = ("if", "{", "var(txn.solved)", "-m", "str", rule.name, "}")
    value = "%[var(txn.until)].%[var(txn.wanted)]"
    cookie = f"{COOKIE}{rule.word}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"
    return (
        line("http-request", "set-var(txn.until)", f"date({seconds})", *solved),
        *_seal("txn.wanted", f"pass {rule.name}", "var(txn.until)", key, solved),
        line("http-request", "return", "status", "204", "hdr", "Set-Cookie", cookie, *_NO_STORE, *solved),
    )


def _seal(
    target: str, purpose: str, what: str, key: str, condition: tuple[str, ...] = ()
) -> tuple[Line, ...]:
    """Return the lines that seal what an expression says for the client of this request and one purpose."""
    return (
        _join(target, purpose, what, condition),
        line("http-request", f"set-var({target})", f"var({target}),{_digest(key)}", *condition),
    )


def _join(target: str, purpose: str, what: str, condition: tuple[str, ...]) -> Line:
    return line("http-request", f"set-var-fmt({target})", f"{purpose} %[src] %[{what}]", *condition)


def _digest(key: str) -> str:
    return f"hmac(sha256,{key}),hex"
