"""The cache's program as it is printed, in Varnish's own test language: a case a file under tests/vtc."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from handshake.edge.cache.compile.target import CacheTarget, RegionSocket
from handshake.edge.cache.compile.vcl import compile_cache
from handshake.edge.policy.policy import read_policy
from handshake.syntax.vcl import print_vcl
from tests.live.edges import open_folder

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
CASES = sorted((ROOT / "tests" / "vtc").glob("*.vtc"))


def find_policy(case: Path) -> Path:
    """Return `actions.toml` for `actions.split.vtc`; the campaign's own where nothing of the kind lies beside a case."""
    own = case.parent / f"{case.stem.partition('.')[0]}.toml"
    return own if own.exists() else ROOT / "examples" / "campaign" / "edge.toml"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_case(case: Path) -> None:
    """The cache does what the case's first line says."""
    # Not in pytest's own folder: Varnish's own user must reach the socket.
    with open_folder() as folder:
        gateway, vcl = folder / "gateway.sock", folder / "cache.vcl"
        target = CacheTarget(
            gateway_socket=str(gateway),
            regions=(RegionSocket(name="a", socket=str(folder / "a.sock")),),
        )
        policy = read_policy(find_policy(case))
        vcl.write_text(print_vcl(compile_cache(policy, target, ())))
        told = subprocess.run(
            ("varnishtest", "-t", "30", "-D", f"vcl={vcl}", "-D", f"gateway={gateway}", str(case)),
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )
    assert told.returncode == 0, told.stdout[-4000:]
