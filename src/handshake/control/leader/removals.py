"""Removed nodes: what they ran is taken off the books, so that the engine replaces it elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handshake.catalog.catalog import Catalog
from handshake.catalog.entry import Delete, Held
from handshake.catalog.keys import ASSIGNMENTS, assignment_key, instance_key
from handshake.control.journal import journal_write
from handshake.control.leader.steps import LEADER_NAME
from handshake.core.outcome import Outcome

_AT_ONCE = 30
"""Instances in one transaction of 64 operations: two keys each, and room for fence and journal."""


def clear_node(catalog: Catalog, node: str, *, fence: Held, now: float) -> Outcome:
    """Forget what a removed node was assigned and reported; the routers forget its members first."""
    prefix = f"{ASSIGNMENTS}{node}/"
    instances = [entry.key.removeprefix(prefix) for entry in catalog.read(prefix).entries]
    if not instances:
        return Outcome(sentence=f"{node} is removed", changed=False)
    for instance in instances:
        catalog.deregister(instance)
    sentence = f"took {', '.join(instances)} of the removed node {node} off the books"
    for batch in _batches(instances):
        assigned = (Delete(key=assignment_key(node, instance)) for instance in batch)
        reported = (Delete(key=instance_key(node, instance)) for instance in batch)
        catalog.transact([fence, *assigned, *reported, journal_write(LEADER_NAME, sentence, now)])
    return Outcome(sentence=sentence, changed=True)


def _batches(instances: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(instances), _AT_ONCE):
        yield instances[first : first + _AT_ONCE]
