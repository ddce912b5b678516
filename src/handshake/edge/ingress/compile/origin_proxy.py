"""The origin proxy: one Unix socket per region, with TLS, name resolution and a health check behind it."""

from __future__ import annotations

from handshake.core.hop_header import HOP_PREFIX
from handshake.edge.ingress.compile.target import Accounts, Region
from handshake.syntax.haproxy import Line, Section, line


def compile_origin_proxy(region: Region, accounts: Accounts) -> tuple[Section, Section]:
    """Return the region's frontend and backend."""
    return _compile_frontend(region, accounts), _compile_backend(region)


def _compile_frontend(region: Region, accounts: Accounts) -> Section:
    owner = ("user", accounts.cache) if accounts.cache else ()
    prefix = (line("http-request", "set-path", f"{region.prefix}%[path]"),) if region.prefix else ()
    return Section(
        words=("frontend", f"origin-{region.name}"),
        lines=(
            line("bind", f"unix@{region.socket}", *owner, "mode", "600"),
            # A store is a stranger: it learns nothing about our visitors.
            line("http-request", "del-header", HOP_PREFIX, "-m", "beg"),
            line("http-request", "del-header", "X-Forwarded-", "-m", "beg"),
            line("http-request", "set-header", "Host", region.host),
            *prefix,
            line("default_backend", f"origin-{region.name}"),
        ),
    )


def _compile_backend(region: Region) -> Section:
    return Section(
        words=("backend", f"origin-{region.name}"),
        lines=(
            line("http-reuse", "always"),
            line("option", "httpchk"),
            _check_health(region),
            line("http-check", "expect", "!", "rstatus", "^5"),
            line("server", "store", region.address, *_reach(region)),
        ),
    )


def _check_health(region: Region) -> Line:
    uri = region.prefix + region.health_path
    return line(
        "http-check", "send", "meth", "HEAD", "uri", uri, "ver", "HTTP/1.1", "hdr", "Host", region.host
    )


def _reach(region: Region) -> tuple[str, ...]:
    check = ("check", "inter", "1s", "fastinter", "300ms", "downinter", "1s", "fall", "2", "rise", "1")
    resolve = ("init-addr", "last,libc,none")
    if not region.tls_ca_file:
        return (*check, *resolve)
    name = region.host.partition(":")[0]
    tls = ("ssl", "verify", "required", "ca-file", region.tls_ca_file, "sni", f"str({name})")
    return (*check, *resolve, *tls, "check-sni", name)
