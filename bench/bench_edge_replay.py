"""an access log of 100,000 requests replayed under another policy; one verdict beside CEL's own evaluator."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.cel_oracle import judge_by_cel

from frame import Measure, doing, report
from handshake.campaign.policy import read_policy
from handshake.edge.lists.live_data import begin_with
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.request import Request
from handshake.edge.simulate.replay import Replay
from handshake.edge.simulate.verdict import simulate

_CAMPAIGN = Path(__file__).parents[1] / "examples" / "campaign"
_LINES = 100_000
_CLIENTS = 20_000
_JUDGED = 300


def main() -> None:
    """Measure and print."""
    policy = read_policy(_CAMPAIGN).edge
    report("replaying the edge", [*_replay(policy), _judge(policy)])


def _replay(policy: EdgePolicy) -> Iterator[Measure]:
    lines = list(_write_log())
    another = replace(policy, rules=policy.rules[:-1])
    for name, after in (("the same policy", policy), ("one rule less", another)):
        replay = Replay(policy, begin_with(policy), after, begin_with(after), samples=3)
        begun = time.perf_counter()
        with doing(f"replaying {_LINES:,} requests: {name}"):
            for line in lines:
                replay.add(line)
        seconds = time.perf_counter() - begun
        note = f"{_LINES / seconds:,.0f} requests/s; {replay.report().changed:,} changed"
        yield Measure(name=f"replay, {name}", value=round(seconds, 2), unit="s", note=note)


def _judge(policy: EdgePolicy) -> Measure:
    """Judge different requests by both evaluators: nothing is remembered but compiled conditions and lists."""
    live = begin_with(policy)
    requests = [
        Request(client=f"203.0.113.{number % 256}", path=f"/{number}", country="DE")
        for number in range(_JUDGED)
    ]
    seconds = []
    for judge in (simulate, judge_by_cel):
        judge(policy, requests[0], live)
        begun = time.perf_counter()
        for request in requests:
            judge(policy, request, live)
        seconds.append((time.perf_counter() - begun) / _JUDGED * 1000)
    ours, peer = seconds
    return Measure(
        name="one verdict, nothing remembered",
        value=round(ours, 4),
        unit="ms",
        peer="celpy",
        peer_value=round(peer, 4),
        note=f"{len(policy.rules)} rules",
    )


def _write_log() -> Iterator[bytes]:
    chance = random.Random(2016)
    clients = [f"203.0.{chance.randrange(256)}.{chance.randrange(256)}" for _ in range(_CLIENTS)]
    paths = ["/", "/api/hamm/donations", *(f"/calls/{number}" for number in range(300))]
    agents = ("Mozilla/5.0 (X11; Linux x86_64)", "WordPress/4.6; https://example.org", "curl/8.0")
    for number in range(_LINES):
        agent = chance.choice(agents)
        is_refused = agent.startswith("WordPress")
        record = {
            "time": 1_477_990_800 + number / 10,
            "client": chance.choice(clients),
            "country": chance.choice(("US", "PR", "DE", "unknown")),
            "method": "GET",
            "host": "campaign.example",
            "path": chance.choice(paths),
            "query": "-",
            "user_agent": agent,
            "status": 403 if is_refused else 200,
            "rule": "wordpress-pingbacks" if is_refused else "-",
        }
        yield json.dumps(record, separators=(",", ":")).encode()


if __name__ == "__main__":
    main()
