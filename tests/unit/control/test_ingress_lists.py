"""What an ingress says that it holds of a list is read back, whatever happened to it meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from handshake.edge.ingress.runtime_maps import IngressMaps
from tests.unit.control.listed import NOW, Node
from tests.unit.control.places import Temper, ToldIngress

WALL = "list-wall.map"
SEED = {"192.0.2.0/24": "253402300799"}
BANNED = {**SEED, "203.0.113.7": str(int(NOW) + 60)}


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """A node that follows a wall with one ban."""
    node = Node(folder=tmp_path)
    node.ban("203.0.113.7")
    return node


def test_a_ingress_is_brought_to_the_file(node: Node) -> None:
    """An ingress with empty maps is given everything, and says how much it holds."""
    ingress = ToldIngress(temper=Temper.DOES)
    moved = IngressMaps(ingress).follow_list(node.follow()["wall"])

    assert ingress.maps[WALL] == BANNED
    assert (moved.proof, moved.revision) == ("list-wall.map holds 2 entries", 1)


def test_a_ingress_that_swallows_has_no_proof(node: Node) -> None:
    """Of an ingress that says yes and does nothing, nothing is believed."""
    assert IngressMaps(ToldIngress(temper=Temper.SWALLOWS)).follow_list(node.follow()["wall"]).proof == ""


def test_a_ban_more_does_not_ask_for_everything(node: Node) -> None:
    """Once a map is known, a change is sent and looked up alone: nobody asks for a million entries."""
    ingress = ToldIngress(temper=Temper.DOES)
    maps = IngressMaps(ingress)
    maps.follow_list(node.follow()["wall"])
    node.ban("203.0.113.8")
    ingress.is_shown = False

    assert maps.follow_list(node.follow()["wall"]).proof == "list-wall.map holds 3 entries"


def test_a_change_that_did_not_stick_is_mended(node: Node) -> None:
    """Where the program shows something else than what was sent, everything is compared and mended."""
    ingress = ToldIngress(temper=Temper.DOES)
    maps = IngressMaps(ingress)
    maps.follow_list(node.follow()["wall"])
    ingress.maps[WALL]["198.51.100.1"] = "1"
    ingress.forgets_next = True
    node.ban("203.0.113.8")

    maps.follow_list(node.follow()["wall"])
    assert set(ingress.maps[WALL]) == {*BANNED, "203.0.113.8"}


def test_another_worker_is_compared_whole(node: Node) -> None:
    """A worker that the supervisor started may have read the file a moment too early: all of it is compared."""
    ingress = ToldIngress(temper=Temper.DOES)
    maps = IngressMaps(ingress)
    maps.follow_list(node.follow()["wall"])
    ingress.maps[WALL] = {**SEED, "203.0.113.7": "1"}
    maps.distrust(has_read_files=False)

    assert maps.follow_list(node.follow()["wall"]).is_changed
    assert ingress.maps[WALL] == BANNED


@dataclass(kw_only=True)
class TwofoldIngress(ToldIngress):
    """An ingress that loaded a file with two lines for one key, and counts both."""

    more: int = 1

    def count(self, name: str) -> int:
        """Return how many entries a map has."""
        return super().count(name) + self.more

    def replace_map(self, name: str, entries: Iterable[tuple[str, str]]) -> None:
        """Replace a whole map."""
        super().replace_map(name, entries)
        self.more = 0


def test_a_ingress_that_holds_a_key_twice_is_given_everything(node: Node) -> None:
    """The map shows what it shall and holds one entry too many: it is replaced, and then acknowledged."""
    ingress = TwofoldIngress(temper=Temper.DOES, maps={WALL: dict(BANNED)})

    node.follow()
    moved = IngressMaps(ingress).follow_list(node.follow()["wall"])

    assert moved.proof == "list-wall.map holds 2 entries"
