"""Entries of a list: parsed into canonical form, checked against protected entries, or refused with every reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from handshake.core.problem import Location, Problem, ProblemsError
from handshake.edge.ingress.compile.maps import text_key
from handshake.edge.policy.declarations import Declarations, ListKind
from handshake.edge.policy.networks import Network, parse_network, print_network

# Most lines of a large list are canonical already; the ipaddress module would take most of the time.
_PLAIN_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}")
_IPV6_SITE_BITS = 64
"""A household's share: whoever has one address of it can use all of them."""
_LONGEST_TEXT = 1000


def read_entry(kind: ListKind, text: str, *, is_exact: bool = False) -> str:
    """Return an entry in canonical form; ValueError if it is not valid.

    A single IPv6 address becomes the /64 around it, unless the list or the caller wants it exactly.
    """
    if kind is ListKind.TEXT:
        return _read_text(text)
    if is_plain_ipv4(text):
        return text
    network = _unfold(parse_network(text))
    is_single = network.prefixlen == network.max_prefixlen
    if kind is ListKind.ADDRESS:
        if not is_single:
            raise ValueError(f"{text} is a network, but this list takes only single addresses")
        return print_network(network)
    if network.version == 6 and is_single and "/" not in text and not is_exact:  # noqa: PLR2004 -- IPv6
        network = network.supernet(new_prefix=_IPV6_SITE_BITS)
    return print_network(network)


def is_plain_ipv4(text: str) -> bool:
    """Return whether a text is a single IPv4 address in canonical form."""
    return _PLAIN_IPV4.fullmatch(text) is not None


def find_protected(protected: Sequence[Network]) -> Callable[[str], Network | None]:
    """Return a function that finds the protected network that an entry, in canonical form, overlaps."""
    ranges = [(its.version, int(its.network_address), int(its.broadcast_address), its) for its in protected]

    def find(entry: str) -> Network | None:
        if not ranges:
            return None
        version, first, last = _span(entry)
        touched = (
            its for kind, begin, end, its in ranges if kind == version and first <= end and begin <= last
        )
        return next(touched, None)

    return find


def sort_entries(kind: ListKind, entries: Sequence[str]) -> list[str]:
    """Return entries in display order: strings alphabetically, networks by number."""
    return sorted(entries) if kind is ListKind.TEXT else sorted(entries, key=_number)


def _span(entry: str) -> tuple[int, int, int]:
    """Return an entry's IP version, and its first and last address as numbers."""
    if is_plain_ipv4(entry):
        first, second, third, fourth = entry.split(".")
        number = int(first) << 24 | int(second) << 16 | int(third) << 8 | int(fourth)
        return 4, number, number
    network = parse_network(entry)
    return network.version, int(network.network_address), int(network.broadcast_address)


def _unfold(network: Network) -> Network:
    """Return the IPv4 address embedded in an IPv6 one: the address that its connections come from."""
    if isinstance(network, IPv4Network) or network.prefixlen < network.max_prefixlen:
        return network
    inner = network.network_address.ipv4_mapped
    return network if inner is None else IPv4Network(inner)


def _number(entry: str) -> tuple[int, int, int]:
    version, first, last = _span(entry)
    return version, first, -last


def _read_text(text: str) -> str:
    if not text or not text.isprintable() or text != text.strip():
        raise ValueError("a string must have printable characters only, and no surrounding blanks")
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"a string must have at most {_LONGEST_TEXT} characters")
    return text


# What a policy declares of each list, whatever the list contains.


@dataclass(frozen=True, kw_only=True)
class ListShape:
    """One list of the policy."""

    name: str
    kind: ListKind
    seeds: tuple[str, ...]
    """Its initial entries, in canonical form."""
    protected: tuple[Network, ...] = ()
    protected_texts: tuple[str, ...] = ()

    def map_key(self, entry: str) -> str:
        """Return an entry as a key of the ingress's map."""
        return text_key(entry) if self.kind is ListKind.TEXT else entry


def shape_lists(declared: Declarations) -> tuple[ListShape, ...]:
    """Return every list of a policy."""
    networks = (
        ListShape(
            name=its.name,
            kind=its.kind,
            seeds=tuple(print_network(network) for network in its.entries),
            protected=its.protected,
        )
        for its in declared.lists
    )
    texts = (
        ListShape(name=its.name, kind=ListKind.TEXT, seeds=its.entries, protected_texts=its.protected)
        for its in declared.text_lists
    )
    return (*networks, *texts)


# Entries as typed by operators: parsed, or refused with every reason at once.

_EXAMPLES = {
    ListKind.ADDRESS: "For example: 203.0.113.7 or 2001:db8::1.",
    ListKind.NETWORK: "For example: 203.0.113.7, 203.0.113.0/24 or 2001:db8::/48.",
    ListKind.TEXT: "Write the whole string, in quotes.",
}


def read_typed(shape: ListShape, texts: Sequence[str], *, is_exact: bool = False) -> list[str]:
    """Return typed entries in canonical form, each once; raise ProblemsError with every invalid one."""
    entries: list[str] = []
    problems: list[Problem] = []
    for text in texts:
        try:
            entries.append(read_entry(shape.kind, text, is_exact=is_exact))
        except ValueError as error:
            problems.append(_problem("edge-bad-address", str(error), text, _EXAMPLES[shape.kind]))
    if problems:
        raise ProblemsError(problems)
    return list(dict.fromkeys(entries))


def require_unprotected(shape: ListShape, entries: Sequence[str]) -> Iterator[Problem]:
    """Yield a problem for every entry that overlaps a protected one."""
    find = find_touched(shape)
    for entry in entries:
        if other := find(entry):
            yield _problem(
                "edge-protected",
                f"{entry} overlaps {other}, which list {shape.name} protects",
                entry,
                "To list it anyway, first remove it from `protected` in edge.toml and apply the policy.",
            )


def find_touched(shape: ListShape) -> Callable[[str], object]:
    """Return a function that finds the protected entry that an entry overlaps, or None."""
    if shape.kind is ListKind.TEXT:
        protected = frozenset(shape.protected_texts)
        return lambda entry: entry if entry in protected else None
    return find_protected(shape.protected)


def _problem(check: str, what: str, where: str, hint: str) -> Problem:
    return Problem(check=check, what=what, where=Location(file=where), hint=hint)
