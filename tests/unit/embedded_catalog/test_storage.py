"""The directory, and the bells of those who wait."""

from pathlib import Path

import pytest

from handshake.core.errors import RefusedError
from handshake.drivers.embedded_catalog.blocking import Watchers
from handshake.drivers.embedded_catalog.index import Topic
from handshake.drivers.embedded_catalog.kv import key_topic, tree_topic
from handshake.drivers.embedded_catalog.storage import Storage
from tests.support.clock import FakeClock


def test_a_directory_has_one_catalogue(tmp_path: Path) -> None:
    """A second catalogue over the same directory is refused until the first lets go."""
    first = Storage(tmp_path)
    with pytest.raises(RefusedError, match="in use"):
        Storage(tmp_path)
    first.close()
    Storage(tmp_path).close()


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    """A file that a later release wrote is not touched."""
    storage = Storage(tmp_path)
    storage.writer.execute("PRAGMA user_version = 99")
    storage.close()
    with pytest.raises(RefusedError, match="format 99"):
        Storage(tmp_path)


def test_commits_are_on_disk_before_they_are_answered(tmp_path: Path) -> None:
    """The connection that writes waits for the disk at each commit, in write-ahead mode."""
    storage = Storage(tmp_path)
    (synchronous,) = storage.writer.execute("PRAGMA synchronous").fetchone()
    (mode,) = storage.writer.execute("PRAGMA journal_mode").fetchone()
    storage.close()
    assert (synchronous, mode) == (2, "wal")


@pytest.mark.parametrize(
    ("topic", "rings"),
    [
        (key_topic("a/b"), True),
        (tree_topic("a/"), True),
        (tree_topic(""), True),
        (key_topic("a"), False),
        (key_topic("a/b/c"), False),
        (tree_topic("a/b/"), False),
        (Topic(text="service/a/b"), False),
    ],
)
def test_a_change_rings_only_whom_it_concerns(topic: Topic, rings: bool) -> None:  # noqa: FBT001 -- a table's column
    """A changed key rings the bells of its watch and of the trees that it is in, and no other."""
    watchers = Watchers(FakeClock())
    with watchers.bell((Topic(text="other"), topic)) as bell:
        watchers.wake(["kv/a/b"])
        assert bell.rung.is_set() is rings


def test_closing_rings_everybody() -> None:
    """When the server stops, everybody who waits is woken."""
    watchers = Watchers(FakeClock())
    with watchers.bell((key_topic("a"),)) as bell:
        watchers.close()
        assert bell.rung.is_set()
    assert watchers.closed
