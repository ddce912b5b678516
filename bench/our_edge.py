"""The edge as the campaign runs it: its ingress with a policy and full lists, its cache, and nginx for all that is behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from pathlib import Path

from tests.support.campaign import free_port

from bare import running, wait_for
from handshake.core.clock import SystemClock
from handshake.core.digest import digest_bytes
from handshake.core.errors import HandshakeError
from handshake.drivers.haproxy.program import HaproxyProgram
from handshake.drivers.haproxy.reload import Master, Reload
from handshake.drivers.haproxy.runtime import Runtime
from handshake.drivers.varnish.cache import VarnishCache
from handshake.drivers.varnish.program import VarnishProgram
from handshake.edge.cache.compile.target import CacheTarget, RegionSocket
from handshake.edge.cache.compile.vcl import compile_cache
from handshake.edge.ingress.compile.configuration import compile_ingress
from handshake.edge.ingress.compile.maps import COUNTRIES, FOREVER, NETWORKS, name_list_map, seed_maps
from handshake.edge.ingress.compile.target import Accounts, IngressListener, IngressTarget
from handshake.edge.policy.policy import EdgePolicy
from handshake.syntax.haproxy import print_haproxy
from handshake.syntax.vcl import print_vcl

_IS_ROOT = os.geteuid() == 0
_ACCOUNTS = Accounts(ingress="haproxy", cache="vcache") if _IS_ROOT else Accounts()
_START_SECONDS = 20.0
_FIRST_BANNED = int(IPv4Address("20.0.0.0"))

_ORIGIN = """\
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    server {{
        listen unix:{folder}/gateway.sock;
        root {folder}/www;
        add_header Cache-Control "public, max-age=3600";
    }}
}}
"""


@dataclass(frozen=True, kw_only=True)
class OurEdge:
    """A running edge."""

    address: str
    folder: Path
    target: IngressTarget
    cache: VarnishCache
    reload: Reload

    def serve(self, policy: EdgePolicy) -> None:
        """Serve another policy at ingress and cache, as the agent does."""
        text, digest = _print_ingress(policy, self.target)
        self.reload.serve(text, digest)
        vcl = _print_cache(policy, self.folder)
        name = f"hs_{digest_bytes(vcl.encode())[7:31]}"
        self.cache.prepare(name, vcl)
        self.cache.flip(name)


@contextmanager
def our_edge(
    folder: Path, policy: EdgePolicy, pages: Mapping[str, bytes], *, listed: int, countries: str
) -> Iterator[OurEdge]:
    """Serve these pages through ingress and cache, with so many entries on every list."""
    folder.chmod(0o755)  # nginx's own user must pass through
    for path, body in pages.items():
        _write(folder / "www" / path.lstrip("/"), body)
    settings = _write(folder / "nginx.conf", _ORIGIN.format(folder=folder).encode())
    with ExitStack() as stack:
        stack.enter_context(running(("nginx", "-c", str(settings), "-g", "daemon off;")))
        edge = stack.enter_context(_programs(folder, policy, listed=listed, countries=countries))
        (folder / "gateway.sock").chmod(0o777)
        edge.serve(policy)
        wait_for(f"http://{edge.address}{next(iter(pages))}")
        yield edge


@contextmanager
def _programs(folder: Path, policy: EdgePolicy, *, listed: int, countries: str) -> Iterator[OurEdge]:
    address = f"127.0.0.1:{free_port()}"
    target = _surround(folder, address)
    _write_maps(folder / "maps", policy, listed=listed, countries=countries)
    haproxy = HaproxyProgram(configuration=folder / "haproxy.cfg", master_socket=folder / "master.sock")
    _write(haproxy.configuration, _print_ingress(policy, target)[0].encode())
    varnish = VarnishProgram(
        directory=folder / "cache", socket=folder / "cache.sock", ingress_user=_ACCOUNTS.ingress
    )
    varnish.lay_out()
    runtime, master = Runtime(folder / "runtime.sock"), Master(haproxy.master_socket)
    # The supervisor lets a program's output go where this does: into a file.
    with running(haproxy.argv, log=folder / "ingress.log"), running(varnish.argv):
        cache = VarnishCache(varnish, SystemClock())
        _wait_until_they_answer(runtime.info, master.workers, cache.active)
        yield OurEdge(
            address=address,
            folder=folder,
            target=target,
            cache=cache,
            reload=Reload(haproxy, master, runtime, SystemClock()),
        )


def _surround(folder: Path, address: str) -> IngressTarget:
    return IngressTarget(
        digest="",
        listeners=(IngressListener(address=address),),
        runtime_socket=str(folder / "runtime.sock"),
        maps=str(folder / "maps"),
        cache_socket=str(folder / "cache.sock"),
        regions=(),
        decoy_key="YmVuY2g=",
        accounts=_ACCOUNTS,
    )


def _print_ingress(policy: EdgePolicy, target: IngressTarget) -> tuple[str, str]:
    digest = digest_bytes(print_haproxy(compile_ingress(policy, target)).encode())
    return print_haproxy(compile_ingress(policy, replace(target, digest=digest))), digest


def _print_cache(policy: EdgePolicy, folder: Path) -> str:
    # No site is mounted, so no region is ever asked.
    region = RegionSocket(name="none", socket=str(folder / "none.sock"))
    target = CacheTarget(gateway_socket=str(folder / "gateway.sock"), regions=(region,))
    return print_vcl(compile_cache(policy, target, ()))


def _write_maps(maps: Path, policy: EdgePolicy, *, listed: int, countries: str) -> None:
    entries = "".join(f"{IPv4Address(_FIRST_BANNED + number * 3)} {FOREVER}\n" for number in range(listed))
    full = {name_list_map(its.name): entries for its in policy.lists}
    for name, text in {**seed_maps(policy), COUNTRIES: countries, NETWORKS: "", **full}.items():
        _write(maps / name, text.encode())


def _wait_until_they_answer(*questions: Callable[[], object]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            for ask in questions:
                ask()
        except HandshakeError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"ingress and cache do not answer within {_START_SECONDS:.0f} s")


def _write(file: Path, content: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file
