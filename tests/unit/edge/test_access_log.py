"""The access log says whom an entry met, whom it would have met, and who was deceived."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from handshake.edge.ingress.access_log import AccessLog
from handshake.edge.policy.networks import Matcher
from handshake.edge.simulate.access_log import parse_record
from handshake.edge.simulate.log_analysis import (
    account_decoys,
    count_clients,
    count_hits,
    preview_agents,
    preview_clients,
)

DECOYS = frozenset({"card-testers"})
NOBODY = "-"


def line(
    time: float, client: str, *, method: str = "GET", path: str = "/", status: int = 200, rule: str = NOBODY
) -> bytes:
    """Return a line as the ingress writes it, slashes escaped."""
    fields = {
        "time": "TIME",
        "client": client,
        "country": "US" if client.startswith("203") else "unknown",
        "method": method,
        "host": "x",
        "path": path,
        "query": NOBODY,
        "user_agent": 'evil "bot"',
        "status": status,
        "rule": rule,
    }
    text = json.dumps(fields, separators=(",", ":")).replace('"TIME"', f"{time:.3f}").replace("/", r"\/")
    return text.encode() + b"\n"


def donate(time: float, client: str, *, status: int = 201, rule: str = NOBODY) -> bytes:
    """Return the line of a donation."""
    return line(time, client, method="POST", path="/api/hamm/donations", status=status, rule=rule)


LINES = (
    b"[NOTICE] (1) : New worker forked\n",
    line(1, "203.0.113.1"),
    line(2, "203.0.113.2", path="/calls/"),
    donate(3, "203.0.113.2"),
    donate(4, "198.51.100.9"),
    donate(5, "203.0.113.3", rule="card-testers"),
    donate(6, "203.0.113.3", rule="card-testers", status=402),
    donate(7, "203.0.113.2", rule="card-testers"),
    line(8, "203.0.113.3", status=403, rule="the-wall"),
    b'{"time":9.000,"client":"203.0.113.4","coun',
)


def meets(*entries: str) -> Matcher:
    """Return who is met."""
    return Matcher(frozenset(entries))


def test_a_record_is_read() -> None:
    """What the ingress escaped is plain again; what HAProxy itself says, and a line cut short, are no records."""
    record = parse_record(LINES[3])
    assert record is not None
    assert (record.path, record.user_agent, record.time) == ("/api/hamm/donations", 'evil "bot"', 3.0)
    assert parse_record(LINES[0]) is None
    assert parse_record(LINES[-1]) is None


def test_preview_counts_whom_a_ban_would_have_met() -> None:
    """A preview says how many requests, paths and countries, of how many."""
    matcher = meets("203.0.113.0/24")
    seen = preview_clients(LINES, lambda client: matcher.find(client) is not None, DECOYS)

    assert (seen.requests, seen.met, seen.clients) == (9, 7, 3)
    assert [(count.what, count.requests) for count in seen.countries] == [("US", 7)]
    assert ("/api/hamm/donations", 4) in [(count.what, count.requests) for count in seen.paths]
    assert seen.since == 1.0


def test_preview_names_donors() -> None:
    """Who really gave is named; a decoy's false receipt makes nobody a donor."""
    matcher = meets("203.0.113.0/24")
    seen = preview_clients(LINES, lambda client: matcher.find(client) is not None, DECOYS)

    assert [(donor.client, donor.donations, donor.last_at) for donor in seen.donors] == [
        ("203.0.113.2", 1, 3.0)
    ]


def test_preview_by_user_agent() -> None:
    """A text is compared as it was sent, not as it is escaped."""
    seen = preview_agents(LINES, lambda agent: agent == 'evil "bot"', DECOYS)
    assert seen.met == 8


def test_hits_are_of_the_longest_entry_and_its_rules_only() -> None:
    """An entry's hits are the requests that a rule of its list decided."""
    seen = count_clients(LINES, frozenset({"the-wall"}))
    hits = count_hits(seen, meets("203.0.113.0/24", "203.0.113.3").find)

    assert dict(hits) == {"203.0.113.3": 1}


def test_decoys_are_counted_apart() -> None:
    """Decoys are counted by rule and client; who had really given before comes first, as a suspect."""
    report = account_decoys(LINES, DECOYS)

    assert report.decoys == 3
    assert [(its.client, its.decoys, its.receipts) for its in report.clients] == [
        ("203.0.113.2", 1, 1),
        ("203.0.113.3", 2, 1),
    ]
    assert [(its.client, its.gave_at) for its in report.suspects] == [("203.0.113.2", 3.0)]


def test_a_window_is_found_in_a_long_log(tmp_path: Path) -> None:
    """From a moment on, exactly the records since then are read, wherever in a long log they begin."""
    file = tmp_path / "log"
    file.write_bytes(b"".join(line(number, "203.0.113.1") for number in range(5000)))
    log = AccessLog(file)

    for since in (0, 1, 2500, 4999, 5000):
        assert times(log.lines(since)) == list(range(since, 5000))
    assert times(AccessLog(tmp_path / "none").lines(0)) == []


def times(lines: Iterable[bytes]) -> list[float]:
    """Return the times of records."""
    records = (parse_record(each) for each in lines)
    return [record.time for record in records if record]
