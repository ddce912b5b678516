"""Compiles the edge policy into the HAProxy configuration of the ingress."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.edge.ingress.compile.acls import define_live_data
from handshake.edge.ingress.compile.answers import add_other_headers, use_own_answers
from handshake.edge.ingress.compile.challenges import accept_solutions, keep_puzzles, needs_challenges
from handshake.edge.ingress.compile.client import (
    expect_proxy_protocol,
    find_out,
    identify_client,
    keep_rates,
    remember_client,
    spell_client,
    tell_cache,
    tell_findings,
)
from handshake.edge.ingress.compile.decoys import keep_decoys
from handshake.edge.ingress.compile.limits import count_failures, keep_limits
from handshake.edge.ingress.compile.origin_proxy import compile_origin_proxy
from handshake.edge.ingress.compile.rules import compile_rules, finish_rules
from handshake.edge.ingress.compile.target import Accounts, IngressListener, IngressTarget
from handshake.edge.ingress.compile.validation import refuse_malformed
from handshake.edge.policy.actions import Split, cookie_attributes, cookie_of
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.variables import Phase
from handshake.syntax.haproxy import Line, Section, line

_HIGHEST_LINE_BYTES = "16384"
_IF_SOCKET = ("if", "{", "req.hdr(upgrade)", "-m", "str", "-i", "websocket", "}")
_UNLESS_DATED = ("unless", "{", "res.hdr(date)", "-m", "found", "}")


def compile_ingress(policy: EdgePolicy, target: IngressTarget) -> tuple[Section, ...]:
    """Return the configuration's sections; the same input gives the same text."""
    return (
        _compile_global(target),
        _compile_defaults(),
        _compile_public(policy, target),
        _compile_cache(target),
        *answer_challenges(target),
        _compile_sockets(target),
        *keep_rates(policy),
        *keep_limits(policy),
        *keep_puzzles(policy, target.decoy_key),
        *keep_decoys(policy, target.decoy_key),
        *(section for region in target.regions for section in compile_origin_proxy(region, target.accounts)),
    )


def _compile_global(target: IngressTarget) -> Section:
    return Section(
        words=("global",),
        lines=(
            line("description", target.digest),
            *_name_certificates(target),
            *_become(target.accounts),
            line("log", "stdout", "len", _HIGHEST_LINE_BYTES, "format", "raw", "local0"),
            line(
                "stats",
                "socket",
                target.runtime_socket,
                *("mode", "600", "level", "admin", "expose-fd", "listeners"),
            ),
            line("stats", "timeout", "30s"),
            line("hard-stop-after", "60s"),
        ),
    )


def _name_certificates(target: IngressTarget) -> tuple[Line, ...]:
    """Return the line that makes a configuration another one when a certificate is renewed."""
    if not target.certificates:
        return ()
    return (
        line("setenv", "CERTIFICATES", target.certificates),
        line("ssl-default-bind-options", "ssl-min-ver", "TLSv1.2"),
    )


def _become(accounts: Accounts) -> tuple[Line, ...]:
    if not accounts.ingress:
        return ()
    return line("user", accounts.ingress), line("group", accounts.ingress_group or accounts.ingress)


def _compile_defaults() -> Section:
    return Section(
        words=("defaults",),
        lines=(
            line("mode", "http"),
            line("timeout", "client", "30s"),
            line("timeout", "connect", "2s"),
            line("timeout", "server", "75s"),
            line("timeout", "http-request", "5s"),
            line("timeout", "http-keep-alive", "30s"),
            line("timeout", "queue", "5s"),
            line("timeout", "tarpit", "5s"),
            line("option", "idle-close-on-response"),
            line("option", "dontlognull"),
            line("unique-id-format", "%[uuid()]"),
        ),
    )


