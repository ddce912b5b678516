"""Falco's linter reads everything that is compiled for Fastly, and has nothing to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from handshake.edge.fastly.compile.containers import LinterAccount
from handshake.edge.fastly.compile.target import FastlyTarget
from tests.live.falco import lint, print_service, read_waivers
from tests.unit.edge.compiled import FOLDER, INGRESS_BORDER, read_text, split

pytestmark = pytest.mark.live

REPOSITORY = Path(__file__).parents[2]
CASES = sorted(FOLDER.glob("*.txt"))
FILES = (REPOSITORY / "examples/campaign/edge.toml", REPOSITORY / "tests/golden/fastly/every-action.toml")
POLICIES = {file.parent.name: file.read_text() for file in FILES}
POLICIES |= {case.stem: text for case in CASES for text, found in [split(case)] if INGRESS_BORDER in found}

MOUNTS = dict.fromkeys(POLICIES, ()) | {"campaign": ("/calls", "/docs/api"), "fastly": ("/",)}


@pytest.mark.parametrize("policy", POLICIES)
def test_linter_has_nothing_to_say(policy: str, tmp_path: Path) -> None:
    """No error, no warning and no hint, on the example's policy, one with every action, and every golden case."""
    text = print_service(
        read_text(POLICIES[policy]), FastlyTarget(shards=2, mounts=MOUNTS[policy]), LinterAccount()
    )
    waived = read_waivers()
    said = [f"{its['Rule']}: {its['Message']}" for its in lint(text, tmp_path)]
    assert [its for its in said if its.partition(":")[0] not in waived] == []


def test_linter_says_something_of_a_faulty_text(tmp_path: Path) -> None:
    """A status that is Fastly's own is found, so the linter's silence means something."""
    policy = read_text(POLICIES["campaign"])
    text = print_service(policy, FastlyTarget(), LinterAccount()).replace("error 600;", "error 819;")
    assert {its["Rule"] for its in lint(text, tmp_path)} == {"error-statement/code"}
