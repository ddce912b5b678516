"""How many files one has to read to follow a walk: counted by tracing, over all processes, from the callback to the ack.

The embedded catalogue is not among them: it stands for Consul, and its files are a program of their own. Nor are the loops of
the agent that go round beside the walk: a walk names the threads that carry it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.tracing.interpreter import make_interpreter
from tests.support.tracing.walk import Walk, read_walk
from tests.system.campaign_up import CampaignUnderTest, system_up
from tests.system.test_operating import change

pytestmark = pytest.mark.live

BAN, POLICY, RELEASE = 44, 92, 126
"""What was counted; no walk may grow. Asked for are 20, 30 and 70: whoever shortens a walk lowers its number here."""

_RULE = """
[[rule]]
name = "walked"
phase = "admit"
when = 'request.user_agent == "walk"'
respond = { status = 403, body = "walked" }
"""


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter whose processes write down what they call."""
    return make_interpreter(tmp_path_factory.mktemp("traced") / "python")


@pytest.fixture(scope="module")
def system(traced: Path) -> Iterator[CampaignUnderTest]:
    """Bring the example campaign up, every process of it traced."""
    with system_up(python=str(traced)) as up:
        yield up


def walk(traced: Path, callback: str, threads: Mapping[str, str]) -> Walk:
    """Return the newest walk of a verb, up to the moment at which it reports the acks."""
    return read_walk(
        traced.parents[1] / "traces", callback=callback, end="cli/screen.py:print_report", threads=threads
    )


def test_a_ban_reads_few_files(system: CampaignUnderTest, traced: Path) -> None:
    """From `handshake ban` to the ack of the ingress."""
    assert system.verb("ban", "203.0.113.7", "--for", "1h", "--reason", "test")["is_enforced"]

    walked = walk(traced, "cli/edge/ban.py:ban", {"agent": "ingress"})

    assert {"edge/lists/editor.py", "edge/ingress/reconcile.py", "pointers/acks.py"} <= set(walked.files)
    assert len(walked.files) <= BAN, walked.describe()


def test_a_policy_reads_few_files_on_its_way_to_the_ingress(system: CampaignUnderTest, traced: Path) -> None:
    """From `handshake apply` to the ack of the ingress."""
    file = system.campaign / "edge.toml"
    file.write_text(file.read_text() + _RULE)
    plan = system.verb("plan")
    applied = system.verb("apply", plan["release"], "--from-revision", str(plan["from_revision"]))
    assert applied["ending"] == "arrived"

    walked = walk(traced, "cli/policy.py:apply", {"agent": "ingress"})

    assert {"pointers/pointers.py", "edge/ingress/compile/rules.py", "pointers/acks.py"} <= set(walked.files)
    assert len(walked.files) <= POLICY, walked.describe()


def test_a_release_of_a_service_reads_few_files(system: CampaignUnderTest, traced: Path) -> None:
    """From `handshake publish --promote` through bake, contract check and rollout to the ack of the pool."""
    source = change(system, "events")
    published = system.verb("publish", "image/events", str(source), "--promote")
    assert published["ending"] == "arrived"

    agent = "instances|gateway|probe.*|stop.*"
    walked = walk(traced, "cli/publish.py:publish", {"agent": agent, "control": "leader"})

    assert {"image/bake.py", "fleet/engine/plan.py", "gateway/reconcile.py"} <= set(walked.files)
    assert len(walked.files) <= RELEASE, walked.describe()
