"""The first hop: determines the client, and refuses malformed requests before any rule."""

from __future__ import annotations

from collections.abc import Iterator

from handshake.core.hop_header import HOP_PREFIX, Hop
from handshake.edge.ingress.compile.validation import HOST, METHOD, SECOND_SPELLINGS
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.request import NAMES, PREFIXES
from handshake.edge.policy.variables import CLIENT_RATE, UNKNOWN_COUNTRY, Phase
from handshake.syntax.fastly_vcl import quote
from handshake.syntax.vcl import Block, Branch, If, Statement, act, sub, when

FIRST_HOP = "fastly.ff.visits_this_service == 0 && req.restarts == 0"
RATES = "hs_clients"

_COUNTRY = "client.geo.country_code"
_FASTLYS_OWN = "fastly-"
"""Fastly sets most of these itself and protects some; only headers that identify a client are stripped."""
_NAME_A_CLIENT = ("fastly-temp-xff", "fastly-orig-host")


def identify_client(policy: EdgePolicy) -> tuple[Block, ...]:
    """Return the subroutine of the first hop, and what it counts with."""
    counts = any(policy.needs(CLIENT_RATE, phase) for phase in Phase)
    body = (
        *(act(f"unset req.http.{name}") for name in _claims()),
        act(f"set req.http.{Hop.CLIENT} = client.ip"),
        act("set req.http.Fastly-Client-IP = client.ip"),
        _find_country(),
        *(
            (act(f"set var.count = ratelimit.ratecounter_increment({RATES}, client.ip, 1)"),)
            if counts
            else ()
        ),
    )
    declared = (act("declare local var.count INTEGER"),) if counts else ()
    table = (Block(heading=f"ratecounter {RATES}", body=()),) if counts else ()
    return (*table, sub("hs_identify_recv", *declared, *body))


def tell_origin() -> tuple[Statement, ...]:
    """Return the part of vcl_miss and vcl_pass: what the origin is told, and what stays at Fastly."""
    return (
        when(
            "req.backend.is_origin",
            act(f"set bereq.http.X-Forwarded-For = req.http.{Hop.CLIENT}"),
            act(f"unset bereq.http.{HOP_PREFIX.title()}*"),
        ),
    )


def _claims() -> Iterator[str]:
    """Yield the headers by which others claim to know the client, and how CGI would spell them; a star ends a prefix."""
    prefixes = [prefix for prefix in PREFIXES if prefix != _FASTLYS_OWN]
    names = [*(f"{prefix}*" for prefix in prefixes), *_NAME_A_CLIENT, *NAMES]
    yield from ("-".join(word.capitalize() for word in name.split("-")) for name in names)
    yield from (name.replace("-", "_").capitalize() for name in names if "-" in name)


def _find_country() -> If:
    known = Branch(
        condition=f'{_COUNTRY} ~ "^[A-Z][A-Z]$"', body=(act(f"set req.http.{Hop.COUNTRY} = {_COUNTRY}"),)
    )
    unknown = Branch(condition="", body=(act(f'set req.http.{Hop.COUNTRY} = "{UNKNOWN_COUNTRY}"'),))
    return If(branches=(known, unknown))


# What no honest client sends: refused at the first hop, before any rule is asked, as at the ingress.
#
# Fastly itself writes every request again; these are the forms that a rule on a path could be walked around with.

REFUSED = 601
"""Fastly leaves statuses 600 to 699 to its customers; they are never sent to clients."""
NOT_ALLOWED = 602


def refuse_malformed() -> Block:
    """Return the subroutine that refuses requests of doubtful form."""
    refusals = (
        ("strict-path", f"req.url.path !~ {quote('^/')}", REFUSED),
        ("strict-path", f"req.url.path ~ {quote('(?i)' + '|'.join(SECOND_SPELLINGS))}", REFUSED),
        ("strict-host", f"!req.http.Host || req.http.Host !~ {quote(f'(?i){HOST}')}", REFUSED),
        ("strict-method", f"req.method ~ {quote('^(CONNECT|TRACE)$')}", NOT_ALLOWED),
        ("strict-form", f"req.method !~ {quote(METHOD)}", REFUSED),
    )
    return sub(
        "hs_strict_recv",
        If(branches=tuple(_refuse(name, condition, status) for name, condition, status in refusals)),
    )


def _refuse(name: str, condition: str, status: int) -> Branch:
    return Branch(
        condition=condition, body=(act(f'set req.http.{Hop.RULE} = "{name}"'), act(f"error {status}"))
    )
