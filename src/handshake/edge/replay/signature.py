"""Requests that no rule can tell apart have one signature: a hundred thousand of them come to a few dozen verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from handshake.edge.adjust import Route
from handshake.edge.evaluate import Evaluator
from handshake.edge.expression import Compares, IsListed, IsWithin, Measures, Reads, Test, walk_tests
from handshake.edge.log.record import LogRecord
from handshake.edge.policy import Policy
from handshake.edge.replay.sight import field_of, read_request
from handshake.edge.variables import CLIENT_IP

Signature: TypeAlias = tuple[object, ...]

_MOST_VALUES = 500_000
"""Different values of a field that are remembered."""


class Signer:
    """Signs records: by what each test of the policies says of them."""

    def __init__(self, sides: Sequence[tuple[Policy, Evaluator]]) -> None:
        self._probes: dict[str, list[tuple[Evaluator, Test]]] = {}
        for policy, evaluator in sides:
            for test in dict.fromkeys(test for rule in policy.rules for test in walk_tests(rule.condition)):
                for field in _find_field(test):
                    self._probes.setdefault(field, []).append((evaluator, test))
        self._known: dict[str, dict[str, int]] = {field: {} for field in self._probes}
        self._numbers: dict[tuple[bool | None, ...], int] = {}
        # What a routed path comes to, its tests do not say.
        self._needs_path = any(isinstance(rule.action, Route) for policy, _ in sides for rule in policy.rules)

    def sign(self, record: LogRecord) -> Signature:
        """Return a record's signature."""
        return (
            record.rule,
            record.path if self._needs_path else "",
            *(self._number(field, record) for field in self._known),
        )

    def _number(self, field: str, record: LogRecord) -> int:
        known, value = self._known[field], getattr(record, field)
        number = known.get(value)
        if number is None:
            if len(known) >= _MOST_VALUES:
                known.clear()
            number = known[value] = self._try(field, record)
        return number

    def _try(self, field: str, record: LogRecord) -> int:
        request = read_request(record)
        outcomes = tuple(evaluator.evaluate(test, request) for evaluator, test in self._probes[field])
        return self._numbers.setdefault(outcomes, len(self._numbers))


def _find_field(test: Test) -> Iterator[str]:
    """Yield the record's field that a test reads; none where it reads what the log does not hold, or nothing at all."""
    match test:
        case IsWithin():
            yield field_of(Reads(variable=CLIENT_IP))
        case IsListed(reads=reads) | Compares(reads=reads) | Measures(reads=reads):
            if field := field_of(reads):
                yield field
        case _:
            pass
