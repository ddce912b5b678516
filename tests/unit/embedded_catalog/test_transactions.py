"""Transactions: all operations or none."""

import pytest

from handshake.drivers.embedded_catalog import kv
from handshake.drivers.embedded_catalog.fields import RolledBackError
from handshake.drivers.embedded_catalog.index import last_index
from handshake.drivers.embedded_catalog.kv import KVDraft
from handshake.drivers.embedded_catalog.sessions import Behavior, SessionDraft, create_session
from handshake.drivers.embedded_catalog.transactions import Operation, TransactionResult, Verb, transact
from tests.unit.embedded_catalog.turns import Turns


def operation(verb: Verb, key: str, value: bytes = b"", *, index: int = 0, session: str = "") -> Operation:
    return Operation(verb=verb, draft=KVDraft(key=key, value=value, flags=0), index=index, session=session)


def run(turns: Turns, *operations: Operation) -> list[TransactionResult]:
    return turns.write(lambda change: transact(change, operations))


def keys(turns: Turns) -> list[str]:
    return turns.read(lambda db: kv.read_keys(db, "", ""))


def test_later_operations_see_earlier_ones(turns: Turns) -> None:
    """Within a transaction, a read sees what was written before it; only reads return values."""
    results = run(
        turns, operation(Verb.SET, "a", b"1"), operation(Verb.GET, "a"), operation(Verb.DELETE, "a")
    )
    assert [(result.entry.value, result.shows_value) for result in results] == [(b"1", False), (b"1", True)]
    assert keys(turns) == []


def test_one_failure_undoes_everything(turns: Turns) -> None:
    """A transaction with a failed operation applies none, takes no index, and names every failure."""
    run(turns, operation(Verb.SET, "a", b"1"))
    before = turns.read(last_index)
    with pytest.raises(RolledBackError) as caught:
        run(
            turns,
            operation(Verb.SET, "b"),
            operation(Verb.CAS, "a", b"2", index=before + 1),
            operation(Verb.DELETE, "a"),
            operation(Verb.GET, "missing"),
        )
    assert sorted(caught.value.failures) == [1, 3]
    assert keys(turns) == ["a"]
    assert turns.read(last_index) == before


@pytest.mark.parametrize(
    ("failing", "words"),
    [
        (operation(Verb.CAS, "a", index=0), "index is stale"),
        (operation(Verb.CAS, "missing", index=7), "index is stale"),
        (operation(Verb.LOCK, "a", session="nobody"), "invalid session"),
        (operation(Verb.UNLOCK, "a", session="nobody"), "isn't held"),
        (operation(Verb.UNLOCK, "a"), "missing session"),
        (operation(Verb.GET, "missing"), "doesn't exist"),
        (operation(Verb.CHECK_INDEX, "a", index=99), "current modify index"),
        (operation(Verb.CHECK_INDEX, "missing", index=1), "doesn't exist"),
        (operation(Verb.CHECK_SESSION, "a", session="nobody"), "current session"),
        (operation(Verb.CHECK_NOT_EXISTS, "a"), "exists"),
        (operation(Verb.DELETE_CAS, "a", index=99), "index is stale"),
    ],
)
def test_each_verb_can_fail(turns: Turns, failing: Operation, words: str) -> None:
    """Each verb that has a condition rolls back when it does not hold, and says why."""
    run(turns, operation(Verb.SET, "a", b"1"))
    with pytest.raises(RolledBackError, match=words):
        run(turns, operation(Verb.SET, "b"), failing)
    assert keys(turns) == ["a"]


def test_conditions_that_hold(turns: Turns) -> None:
    """Conditions that hold let the writes beside them through."""
    present = run(turns, operation(Verb.SET, "a", b"1"))[0].entry.modify_index
    results = run(
        turns,
        operation(Verb.CHECK_INDEX, "a", index=present),
        operation(Verb.CHECK_NOT_EXISTS, "b"),
        operation(Verb.CAS, "b", b"2", index=0),
        operation(Verb.DELETE_CAS, "a", index=present),
    )
    assert [result.entry.key for result in results] == ["a", "b"]
    assert keys(turns) == ["b"]


def test_trees(turns: Turns) -> None:
    """A tree is read as several results and deleted as a whole; an empty one fails neither."""
    run(turns, *(operation(Verb.SET, f"t/{n}") for n in range(3)), operation(Verb.SET, "u"))
    assert len(run(turns, operation(Verb.GET_TREE, "t/"), operation(Verb.GET_TREE, "none"))) == 3
    run(turns, operation(Verb.DELETE_TREE, "t/"), operation(Verb.DELETE_TREE, "none"))
    assert keys(turns) == ["u"]


def test_a_lock_inside_a_transaction(turns: Turns) -> None:
    """Taking a lock, writing under it and giving it up works in one transaction; a second holder is refused."""
    draft = SessionDraft(name="", behavior=Behavior.RELEASE, ttl="", lock_delay=0, checks=())
    first, second = (turns.write(lambda change: create_session(change, draft)).id for _ in range(2))
    run(turns, operation(Verb.LOCK, "a", session=first), operation(Verb.CHECK_SESSION, "a", session=first))
    with pytest.raises(RolledBackError, match="already held"):
        run(turns, operation(Verb.LOCK, "a", session=second))
    run(turns, operation(Verb.UNLOCK, "a", session=first), operation(Verb.LOCK, "a", session=second))
