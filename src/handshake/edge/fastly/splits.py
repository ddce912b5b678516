"""Arms of a split at Fastly: chosen once by weight, kept in the visitor's cookie, told to the house's own edge."""

from __future__ import annotations

from collections.abc import Iterator

from handshake.core.hop_header import ARM_PREFIX, Hop
from handshake.edge.adjust import Split
from handshake.edge.fastly.cookies import read_cookie
from handshake.edge.policy import Rule
from handshake.edge.split_cookie import cookie_attributes, cookie_of
from handshake.syntax.fastly_vcl import quote
from handshake.syntax.vcl import Branch, If, Statement, act, when


def choose_arm(rule: Rule, split: Split) -> tuple[Statement, ...]:
    """Return vcl_recv's part: the visitor's arm; each arm is cached apart.

    The cookie goes on to the origin: the edge behind this one must not choose again.
    """
    arm = f"req.http.{Hop.ARM}-{rule.name}"
    cookie = cookie_of(rule.name)
    known = "|".join(split.arms)
    return (
        act(f"set {arm} = {read_cookie(cookie)}"),
        when(
            f"{arm} !~ {quote(f'^({known})$')}",
            act(f"set var.count = randomint(0, {sum(split.arms.values()) - 1})"),
            If(branches=tuple(_deal(arm, split))),
            act(f"set req.http.{Hop.NEW_ARM}-{rule.name} = {arm}"),
        ),
        act(f"set req.http.{ARM_PREFIX}{rule.name} = {arm}"),
        act(f'set req.http.{Hop.KEY} = req.http.{Hop.KEY} {arm} "|"'),
        act(f'set req.http.{Hop.COOKIE} = req.http.{Hop.COOKIE} "; {cookie}=" {arm}'),
        act(f'set req.http.Cookie = regsuball(req.http.Cookie, "(^|; *){cookie}=[^;]*", "")'),
        act('set req.http.Cookie = regsub(req.http.Cookie, "^; *", "")'),
        when('req.http.Cookie == ""', act("unset req.http.Cookie")),
    )


def set_cookie(rule: Rule, split: Split) -> Statement:
    """Return vcl_deliver's part."""
    new = f"req.http.{Hop.NEW_ARM}-{rule.name}"
    attributes = quote(f"; {cookie_attributes(split.days)}")
    return when(
        new,
        act(f'add resp.http.Set-Cookie = "{cookie_of(rule.name)}=" {new} {attributes}'),
        because=rule.because,
    )


def _deal(arm: str, split: Split) -> Iterator[Branch]:
    below = 0
    last = next(reversed([name for name, weight in split.arms.items() if weight]))
    for name, weight in split.arms.items():
        below += weight
        if weight:
            condition = "" if name == last else f"var.count < {below}"
            yield Branch(condition=condition, body=(act(f'set {arm} = "{name}"'),))
