"""What a verb at 3 am must not wait for."""

import subprocess
import sys

import pytest

_VERBS = (
    "handshake.cli.main",
    "handshake.cli.edge.switch",
    "handshake.cli.edge.ban",
)
_SLOW = ("celpy", "jinja2", "redis", "lark", "handshake.edge.policy.policy", "handshake.campaign.policy")


@pytest.mark.parametrize("verb", _VERBS)
def test_verbs_of_live_data_import_no_rules(verb: str) -> None:
    """A ban or a switch imports neither what parses conditions, nor templates, nor a store's client."""
    script = f"import sys, {verb}; print(*sorted(set({_SLOW!r}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
