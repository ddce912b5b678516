"""What a watch sees: an index that moves exactly when its topic changes, and never back."""

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handshake.drivers.embedded_catalog import index, kv
from handshake.drivers.embedded_catalog.index import Topic
from handshake.drivers.embedded_catalog.kv import KVDraft, key_topic, tree_topic
from handshake.drivers.embedded_catalog.writer import Change
from tests.unit.embedded_catalog.turns import Turns

KEYS = ["a", "a/1", "a/2", "b/1"]
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["put", "delete", "delete-tree", "reap"]),
        st.sampled_from(KEYS),
        st.sampled_from("xy"),
    )
)
WATCHES = [*(key_topic(key) for key in KEYS), tree_topic("a"), tree_topic("a/"), tree_topic("")]


def act(change: Change, verb: str, key: str, value: str) -> None:
    if verb == "put":
        kv.put(change, KVDraft(key=key, value=value.encode(), flags=0))
    elif verb == "delete":
        kv.delete(change, key)
    elif verb == "delete-tree":
        kv.delete_tree(change, key)
    else:
        index.reap(change.db, keep=2)


def seen(turns: Turns, watch: Topic) -> list[kv.KVEntry]:
    entries = turns.read(lambda db: kv.read_tree(db, ""))
    return [entry for entry in entries if watch.covers(key_topic(entry.key).text)]


@settings(max_examples=60, deadline=None)
@given(actions=ACTIONS)
def test_an_index_moves_with_its_content_and_never_back(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, str, str]]
) -> None:
    """After any history, a changed key or tree has a later index, and no index is ever lower than before."""
    turns = Turns(tmp_path_factory.mktemp("data"))
    for verb, key, value in actions:
        before = [(turns.index(watch), seen(turns, watch)) for watch in WATCHES]
        turns.write(partial(act, verb=verb, key=key, value=value))
        for watch, (old_index, old_content) in zip(WATCHES, before, strict=True):
            new_index, changed = turns.index(watch), seen(turns, watch) != old_content
            assert new_index >= old_index
            if verb != "reap":
                assert (new_index > old_index) == changed
    turns.close()


def test_the_index_is_never_zero(turns: Turns) -> None:
    """A watch of something that never was starts at 1, because 0 means not to wait."""
    assert turns.index(key_topic("never")) == 1


def test_an_existing_key_has_its_own_index(turns: Turns) -> None:
    """The index of a key is its modify index, whatever else has changed since."""
    entry = turns.write(lambda change: kv.put(change, KVDraft(key="a", value=b"", flags=0)))
    turns.write(lambda change: kv.put(change, KVDraft(key="b", value=b"", flags=0)))
    assert turns.index(key_topic("a")) == entry.modify_index


def test_a_change_of_several_keys_has_one_index(turns: Turns) -> None:
    """Everything in one change carries the same index."""

    def write(change: Change) -> list[kv.KVEntry]:
        return [kv.put(change, KVDraft(key=key, value=b"", flags=0)) for key in KEYS]

    assert len({entry.modify_index for entry in turns.write(write)}) == 1


def test_reaping_keeps_the_newest(turns: Turns) -> None:
    """Reaping forgets the older half of what is gone, and what it forgets has the floor's index."""
    for key in KEYS:
        turns.write(partial(kv.put, draft=KVDraft(key=key, value=b"", flags=0)))
    for key in KEYS:
        turns.write(partial(kv.delete, key=key))
    before = [turns.index(key_topic(key)) for key in KEYS]
    turns.write(lambda change: index.reap(change.db, keep=2))
    after = [turns.index(key_topic(key)) for key in KEYS]
    assert after == [before[2], before[2], before[2], before[3]]
