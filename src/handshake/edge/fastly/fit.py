"""Fits a list's entries into its containers: the fewest networks, as many as possible, with the fewest changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

from handshake.edge.policy.networks import Matcher, Network, parse_network, print_network


@dataclass(frozen=True, kw_only=True)
class Lease:
    """An entry, the end of its lease, and when it was listed."""

    entry: str
    until: float
    since: float


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The joint content of a list's containers, and what does not fit."""

    held: Mapping[str, str]
    """Entry or key -> value; ACLs have none."""
    left_out: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return the words about what did not fit; empty if everything did."""
        if not self.left_out:
            return ""
        some = ", ".join(self.left_out[:_SHOWN])
        more = f" and {len(self.left_out) - _SHOWN:,} more" if len(self.left_out) > _SHOWN else ""
        return f"{len(self.left_out):,} did not fit: {some}{more}"


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The additions and removals of one container."""

    put: Mapping[str, str]
    remove: tuple[str, ...]


_SHOWN = 5


def fit_networks(leases: Iterable[Lease], *, now: float, room: int) -> Fit:
    """Return the networks that an ACL should hold; the newest first where not all have room."""
    alive = _newest_first(leases, now)
    kept = len(alive)
    networks = _collapse(its.entry for its in alive)
    while len(networks) > room:
        kept -= max(len(networks) - room, 1)
        networks = _collapse(its.entry for its in alive[:kept])
    held = dict.fromkeys(map(print_network, networks), "")
    matcher = Matcher(held)
    return Fit(
        held=held,
        left_out=tuple(its.entry for its in alive[kept:] if not _is_held(its.entry, matcher)),
    )


def fit_texts(leases: Iterable[Lease], *, now: float, room: int) -> Fit:
    """Return the items that a dictionary of texts should hold: a digest, since keys are short, and the lease's end."""
    alive = _newest_first(leases, now)
    held = {sha256(its.entry.encode()).hexdigest(): str(int(its.until)) for its in alive[:room]}
    return Fit(held=held, left_out=tuple(its.entry for its in alive[room:]))


def spread(
    wanted: Mapping[str, str], found: Mapping[str, Mapping[str, str]], *, capacity: int
) -> dict[str, Spread]:
    """Return what each container gains and loses; what is somewhere already stays there."""
    stays = {name: [key for key in held if key in wanted][:capacity] for name, held in found.items()}
    placed: dict[str, set[str]] = {name: set() for name in found}
    seen: set[str] = set()
    for name, keys in stays.items():
        placed[name] = set(keys) - seen
        seen |= placed[name]
    for key in sorted(wanted.keys() - seen):
        name = min(placed, key=lambda its: len(placed[its]))
        placed[name].add(key)
    return {name: _difference(wanted, placed[name], held) for name, held in found.items()}


def _difference(wanted: Mapping[str, str], placed: Collection[str], held: Mapping[str, str]) -> Spread:
    put = {key: wanted[key] for key in sorted(placed) if held.get(key) != wanted[key]}
    return Spread(put=put, remove=tuple(sorted(key for key in held if key not in placed)))


def _newest_first(leases: Iterable[Lease], now: float) -> list[Lease]:
    alive = (its for its in leases if its.until > now)
    return sorted(alive, key=lambda its: (-its.since, its.entry))


def _collapse(entries: Iterable[str]) -> list[Network]:
    four: list[IPv4Network] = []
    six: list[IPv6Network] = []
    for entry in entries:
        network = parse_network(entry)
        if isinstance(network, IPv4Network):
            four.append(network)
        else:
            six.append(network)
    return [*collapse_addresses(four), *collapse_addresses(six)]


def _is_held(entry: str, matcher: Matcher) -> bool:
    network = parse_network(entry)
    found = matcher.find(str(network.network_address))
    return found is not None and parse_network(found).prefixlen <= network.prefixlen
