"""Compiles the edge policy and the live releases into the cache's VCL."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.edge.cache.compile.freshness import WHILE, judge_freshness
from handshake.edge.cache.compile.pages import (
    NOTE_FAILURE,
    begin_fetch,
    describe_noting,
    forget_answer,
    hand_through_sockets,
    hand_to_gateway,
    keep_failure,
    keep_page,
    leave_queue,
    let_streams_last,
    look_again,
    retreat_to_stale,
    try_for_fresh,
    upgrade_pipe,
)
from handshake.edge.cache.compile.rules import ServeRule, adjust_page, compile_rules, forget_wishes, hash_key
from handshake.edge.cache.compile.site_answers import (
    answer_missing,
    label_site_answer,
    label_site_file,
    retreat_to_previous,
)
from handshake.edge.cache.compile.site_fetching import describe_fetching, fetch_site_file, name_region
from handshake.edge.cache.compile.site_releases import CopyRoute, retreat_to_copy, show_copy
from handshake.edge.cache.compile.sites import (
    describe_sites,
    hash_site,
    label_arm,
    label_preview,
    route_sites,
)
from handshake.edge.cache.compile.tags import INWARD, forget_changed, handle_purge
from handshake.edge.cache.compile.target import CacheTarget, PreviewRoute, SiteRoute
from handshake.edge.cache.compile.warming import handle_warming
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.settings import FallbackSettings
from handshake.syntax.vcl import Bare, Block, Branch, Declaration, If, Statement, act, field, quote, sub, when


def compile_cache(
    policy: EdgePolicy,
    target: CacheTarget,
    sites: tuple[SiteRoute, ...],
    previews: tuple[PreviewRoute, ...] = (),
    copy: CopyRoute | None = None,
) -> tuple[Declaration, ...]:
    """Return the VCL's declarations; the same input gives the same text."""
    rules = compile_rules(policy)
    return (
        *(Bare(text=f"import {module}") for module in ("blob", "std", "vsthrottle", "xkey")),
        *_declare_backends(target),
        *(acl for rule in rules for acl in rule.acls),
        *describe_sites(sites, previews, copy),
        *describe_fetching(target.regions, target.storage_megabytes),
        _receive(rules, route_sites(sites, previews), show_copy(copy)),
        sub("vcl_hash", hash_site(), hash_key()),
        sub("vcl_hit", act(f'set req.http.{Hop.CACHE} = "hit"'), try_for_fresh(), act("return (deliver)")),
        sub("vcl_miss", act(f'set req.http.{Hop.CACHE} = "miss"'), leave_queue()),
        sub("vcl_pass", act(f'set req.http.{Hop.CACHE} = "pass"')),
        upgrade_pipe(),
        sub("vcl_backend_fetch", begin_fetch(), *fetch_site_file(target.regions)),
        describe_noting(),
        adjust_page(),
        judge_freshness(),
        keep_page(policy.grace_seconds, target.storage_megabytes),
        sub(
            "vcl_backend_response",
            when(f"bereq.http.{Hop.SITE}", act("call keep_site_file")),
            act("call adjust_page"),
            act("call keep_page"),
        ),
        _fail(policy.fallback),
        forget_changed(),
        _tidy(rules),
        _deliver(retreat_to_copy(copy)),
        _synthesize(rules),
    )


def compile_root(label: str) -> tuple[Declaration, ...]:
    """Return the VCL that stays active for ever and hands every request to the one that the label names."""
    return Bare(text="backend none none"), sub("vcl_recv", act(f"return (vcl({label}))"))


def _declare_backends(target: CacheTarget) -> tuple[Block, ...]:
    # Varnish takes the first backend as the default.
    return (
        _declare_backend("gateway", target.gateway_socket, first_byte="70s"),
        *(
            _declare_backend(name_region(region), region.socket, first_byte="3s", between_bytes="5s")
            for region in target.regions
        ),
    )