def _compile_public(policy: EdgePolicy, target: IngressTarget) -> Section:
    return Section(
        words=("frontend", "public"),
        lines=(
            *(_bind(listener) for listener in target.listeners),
            line("option", "http-restrict-req-hdr-names", "delete"),
            *expect_proxy_protocol(policy),
            line("log", "global"),
            line("log-format", print_log_format(spell_client(policy))),
            *remember_client(policy),
            remember_request(),
            *refuse_malformed(),
            *let_challenges_in(target),
            line("http-request", "set-var(txn.now)", "date()"),
            *identify_client(policy, target.maps),
            *find_out(policy, target.maps),
            *define_live_data(policy, target.maps),
            *accept_solutions(policy),
            *compile_rules(policy, target.decoy_key),
            *tell_cache(policy),
            *tell_about_visitor(),
            *tell_findings(policy),
            *remember_answer(),
            *count_failures(policy),
            *set_arm_cookies(policy),
            *add_other_headers(policy),
            *finish_rules(policy),
            *_finish_answer(),
            *_fall_back(policy),
            *route_challenges(target),
            *(use_own_answers() if policy.select_decoys() or needs_challenges(policy) else ()),
            line("use_backend", "sockets", *_IF_SOCKET),
            line("default_backend", "cache"),
        ),
    )


def _bind(listener: IngressListener) -> Line:
    tls = ("ssl", "crt", listener.certificate, "alpn", "h2,http/1.1") if listener.certificate else ()
    return line("bind", listener.address, *tls)


def _finish_answer() -> tuple[Line, ...]:
    """Return the lines that make the ingress's own answers look like those from behind it."""
    return (
        line("http-after-response", "set-header", "X-Request-Id", "%[unique-id]"),
        line("http-after-response", "set-header", "Date", "%[date,http_date]", *_UNLESS_DATED),
    )


def _fall_back(policy: EdgePolicy) -> tuple[Line, ...]:
    """Return the lines that show the fallback page while the cache itself is down."""
    page = ("content-type", policy.fallback.content_type, "string", policy.fallback.body)
    return tuple(line("http-error", "status", status, *page) for status in ("502", "503", "504"))


def _compile_cache(target: IngressTarget) -> Section:
    return Section(
        words=("backend", "cache"),
        lines=(
            line("http-reuse", "always"),
            line("retries", "3"),
            line("retry-on", "conn-failure"),
            line("server", "cache", f"unix@{target.cache_socket}"),
        ),
    )


def _compile_sockets(target: IngressTarget) -> Section:
    """Return the way of WebSockets: the cache hands the connection through, so no other request may follow on it."""
    return Section(
        words=("backend", "sockets"),
        lines=(
            line("http-reuse", "never"),
            line("option", "http-server-close"),
            # A quiet WebSocket is no dead one.
            line("timeout", "tunnel", "1h"),
            line("server", "cache", f"unix@{target.cache_socket}"),
        ),
    )


# What sites need of the ingress: the visitor's own words about encodings, and a digest of what opens a preview.


def tell_about_visitor() -> tuple[Line, ...]:
    """Return the lines that tell the cache what Varnish would forget, or cannot compute."""
    return (
        line(
            "http-request",
            *("set-header", Hop.ACCEPT_ENCODING, "%[req.fhdr(accept-encoding)]"),
            *("if", "{", "req.fhdr(accept-encoding)", "-m", "found", "}"),
        ),
        line(
            "http-request",
            *("set-header", Hop.CREDENTIAL, "%[req.fhdr(authorization),sha2(256),hex]"),
            *("if", "{", "req.fhdr(authorization)", "-m", "found", "}"),
            *("{", "req.fhdr(host)", "-m", "sub", "-i", "--", "--", "}"),
        ),
    )


# ACME's challenges (RFC 8555, 8.3): whoever renews the certificates is reached whatever the policy says.

_IF_CHALLENGE = ("if", "{", "path_beg", "/.well-known/acme-challenge/", "}")


