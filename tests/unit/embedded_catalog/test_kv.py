"""Keys and values, and their three indexes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handshake.drivers.embedded_catalog import kv
from handshake.drivers.embedded_catalog.fields import UNSIGNED_64
from handshake.drivers.embedded_catalog.index import last_index
from handshake.drivers.embedded_catalog.kv import KVDraft, KVEntry
from handshake.drivers.embedded_catalog.storage import prefix_bounds
from tests.unit.embedded_catalog.turns import Turns


def put(turns: Turns, key: str, value: bytes = b"1", flags: int = 0) -> KVEntry:
    return turns.write(lambda change: kv.put(change, KVDraft(key=key, value=value, flags=flags)))


def check_and_set(turns: Turns, key: str, value: bytes, expected: int) -> KVEntry | None:
    return turns.write(
        lambda change: kv.check_and_set(change, KVDraft(key=key, value=value, flags=0), expected)
    )


def read(turns: Turns, key: str) -> KVEntry | None:
    return turns.read(lambda db: kv.read_entry(db, key))


def test_modify_index_grows_and_create_index_stays(turns: Turns) -> None:
    """A second value has a later modify index and the first one's create index."""
    first, second = put(turns, "a", b"1"), put(turns, "a", b"2")
    assert second.create_index == first.create_index == first.modify_index < second.modify_index
    assert read(turns, "a") == second


def test_same_content_takes_no_index(turns: Turns) -> None:
    """Writing what already stands there changes neither the entry nor the index."""
    first = put(turns, "a")
    assert put(turns, "a") == first
    assert turns.read(last_index) == first.modify_index


def test_flags_alone_are_a_change(turns: Turns) -> None:
    """Other flags with the same value are another entry, up to the largest unsigned number."""
    first = put(turns, "a")
    second = put(turns, "a", flags=UNSIGNED_64)
    assert second.flags == UNSIGNED_64
    assert second.modify_index > first.modify_index


def test_cas_zero_creates_once(turns: Turns) -> None:
    """Check-and-set with 0 writes only where nothing stands."""
    assert check_and_set(turns, "a", b"1", 0) is not None
    assert check_and_set(turns, "a", b"2", 0) is None
    assert getattr(read(turns, "a"), "value", None) == b"1"


def test_cas_needs_the_present_index(turns: Turns) -> None:
    """Check-and-set with a stale index, or on a key that is gone, writes nothing."""
    stale = put(turns, "a", b"1").modify_index
    present = put(turns, "a", b"2").modify_index
    assert check_and_set(turns, "a", b"3", stale) is None
    assert check_and_set(turns, "gone", b"3", present) is None
    assert check_and_set(turns, "a", b"3", present) is not None


def test_delete_cas(turns: Turns) -> None:
    """Check-and-delete needs the present index; a key that is not there counts as deleted."""
    present = put(turns, "a").modify_index
    assert not turns.write(lambda change: kv.check_and_delete(change, "a", present - 1))
    assert not turns.write(lambda change: kv.check_and_delete(change, "a", 0))
    assert turns.write(lambda change: kv.check_and_delete(change, "a", present))
    assert turns.write(lambda change: kv.check_and_delete(change, "a", present))
    assert read(turns, "a") is None


def test_delete_tree_takes_only_the_prefix(turns: Turns) -> None:
    """A recursive delete removes every key that starts with the prefix and no other."""
    for key in ["a", "a/", "a/b", "a/b/c", "a0", "b"]:
        put(turns, key)
    turns.write(lambda change: kv.delete_tree(change, "a/"))
    assert turns.read(lambda db: kv.read_keys(db, "", "")) == ["a", "a0", "b"]


def test_keys_are_cut_at_the_separator(turns: Turns) -> None:
    """A listing with a separator shows each branch below the prefix once."""
    for key in ["x/a", "x/b/1", "x/b/2", "x/c/", "y"]:
        put(turns, key)
    assert turns.read(lambda db: kv.read_keys(db, "x/", "/")) == ["x/a", "x/b/", "x/c/"]
    assert turns.read(lambda db: kv.read_keys(db, "", "/")) == ["x/", "y"]


@pytest.mark.parametrize("prefix", ["", "a", "a/", "a\ud7ff", "\U0010ffff", "a\U0010ffff", "ä", "a\0"])
def test_a_prefix_finds_exactly_its_keys(turns: Turns, prefix: str) -> None:
    """Whatever characters a prefix ends with, it finds every key that starts with it and no other."""
    keys = [
        "a",
        "a/",
        "a/b",
        "a\0",
        "a\ud7ff",
        "a\ue000",
        "b",
        "ä",
        "äx",
        "\U0010ffff",
        "\U0010ffffa",
        "a\U0010ffff1",
    ]
    for key in keys:
        put(turns, key)
    found = {entry.key for entry in turns.read(lambda db: kv.read_tree(db, prefix))}
    assert found == {key for key in keys if key.startswith(prefix)}


@given(prefix=st.text(), other=st.text())
def test_prefix_bounds_agree_with_startswith(prefix: str, other: str) -> None:
    """The bounds of a prefix hold a text exactly when the text starts with it, in the order of UTF-8 bytes."""
    low, high = prefix_bounds(prefix)
    for text in [other, prefix + other]:
        is_below = isinstance(high, bytes) or text.encode() < high.encode()
        assert (low.encode() <= text.encode() and is_below) == text.startswith(prefix)