def _declare_backend(name: str, socket: str, *, first_byte: str, between_bytes: str = "60s") -> Block:
    return Block(
        heading=f"backend {name}",
        body=(
            field("path", quote(socket)),
            field("connect_timeout", "2s"),
            field("first_byte_timeout", first_byte),
            field("between_bytes_timeout", between_bytes),
        ),
    )


def _receive(
    rules: tuple[ServeRule, ...], find_site: tuple[Statement, ...], begin: tuple[Statement, ...]
) -> Block:
    return sub(
        "vcl_recv",
        *begin,
        *look_again(),
        handle_purge(),
        handle_warming(),
        act("set req.http.Host = req.http.Host.lower()"),
        act(f"std.collect(req.http.{Hop.SWITCHES})"),
        act(f"std.collect(req.http.{Hop.LISTS})"),
        # Varnish has written its own peer there, which is the ingress.
        act(f"set req.http.X-Forwarded-For = req.http.{Hop.CLIENT}"),
        *(rule.test for rule in rules),
        *find_site,
        *hand_through_sockets(),
        *forget_wishes(),
        *hand_to_gateway(),
    )


def _fail(fallback: FallbackSettings) -> Block:
    return sub(
        "vcl_backend_error",
        when("bereq.is_bgfetch", NOTE_FAILURE, act("return (abandon)")),
        If(
            branches=(
                Branch(
                    condition=f"bereq.http.{Hop.SITE}", body=(act("call fail_site_file"), *keep_failure())
                ),
                Branch(condition="", body=(NOTE_FAILURE, *forget_answer())),
            )
        ),
        act('set beresp.http.Cache-Control = "no-store"'),
        act('set beresp.http.Retry-After = "10"'),
        act(f"set beresp.http.Content-Type = {quote(fallback.content_type)}"),
        act(f"set beresp.body = {quote(fallback.body)}"),
        act("return (deliver)"),
    )


def _tidy(rules: tuple[ServeRule, ...]) -> Block:
    """Take off what tells visitors about our insides; what starts with Hop.LOG is for the ingress's."""
    return sub(
        "tidy",
        *(act(f"unset resp.http.{name}") for name in ("Via", "X-Varnish", "Server", WHILE, *INWARD)),
        when('resp.http.Age == "0"', act("unset resp.http.Age")),
        *(part for rule in rules for part in rule.finish),
        act(f"set resp.http.{Hop.LOG_CACHE} = req.http.{Hop.CACHE}"),
        act(f"unset resp.http.{Hop.LOG_RULE}"),
        when(f"req.http.{Hop.RULE}", act(f"set resp.http.{Hop.LOG_RULE} = req.http.{Hop.RULE}")),
    )


def _deliver(last_retreat: tuple[Statement, ...]) -> Block:
    return sub(
        "vcl_deliver",
        answer_missing(),
        retreat_to_previous(),
        retreat_to_stale(),
        *last_retreat,
        label_site_file(),
        label_arm(),
        label_preview(),
        let_streams_last(),
        act("call forget_changed"),
        act("call tidy"),
        act("return (deliver)"),
    )


def _synthesize(rules: tuple[ServeRule, ...]) -> Block:
    plain: tuple[Statement, ...] = (
        label_site_answer(),
        label_preview(),
        when(f"req.http.{Hop.LOCATION}", act(f"set resp.http.Location = req.http.{Hop.LOCATION}")),
        when(f"req.http.{Hop.ALLOW}", act(f"set resp.http.Allow = req.http.{Hop.ALLOW}")),
        act('set resp.http.Content-Type = "text/plain; charset=utf-8"'),
        act('set resp.body = resp.reason + {"\n"}'),
        act("call tidy"),
        act("return (deliver)"),
    )
    return sub(
        "vcl_synth",
        act(f'set req.http.{Hop.CACHE} = "synth"'),
        *(part for rule in rules for part in rule.answer),
        *plain,
    )
