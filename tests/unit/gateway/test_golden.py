"""Each golden case is a `gateway.toml` and what becomes of it: a configuration, or its problems.

`ACCEPT_GOLDEN=1 pytest tests/unit/gateway/test_golden.py` writes what becomes of it now; read it in review.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from handshake.catalog.entries import Endpoint
from handshake.core.problem import ProblemsError
from handshake.gateway.haproxy import GatewayListener, GatewayTarget, Pool, UnixAccount, compile_gateway
from handshake.gateway.reader import read_gateway
from handshake.syntax.haproxy import print_haproxy

FOLDER = Path(__file__).parents[2] / "golden" / "gateway"
CASES = sorted(FOLDER.glob("*.txt"))
BORDER = "=== becomes ===\n"
MEMBERS = (
    Endpoint(id="hamm-b", service="hamm", host="::1", port=20002),
    Endpoint(id="hamm-a", service="hamm", host="127.0.0.1", port=20001),
)


def become(text: str, folder: Path) -> str:
    """Return the configuration that a policy becomes, or its problems, without names of this machine."""
    file = folder / "gateway.toml"
    file.write_text(text)
    (folder / "described").symlink_to(FOLDER / "described")
    try:
        gateway = read_gateway(file, services=("hamm", "events", "secretary"), shown_as="gateway.toml")
    except ProblemsError as error:
        return f"{error}\n".replace(f"{folder}/", "")
    target = GatewayTarget(
        digest="sha256:abc",
        listener=GatewayListener(path=Path("/run/gateway.sock"), mode=0o660, user="root", group="varnish"),
        runtime_socket=Path("/run/runtime.sock"),
        account=UnixAccount(user="haproxy", group="haproxy"),
        description=gateway.description,
        pools=(Pool(service="hamm", members=MEMBERS, health_path="/health"),),
    )
    return print_haproxy(compile_gateway(gateway.policy, target))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_golden(case: Path, tmp_path: Path) -> None:
    """A policy becomes exactly the configuration, or the problems, that its case says."""
    policy, _, expected = case.read_text().partition(BORDER)
    found = become(policy, tmp_path)
    if os.environ.get("ACCEPT_GOLDEN"):
        case.write_text(policy + BORDER + found)
        expected = found
    assert found == expected


def test_cases_exist() -> None:
    """There are cases of both kinds."""
    texts = [case.read_text() for case in CASES]
    assert any("frontend gateway" in text for text in texts)
    assert any("[gateway-" in text for text in texts)
