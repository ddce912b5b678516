"""Lists are heads, deltas and snapshots; what they come to stands in the map file before anybody says so."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from handshake.catalog.entries import Delete, Write
from handshake.catalog.keys import LIST_DELTAS, LISTS, SWITCHES, list_delta_key
from handshake.core.errors import RefusedError, UnavailableError
from handshake.edge.ingress.compile.maps import text_key
from handshake.edge.ingress.runtime_maps import wanted_switches
from handshake.edge.lists.changes import FOREVER
from handshake.edge.lists.lists import MOST_DELTAS
from handshake.edge.lists.switches import Switches
from tests.unit.control.listed import NOW, POLICY, Node, read_policy

MANY = [f"10.{number // 65536}.{number // 256 % 256}.{number % 256}" for number in range(3000)]


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """A node that follows two lists."""
    return Node(folder=tmp_path)


class TestBan:
    def test_reaches_the_map_file_with_its_end(self, node: Node) -> None:
        """A banned address stands in the map beside the policy's own entries; its value is the end of its lease."""
        assert node.ban("203.0.113.7") == 1

        followed = node.follow()["wall"]
        assert node.map_of() == {"192.0.2.0/24": int(FOREVER), "203.0.113.7": int(NOW) + 60}
        assert (followed.revision, followed.file.count) == (1, 2)

    def test_changes_one_line(self, node: Node) -> None:
        """One ban more is one change, and not the whole file again."""
        node.ban("203.0.113.7")
        node.follow()
        node.ban("203.0.113.8")

        followed = node.follow()["wall"]
        assert [change.key for change in followed.changes] == ["203.0.113.8"]
        assert not followed.is_whole

    def test_ends_by_itself(self, node: Node) -> None:
        """After its end a ban is gone from the file, without anybody doing anything."""
        node.ban("203.0.113.7")
        node.follow()
        node.clock.sleep(61)

        assert node.banned() == {}

    def test_the_last_word_counts(self, node: Node) -> None:
        """An address that was let in again is not listed; banned once more it is, and an ingress believes only one line."""
        node.ban("203.0.113.7")
        node.follow()
        node.lists.remove("wall", "203.0.113.7", author="bob", reason="mistake")
        assert node.banned() == {}

        node.ban("203.0.113.7", seconds=90)
        node.follow()
        node.ban("203.0.113.7", seconds=30)
        assert node.banned() == {"203.0.113.7": int(NOW) + 30}

    def test_a_removed_entry_of_the_policy_is_not_listed(self, node: Node) -> None:
        """What the policy names can be let in without a release."""
        node.follow()
        node.lists.remove("wall", "192.0.2.0/24", author="bob", reason="mistake")
        node.follow()

        assert node.map_of() == {}

    def test_texts_are_listed_whole(self, node: Node) -> None:
        """A user agent with blanks stands in the map under a key without any."""
        node.lists.add("agents", "evil bot/1.0 (x)", seconds=None, author="ann", reason="bot")
        node.follow()

        assert node.map_of("agents") == {text_key("evil bot/1.0 (x)"): int(FOREVER)}


class TestEscalation:
    def test_each_time_is_longer(self, node: Node) -> None:
        """Without a time of its own an entry stays ten minutes, an hour, a day, a week, and a week again."""
        seconds = []
        for _ in range(5):
            said = node.lists.add_longer("wall", "203.0.113.7", author="ann", reason="bot")
            seconds.append(said.words[0].until - node.clock.now())
            node.clock.sleep(seconds[-1] + 1)

        assert seconds == [600, 3600, 86_400, 604_800, 604_800]

    def test_strikes_outlive_a_removal_and_a_compaction(self, node: Node) -> None:
        """Who was let in again and comes back is remembered, in the snapshot too."""
        node.lists.add_longer("wall", "203.0.113.7", author="ann", reason="bot")
        node.lists.remove("wall", "203.0.113.7", author="ann", reason="sorry")
        compact(node)

        said = node.lists.add_longer("wall", "203.0.113.7", author="ann", reason="again")
        assert said.words[0].until - node.clock.now() == 3600


class TestUndo:
    def test_takes_back_a_ban_with_its_strike(self, node: Node) -> None:
        """An undone ban never was; undone again, it is back with its end."""
        node.ban("203.0.113.7")
        node.lists.undo("wall", author="bob")
        assert node.banned() == {}
        standing = node.lists.find("wall", "203.0.113.7")
        assert standing is not None
        assert standing.word.strikes == 0

        node.lists.undo("wall", author="bob")
        assert node.banned() == {"203.0.113.7": int(NOW) + 60}

    def test_takes_back_an_import(self, node: Node) -> None:
        """An undone import leaves what was listed before it, and nothing else."""
        node.ban("203.0.113.7")
        node.lists.add_all("wall", MANY, seconds=None, author="ann", reason="feed")
        assert len(node.banned()) == 3001

        node.lists.undo("wall", author="bob")
        assert list(node.banned()) == ["203.0.113.7"]

    def test_of_nothing_is_refused(self, node: Node) -> None:
        """There is nothing to take back from a list that nobody ever changed."""
        with pytest.raises(RefusedError, match="never changed"):
            node.lists.undo("wall", author="ann")


