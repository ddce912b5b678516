"""Real ingresses judge by leases: what ends, ends by the ingress's own clock, and what comes back does so too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handshake.config.reader import parse_settings
from handshake.core.errors import UnavailableError
from handshake.edge.ingress.compile.maps import FOREVER, SWITCHES_MAP, name_return, text_key
from handshake.edge.lists.map_file import ListFile, MapFileMark
from handshake.edge.policy.policy import build_policy
from handshake.edge.policy.settings import EdgeSettings
from handshake.edge.simulate.access_log import LogRecord, parse_record
from tests.live.edges import Edge, run_edge
from tests.live.haproxies import wait_until

pytestmark = pytest.mark.live

POLICY = """
[switches.open]
description = "lets visitors in"
default = true
[lists.wall]
kind = "network"
[lists.agents]
kind = "text"
[[rule]]
name = "closed"
phase = "admit"
when = '!switch.open'
respond = { status = 451, body = "closed" }
[[rule]]
name = "the-wall"
phase = "admit"
when = 'client.ip in list.wall'
respond = { status = 403, body = "no" }
[[rule]]
name = "robots"
phase = "admit"
when = 'request.user_agent in list.agents'
respond = { status = 429, body = "no" }
"""
UNREAD = """
[lists.wall]
kind = "network"
[lists.agents]
kind = "text"
"""
ROBOT = 'Evil Bot/1.0 (+"http://example.org"; x)'


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    """An edge with a switch that is on, and two empty lists."""
    policy = build_policy(parse_settings(EdgeSettings, POLICY, shown_as="edge.toml"))
    with run_edge(policy, (), "") as running:
        yield running


def switches(edge: Edge) -> str:
    """Return the map of switches as the ingress knows it."""
    return str(edge.folder / "maps" / SWITCHES_MAP)


def test_a_switch_that_is_off_for_a_time_comes_back(edge: Edge) -> None:
    """The moment of a switch's return stands in the map: the ingress turns it on again with nobody there."""
    returns = int(time.time()) + 2
    edge.maps.replace(switches(edge), {name_return("open"): str(returns)})
    assert edge.ask("/").status == 451

    wait_until(lambda: edge.ask("/").status != 451)
    assert time.time() >= returns
    edge.maps.replace(switches(edge), {"open": str(FOREVER)})


def test_a_whole_text_is_listed(edge: Edge) -> None:
    """A user agent with blanks and quotes is met exactly, and others are not."""
    edge.maps.add(edge.map_name("agents"), text_key(ROBOT), str(FOREVER))

    assert edge.ask("/", headers={"User-Agent": ROBOT}).status == 429
    assert edge.ask("/", headers={"User-Agent": ROBOT[:-1]}).status != 429
    assert edge.ask("/").status != 429


def test_a_map_says_how_much_it_holds_and_by_what_it_judges(edge: Edge) -> None:
    """One entry is looked up, and the number of entries told, without showing the map."""
    wall = edge.map_name("wall")
    edge.maps.replace(wall, {"203.0.113.0/24": "2000000000", "203.0.113.7": "2000000001"})

    assert edge.maps.count(wall) == 2
    found = edge.maps.look_up(wall, "203.0.113.7")
    assert found is not None
    assert (found.key, found.value) == ("203.0.113.7", "2000000001")
    found = edge.maps.look_up(wall, "203.0.113.0/24")
    assert found is not None
    assert found.key == "203.0.113.0/24"
    assert edge.maps.look_up(wall, "192.0.2.1") is None


def test_a_ingress_loads_what_the_agent_wrote(edge: Edge) -> None:
    """A file with a mark, and with lines that became comments, gives an ingress exactly the leases that are left."""
    file = ListFile(Path(edge.map_name("wall")), "wall")
    file.rebuild(MapFileMark(base="-", revision=1), [("127.0.0.60", FOREVER), ("127.0.0.61", FOREVER)])
    file.apply({"127.0.0.60": 0, "127.0.0.62": FOREVER}, 2)
    file.apply({"127.0.0.62": int(time.time()) - 1}, 3)
    _reload(edge)

    assert edge.maps.count(edge.map_name("wall")) == file.count == 2
    asked = {last: edge.ask("/", source=f"127.0.0.{last}").status == 403 for last in (60, 61, 62)}
    assert asked == {60: False, 61: True, 62: False}


def test_a_ingress_that_loads_a_mended_file_has_each_key_once(edge: Edge) -> None:
    """Of two lines that a crash left for one key an ingress counts both and believes the first; mended, the last is left."""
    wall = Path(edge.map_name("wall"))
    ListFile(wall, "wall").rebuild(MapFileMark(base="-", revision=1), [("127.0.0.63", int(time.time()) - 1)])
    with wall.open("a") as file:
        file.write(f"127.0.0.63 {FOREVER}\n")
    seen = []
    for is_mended in (False, True):
        if is_mended:
            ListFile(wall, "wall")
        _reload(edge)
        status = edge.ask("/", source="127.0.0.63").status
        seen.append((edge.maps.count(str(wall)), status == 403))

    assert seen == [(2, False), (1, True)]


def test_a_list_that_no_rule_reads_has_a_map() -> None:
    """Bans may come before the rule that looks at them, and where a policy has no switch, there is their map."""
    policy = build_policy(parse_settings(EdgeSettings, UNREAD, shown_as="edge.toml"))
    with run_edge(policy, (), "") as edge:
        edge.maps.add(edge.map_name("wall"), "203.0.113.7", str(FOREVER))
        edge.maps.add(edge.map_name("agents"), text_key(ROBOT), str(FOREVER))
        counts = [edge.maps.count(name) for name in (edge.map_name("wall"), edge.map_name("agents"))]

        assert counts == [1, 1]
        assert edge.maps.count(switches(edge)) == 0


def test_the_log_names_who_sends_what_cannot_be_read(edge: Edge) -> None:
    """Each line is a record with its client: of a request that was read, and of one that HAProxy could not read."""
    edge.send_raw(b"no request\x01\r\n\r\n", source="127.0.9.1")
    edge.send_raw(b"GET /read HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", source="127.0.9.2")
    wait_until(lambda: len(_records(edge)) == 2)

    unread, read = sorted(_records(edge), key=lambda record: record.client)
    assert (unread.client, unread.method, unread.path, unread.status) == ("127.0.9.1", "-", "-", 400)
    assert (read.client, read.method, read.path) == ("127.0.9.2", "GET", "/read")
    assert (read.query, read.user_agent) == ("-", "-")


def _reload(edge: Edge) -> None:
    """Let another worker read the map files."""
    before = edge.ingress.runtime.info().process
    edge.ingress.master.reload()
    wait_until(lambda: edge.ingress.runtime.info().process != before and _has_master(edge))


def _has_master(edge: Edge) -> bool:
    """Return whether the master answers again: it starts anew with each reload."""
    try:
        return edge.ingress.master.workers().current == edge.ingress.runtime.info().process
    except UnavailableError:
        return False


def _records(edge: Edge) -> list[LogRecord]:
    records = (parse_record(line) for line in edge.ingress.log.read_bytes().splitlines())
    return [record for record in records if record and record.client.startswith("127.0.9.")]
