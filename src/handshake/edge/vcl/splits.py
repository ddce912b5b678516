"""Arms of a split: chosen once by weight, then kept in the visitor's cookie, which the door sets."""

from __future__ import annotations

from collections.abc import Iterator

from handshake.core.hop_header import ARM_PREFIX, Hop
from handshake.edge.adjust import Split
from handshake.edge.split_cookie import cookie_of
from handshake.syntax.vcl import Branch, If, Statement, act, when


def choose_arm(name: str, split: Split) -> tuple[Statement, ...]:
    """Return vcl_recv's part: the visitor's arm, for the origin to read as well; each arm is cached apart."""
    arm = f"req.http.{Hop.ARM}-{name}"
    cookie = cookie_of(name)
    known = "|".join(split.arms)
    return (
        act(f'set {arm} = regsub(req.http.Cookie, "^(?:(?:.*;)? *{cookie}=([^;]*).*|.*)$", "\\1")'),
        when(
            f'{arm} !~ "^({known})$"',
            act(f"set req.http.{Hop.COIN} = std.random(0.0, {sum(split.arms.values())}.0)"),
            If(branches=tuple(_deal(arm, split))),
            act(f"set req.http.{Hop.NEW_ARM}-{name} = {arm}"),
        ),
        act(f"set req.http.{ARM_PREFIX}{name} = {arm}"),
        act(f'set req.http.{Hop.KEY} = req.http.{Hop.KEY} + {arm} + "|"'),
        act(f'set req.http.Cookie = regsuball(req.http.Cookie, "(^|; *){cookie}=[^;]*", "")'),
        act('set req.http.Cookie = regsub(req.http.Cookie, "^; *", "")'),
        when('req.http.Cookie == ""', act("unset req.http.Cookie")),
    )


def hand_on_arm(name: str) -> If:
    """Return the part of an answer: the door turns it into a cookie, and logs it."""
    return when(
        f"req.http.{Hop.NEW_ARM}-{name}",
        act(f"set resp.http.{Hop.ARM}-{name} = req.http.{Hop.NEW_ARM}-{name}"),
    )


def _deal(arm: str, split: Split) -> Iterator[Branch]:
    below = 0
    last = next(reversed([name for name, weight in split.arms.items() if weight]))
    for name, weight in split.arms.items():
        below += weight
        condition = "" if name == last else f"std.real(req.http.{Hop.COIN}, 0.0) < {below}.0"
        if weight:
            yield Branch(condition=condition, body=(act(f'set {arm} = "{name}"'),))