class TestImport:
    def test_a_large_file_is_no_key_of_the_catalogue(self, node: Node) -> None:
        """Thousands of entries lie in a snapshot in every region; the catalogue has a head and one small delta."""
        node.lists.add_all("wall", MANY, seconds=None, author="ann", reason="feed")

        assert len(node.banned()) == 3000
        entries = (*node.catalog.read(LISTS).entries, *node.catalog.read(LIST_DELTAS).entries)
        assert sum(len(entry.value) for entry in entries) < 1000

    def test_a_ban_on_top_is_one_line(self, node: Node) -> None:
        """With a large list under it, one ban is one delta and one change."""
        node.lists.add_all("wall", MANY, seconds=None, author="ann", reason="feed")
        node.follow()
        node.ban("203.0.113.7")

        followed = node.follow()["wall"]
        assert [change.key for change in followed.changes] == ["203.0.113.7"]
        assert followed.file.count == 3002

    def test_a_region_that_is_gone_leaves_the_last_verdict(self, node: Node) -> None:
        """While no region has the snapshot, the file keeps what was there, and the list is not acknowledged."""
        node.ban("203.0.113.7")
        node.follow()
        node.lists.add_all("wall", MANY, seconds=None, author="ann", reason="feed")
        for region in ("east", "west"):
            (node.folder / region).rename(node.folder / f"{region}-gone")

        with pytest.raises(UnavailableError):
            node.follow()
        assert "203.0.113.7" in node.map_of()


class TestCompaction:
    def test_leaves_few_keys_and_the_same_list(self, node: Node) -> None:
        """Many bans become one snapshot: the catalogue holds a head, the list and its history are what they were."""
        for number in range(MOST_DELTAS + 1):
            node.ban(f"203.0.113.{number % 200}")
        before = node.banned()
        assert node.compaction.compact("wall", frozenset())

        assert len(node.catalog.read(LIST_DELTAS).entries) == 0
        assert node.banned() == before
        assert [delta.revision for delta in node.lists.history("wall", 3)] == [257, 256, 255]

    def test_moves_nothing_at_a_ingress_that_is_up_to_date(self, node: Node) -> None:
        """A node that has followed every delta does not load the snapshot that they became."""
        node.ban("203.0.113.7")
        node.follow()
        compact(node)

        followed = node.follow()["wall"]
        assert not followed.is_whole
        assert followed.revision == MOST_DELTAS + 1

    def test_keeps_what_takes_an_entry_of_the_policy_off(self, node: Node) -> None:
        """However long ago, an entry of the policy that was let in stays so."""
        node.lists.remove("wall", "192.0.2.0/24", author="bob", reason="mistake")
        node.clock.sleep(400 * 86_400)
        compact(node, seeds=frozenset({"192.0.2.0/24"}))
        node.follow()

        assert "192.0.2.0/24" not in node.map_of()


class TestAgent:
    def test_a_new_one_goes_on_where_the_last_one_stopped(self, node: Node) -> None:
        """The file says which revision it holds: a new agent adds what is missing, and reads nothing anew."""
        node.ban("203.0.113.7")
        node.follow()
        node.restart_agent()
        node.ban("203.0.113.8")

        followed = node.follow()["wall"]
        assert not followed.is_whole
        assert [change.key for change in followed.changes] == ["203.0.113.8"]

    def test_a_line_that_was_cut_short_is_written_again(self, node: Node) -> None:
        """An agent that was killed while it wrote leaves half a line, which nobody ever acknowledged."""
        node.ban("203.0.113.7")
        node.follow()
        with (node.folder / "maps" / "list-wall.map").open("a") as file:
            file.write("203.0.113.8 10")
        node.restart_agent()
        node.ban("203.0.113.8")

        assert node.banned() == {"203.0.113.7": int(NOW) + 60, "203.0.113.8": int(NOW) + 60}

    def test_another_policy_brings_its_own_entries(self, node: Node) -> None:
        """A policy release changes its own entries and leaves what verbs said."""
        node.ban("203.0.113.7")
        node.follow()
        node.policy = read_policy(POLICY.replace("192.0.2.0/24", "192.0.3.0/24"))
        node.follow()

        assert node.map_of() == {"192.0.3.0/24": int(FOREVER), "203.0.113.7": int(NOW) + 60}