def let_challenges_in(target: IngressTarget) -> tuple[Line, ...]:
    """Return the line that lets a challenge pass all rules: authorities ask from anywhere."""
    return (line("http-request", "allow", *_IF_CHALLENGE),) if target.acme else ()


def route_challenges(target: IngressTarget) -> tuple[Line, ...]:
    """Return the line that sends a challenge to whoever can answer it."""
    return (line("use_backend", "acme", *_IF_CHALLENGE),) if target.acme else ()


def answer_challenges(target: IngressTarget) -> tuple[Section, ...]:
    """Return the backend of the program that renews; it runs only while it does."""
    if not target.acme:
        return ()
    return (Section(words=("backend", "acme"), lines=(line("server", "acme", target.acme),)),)


# The access log: one JSON object a request, on standard output.

_ASKED = (
    "%[method]",
    '"host":"%[req.fhdr(host,1),json(utf8s)]',
    '"path":"%[path,json(utf8s)]',
    '"query":"%[query,json(utf8s)]',
    '"user_agent":"%[req.fhdr(user-agent,1),json(utf8s)]',
)
"""The request's fields. Text chosen by a visitor is escaped; HAProxy wrote the rest itself."""
_OR_HYPHEN = "%{+M}o"
"""From here on, missing values are hyphens, as in the log's own format."""
_TOLD = f"{Hop.LOG}-"
"""How the names of headers begin in which the cache tells the ingress what only the log is for."""


def print_log_format(client: str) -> str:
    """Return the log's format; `client` is the format of the client's address."""
    fields = (
        '"time":%Ts.%ms',
        f'"client":"{client}"',
        '"country":"%[var(txn.country)]"',
        # Of what HAProxy could not read there is only this hyphen, and no host, path, query, user agent.
        '"method":"%[var(txn.asked)]"',
        '"status":%ST',
        '"bytes":%B',
        '"latency_ms":%Ta',
        '"rule":"%[var(txn.rule)]"',
        '"cache":"%[var(txn.cache)]"',
        '"arm":"%[var(txn.arm)]"',
        '"request_id":"%ID"',
    )
    return "{" + ",".join(fields) + "}"


def remember_request() -> Line:
    """Return the line that keeps what the log shows of a request, for when the request itself is gone.

    All in one variable: to keep and to read one costs more than what it holds.
    """
    return line("http-request", "set-var-fmt(txn.asked)", _OR_HYPHEN + '",'.join(_ASKED))


def remember_answer() -> tuple[Line, ...]:
    """Return the lines that take the cache's word about a request off the answer and keep it for the log."""
    return (
        line("http-response", "set-var(txn.cache)", f"res.hdr({Hop.LOG_CACHE})"),
        line("http-response", "set-var(txn.rule)", f"res.hdr({Hop.LOG_RULE})"),
        line("http-response", "set-var(txn.arm)", f"res.hdr({Hop.LOG_ARM})"),
        line("http-response", "del-header", _TOLD, "-m", "beg"),
    )


# The cookies of splits: the cache names a visitor's new arm, the ingress sets the cookie.
#
# Varnish cannot add a second Set-Cookie to an answer that has one.


def set_arm_cookies(policy: EdgePolicy) -> tuple[Line, ...]:
    """Return the lines that give a visitor the cookie of each arm that was dealt to them."""
    return tuple(
        statement
        for rule in policy.select_rules(Phase.SERVE)
        if isinstance(rule.action, Split)
        for statement in _set_cookie(rule.name, rule.action)
    )


def _set_cookie(rule: str, split: Split) -> tuple[Line, ...]:
    header = f"{Hop.ARM.lower()}-{rule}"
    value = f"{cookie_of(rule)}=%[res.hdr({header})]; {cookie_attributes(split.days)}"
    found = ("if", "{", f"res.hdr({header})", "-m", "found", "}")
    return (
        line("http-response", "add-header", "Set-Cookie", value, *found),
        line("http-response", "del-header", header),
    )
