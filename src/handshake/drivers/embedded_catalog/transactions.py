"""Transactions: up to 128 operations on keys, applied together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from handshake.drivers.embedded_catalog import kv, locks
from handshake.drivers.embedded_catalog.fields import RefusalError, RolledBackError
from handshake.drivers.embedded_catalog.kv import KVDraft, KVEntry
from handshake.drivers.embedded_catalog.writer import Change


class Verb(Enum):
    """What an operation does."""

    SET = "set"
    CAS = "cas"
    LOCK = "lock"
    UNLOCK = "unlock"
    GET = "get"
    GET_TREE = "get-tree"
    CHECK_INDEX = "check-index"
    CHECK_SESSION = "check-session"
    CHECK_NOT_EXISTS = "check-not-exists"
    DELETE = "delete"
    DELETE_TREE = "delete-tree"
    DELETE_CAS = "delete-cas"


READS = {Verb.GET, Verb.GET_TREE, Verb.CHECK_INDEX, Verb.CHECK_SESSION, Verb.CHECK_NOT_EXISTS}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation; what its verb has no use for is ignored."""

    verb: Verb
    draft: KVDraft
    index: int
    session: str


@dataclass(frozen=True, kw_only=True)
class TransactionResult:
    """An entry that an operation returns; only reads show its value."""

    entry: KVEntry
    shows_value: bool


class _FailedError(RefusalError):
    """An operation that cannot be done."""


def transact(change: Change, operations: Sequence[Operation]) -> list[TransactionResult]:
    """Apply the operations in order; when any fail, raise with all their failures, so that nothing is applied."""
    results: list[TransactionResult] = []
    failures: dict[int, str] = {}
    for position, operation in enumerate(operations):
        try:
            entries = _ACTIONS[operation.verb](change, operation)
        except RefusalError as refusal:
            failures[position] = refusal.sentence
            continue
        shows_value = operation.verb in {Verb.GET, Verb.GET_TREE}
        results += [TransactionResult(entry=entry, shows_value=shows_value) for entry in entries]
    if failures:
        raise RolledBackError(failures)
    return results


def _set(change: Change, operation: Operation) -> list[KVEntry]:
    return [kv.put(change, operation.draft)]


def _cas(change: Change, operation: Operation) -> list[KVEntry]:
    entry = kv.check_and_set(change, operation.draft, operation.index)
    if entry is None:
        raise _FailedError(f'failed to set key "{operation.draft.key}", index is stale')
    return [entry]


def _lock(change: Change, operation: Operation) -> list[KVEntry]:
    key = operation.draft.key
    if locks.is_delayed(change, key):
        raise _FailedError(f'failed to lock key "{key}", its lock-delay has not passed')
    entry = locks.acquire(change, operation.draft, operation.session)
    if entry is None:
        raise _FailedError(f'failed to lock key "{key}", lock is already held')
    return [entry]


def _unlock(change: Change, operation: Operation) -> list[KVEntry]:
    entry = locks.release(change, operation.draft, operation.session)
    if entry is None:
        raise _FailedError(
            f'failed to unlock key "{operation.draft.key}", lock isn\'t held, or is held by another session'
        )
    return [entry]


def _get(change: Change, operation: Operation) -> list[KVEntry]:
    return [_existing(change, operation)]


def _get_tree(change: Change, operation: Operation) -> list[KVEntry]:
    return kv.read_tree(change.db, operation.draft.key)


def _check_index(change: Change, operation: Operation) -> list[KVEntry]:
    entry = _existing(change, operation)
    if entry.modify_index != operation.index:
        raise _FailedError(
            f'failed index check for key "{entry.key}", current modify index {entry.modify_index} != {operation.index}'
        )
    return [entry]


def _check_session(change: Change, operation: Operation) -> list[KVEntry]:
    entry = _existing(change, operation)
    if entry.session != operation.session:
        raise _FailedError(
            f'failed session check for key "{entry.key}", current session "{entry.session}" != "{operation.session}"'
        )
    return [entry]


def _check_not_exists(change: Change, operation: Operation) -> list[KVEntry]:
    if kv.read_entry(change.db, operation.draft.key):
        raise _FailedError(f'key "{operation.draft.key}" exists')
    return []


def _delete(change: Change, operation: Operation) -> list[KVEntry]:
    kv.delete(change, operation.draft.key)
    return []


def _delete_tree(change: Change, operation: Operation) -> list[KVEntry]:
    kv.delete_tree(change, operation.draft.key)
    return []


def _delete_cas(change: Change, operation: Operation) -> list[KVEntry]:
    if not kv.check_and_delete(change, operation.draft.key, operation.index):
        raise _FailedError(f'failed to delete key "{operation.draft.key}", index is stale')
    return []


def _existing(change: Change, operation: Operation) -> KVEntry:
    entry = kv.read_entry(change.db, operation.draft.key)
    if entry is None:
        raise _FailedError(f'key "{operation.draft.key}" doesn\'t exist')
    return entry


_ACTIONS: dict[Verb, Callable[[Change, Operation], list[KVEntry]]] = {
    Verb.SET: _set,
    Verb.CAS: _cas,
    Verb.LOCK: _lock,
    Verb.UNLOCK: _unlock,
    Verb.GET: _get,
    Verb.GET_TREE: _get_tree,
    Verb.CHECK_INDEX: _check_index,
    Verb.CHECK_SESSION: _check_session,
    Verb.CHECK_NOT_EXISTS: _check_not_exists,
    Verb.DELETE: _delete,
    Verb.DELETE_TREE: _delete_tree,
    Verb.DELETE_CAS: _delete_cas,
}