class TestSwitches:
    def test_are_in_the_map_while_they_are_on(self, node: Node) -> None:
        """The switches' map holds what is on: by the policy's default where nobody set it."""
        wanted = wanted_switches(node.policy, node.catalog.read(SWITCHES), NOW)

        assert dict(wanted.entries) == {"open": str(int(FOREVER))}

    def test_one_that_is_off_for_a_time_comes_back_at_the_ingress(self, node: Node) -> None:
        """The map says when a switch is on again, so that nobody needs to be there then."""
        Switches(node.catalog, node.clock).set(
            "open", is_on=False, default=True, owner="ann", reason="attack", seconds=60
        )
        wanted = wanted_switches(node.policy, node.catalog.read(SWITCHES), NOW)

        assert dict(wanted.entries) == {"open.from": str(int(NOW) + 60)}


def compact(node: Node, *, seeds: frozenset[str] = frozenset()) -> None:
    """Ban somebody else until there is something to compact, and compact it."""
    while node.lists.head("wall").revision <= MOST_DELTAS:
        node.ban("203.0.113.250")
        node.follow()
    assert node.compaction.compact("wall", seeds)


class TestCrash:
    """What an agent that was killed left in the map file is mended by the next one."""

    def test_two_lines_for_one_key(self, node: Node) -> None:
        """The new line was written and the old one not yet taken out: the new one alone is left, and the ingress can agree."""
        node.ban("203.0.113.7")
        node.follow()
        node.ban("203.0.113.7", seconds=90)
        append(node, f"203.0.113.7 {int(NOW) + 90}\n")
        node.restart_agent()

        followed = node.follow()["wall"]
        assert lines(node, "203.0.113.7") == [f"203.0.113.7 {int(NOW) + 90}"]
        assert (followed.revision, followed.file.count, followed.is_whole) == (2, 2, False)

    def test_two_lines_that_a_former_agent_overlooked(self, node: Node) -> None:
        """Nothing has to change in a list for its file to be mended; without a second line the ban ends as it should."""
        node.ban("203.0.113.7")
        node.follow()
        append(node, f"203.0.113.7 {int(NOW) + 60}\n")
        node.restart_agent()
        assert node.follow()["wall"].file.count == 2

        node.lists.remove("wall", "203.0.113.7", author="bob", reason="mistake")
        assert node.banned() == {}

    @pytest.mark.parametrize("torn", ["203.0.1", "203.0.113.8 ", "203.0.113.8 10000", "x" * 5000])
    def test_a_torn_last_line(self, node: Node, torn: str) -> None:
        """A line without its end is taken off, however long, and the change that it began is made again."""
        node.ban("203.0.113.7")
        node.follow()
        node.ban("203.0.113.8")
        append(node, torn)
        node.restart_agent()

        assert node.banned() == dict.fromkeys(("203.0.113.7", "203.0.113.8"), int(NOW) + 60)
        assert "x" not in "".join(lines(node, ""))

    @pytest.mark.parametrize("broken", ["\0\0\0\0\n", "203.0.113.8\n", "203.0.113.8 soon\n", "\u00e9 1\n"])
    def test_a_line_that_is_none(self, node: Node, broken: str) -> None:
        """What a power failure made of a line may have been anything: the whole list is read anew."""
        node.ban("203.0.113.7")
        node.follow()
        append(node, broken)
        node.restart_agent()

        followed = node.follow()["wall"]
        assert (followed.is_whole, followed.file.count) == (True, 2)
        assert node.banned() == {"203.0.113.7": int(NOW) + 60}

    def test_a_full_disk_leaves_no_half_line(self, node: Node) -> None:
        """A line that does not fit is taken off again; once there is room, the list goes on where it was."""
        node.ban("203.0.113.7")
        node.follow()
        node.ban("203.0.113.8")
        with (
            room_for(wall(node).stat().st_size + 5),
            pytest.raises(UnavailableError, match="cannot be written"),
        ):
            node.follow()
        assert lines(node, "203.0.113.8") == []

        assert node.banned() == dict.fromkeys(("203.0.113.7", "203.0.113.8"), int(NOW) + 60)
        node.restart_agent()
        assert node.follow()["wall"].file.count == 3

    def test_an_end_that_could_not_be_written_is_not_forgotten(self, node: Node) -> None:
        """While a delta cannot be had, a lease that ends stays in the file, and leaves it afterwards."""
        node.ban("203.0.113.7")
        node.follow()
        node.clock.sleep(61)
        node.ban("203.0.113.8")
        delta = node.catalog.get(list_delta_key("wall", 2))
        assert delta is not None
        node.catalog.transact([Delete(key=delta.key)])
        with pytest.raises(UnavailableError):
            node.follow()
        node.catalog.transact([Write(key=delta.key, value=delta.value)])

        assert set(node.banned()) == {"203.0.113.8"}


def wall(node: Node) -> Path:
    """Return the wall's map file."""
    return node.folder / "maps" / "list-wall.map"


def lines(node: Node, key: str) -> list[str]:
    """Return the lines of a key."""
    return [line for line in wall(node).read_text().splitlines() if line.startswith(key)]


def append(node: Node, text: str) -> None:
    """Write what a writer that is killed now would leave behind."""
    with wall(node).open("a", encoding="utf-8") as file:
        file.write(text)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
