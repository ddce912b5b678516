"""The cookies of splits: the cache names a visitor's new arm, the door sets the cookie.

Varnish cannot add a second Set-Cookie to an answer that has one.
"""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.edge.adjust import Split
from handshake.edge.phase import Phase
from handshake.edge.policy import Policy
from handshake.edge.split_cookie import cookie_attributes, cookie_of
from handshake.syntax.haproxy import Line, line


def set_arm_cookies(policy: Policy) -> tuple[Line, ...]:
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
