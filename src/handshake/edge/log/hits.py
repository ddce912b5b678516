"""How often entries met somebody, by the access log: nothing is counted while a request waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from handshake.edge.log.record import peek_agent, peek_client, peek_rule


def count_clients(lines: Iterable[bytes], rules: frozenset[str]) -> Counter[str]:
    """Return how many requests of each client these rules decided."""
    return _count(lines, rules, peek_client)


def count_agents(lines: Iterable[bytes], rules: frozenset[str]) -> Counter[str]:
    """Return how many requests of each user agent these rules decided."""
    return _count(lines, rules, peek_agent)


def count_hits(seen: Counter[str], find: Callable[[str], str | None]) -> Counter[str]:
    """Return how many requests each entry met."""
    hits: Counter[str] = Counter()
    for who, number in seen.items():
        if entry := find(who):
            hits[entry] += number
    return hits


def _count(lines: Iterable[bytes], rules: frozenset[str], peek: Callable[[bytes], bytes]) -> Counter[str]:
    wanted = {rule.encode() for rule in rules}
    seen: Counter[bytes] = Counter(peek(line) for line in lines if peek_rule(line) in wanted)
    return Counter({who.decode(errors="replace"): number for who, number in seen.items()})
