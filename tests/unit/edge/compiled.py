"""Golden cases of the edge: a policy, and the ingress and the cache, or the problems, that it becomes."""

from __future__ import annotations

from pathlib import Path

from handshake.config.reader import parse_settings
from handshake.core.problem import ProblemsError
from handshake.edge.cache.compile.target import CacheTarget, RegionSocket, ReleaseRoute, SiteRoute
from handshake.edge.cache.compile.vcl import compile_cache
from handshake.edge.ingress.compile.configuration import compile_ingress
from handshake.edge.ingress.compile.target import Accounts, IngressListener, IngressTarget, Region
from handshake.edge.policy.policy import EdgePolicy, build_policy
from handshake.edge.policy.settings import EdgeSettings
from handshake.release.manifest import SiteContract
from handshake.syntax.haproxy import print_haproxy
from handshake.syntax.vcl import print_vcl

FOLDER = Path(__file__).parents[2] / "golden" / "edge"
INGRESS_BORDER = "=== ingress ===\n"
CACHE_BORDER = "=== cache ===\n"
PROBLEMS_BORDER = "=== problems ===\n"
SITES = (
    SiteRoute(name="home", mount="/", live=ReleaseRoute(release="c" * 64)),
    SiteRoute(
        name="calls",
        mount="/calls",
        live=ReleaseRoute(release="a" * 64, contract=SiteContract(assets=("assets/", "_static/"))),
        previous_release="b" * 64,
    ),
)


def read_text(text: str) -> EdgePolicy:
    """Return the policy of a text."""
    return build_policy(parse_settings(EdgeSettings, text, shown_as="edge.toml"))


def print_ingress(policy: EdgePolicy) -> str:
    """Return the ingress's configuration with everything in it."""
    target = IngressTarget(
        digest="sha256:abc",
        listeners=(
            IngressListener(address="127.0.0.1:8080"),
            IngressListener(address="127.0.0.1:8443", certificate="/c.pem"),
        ),
        runtime_socket="/run/ingress.sock",
        maps="/run/maps",
        cache_socket="/run/cache.sock",
        regions=(
            Region(
                name="a", socket="/run/a.sock", address="127.0.0.1:9001", host="a.store", prefix="/bucket"
            ),
            Region(
                name="b",
                socket="/run/b.sock",
                address="127.0.0.1:9002",
                host="b.store",
                tls_ca_file="/ca.pem",
            ),
        ),
        decoy_key="a2V5",
        accounts=Accounts(ingress="haproxy", cache="vcache"),
    )
    return print_haproxy(compile_ingress(policy, target))


def print_cache(policy: EdgePolicy) -> str:
    """Return the cache's VCL with everything in it."""
    target = CacheTarget(
        gateway_socket="/run/gateway.sock",
        regions=(RegionSocket(name="a", socket="/run/a.sock"), RegionSocket(name="b", socket="/run/b.sock")),
    )
    return print_vcl(compile_cache(policy, target, SITES))


def become(text: str) -> str:
    """Return what a policy becomes."""
    try:
        policy = read_text(text)
    except ProblemsError as error:
        return f"{PROBLEMS_BORDER}{error}\n"
    return f"{INGRESS_BORDER}{print_ingress(policy)}{CACHE_BORDER}{print_cache(policy)}"


def split(case: Path) -> tuple[str, str]:
    """Return a case's policy, and what it is expected to become."""
    text = case.read_text()
    starts = [text.find(border) for border in (INGRESS_BORDER, PROBLEMS_BORDER) if border in text]
    start = min(starts, default=len(text))
    return text[:start], text[start:]


def join(policy: str, found: str) -> str:
    """Return the case's file."""
    return policy + found
