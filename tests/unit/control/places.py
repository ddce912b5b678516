"""Small working places: each accepts what it is told; whether it does it, or refuses it, the test decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from handshake.core.errors import RefusedError
from handshake.edge.cache.cache import Purge
from handshake.gateway.pool import AddMember, Admission, OpenMember, PoolMember, PoolStep, RouterState


class Temper(Enum):
    """What a place makes of a command."""

    DOES = auto()
    SWALLOWS = auto()
    """It says yes and changes nothing."""
    REFUSES = auto()

    def accepts(self) -> bool:
        """Return whether the command shall be carried out; RefusedError where the place refuses it."""
        if self is Temper.REFUSES:
            raise RefusedError("it does not accept the configuration", details="line 7: no such word")
        return self is Temper.DOES


@dataclass(kw_only=True)
class ToldIngress:
    """An ingress that runs already, with a configuration of its own and empty maps."""

    temper: Temper
    serving: str = "what it served before"
    maps: dict[str, dict[str, str]] = field(default_factory=dict)
    is_shown: bool = True
    """Whether it may be asked for a whole map."""
    forgets_next: bool = False
    """Whether it swallows the next entry."""

    def ensure(self, text: str) -> bool:
        """Find that it runs."""
        assert text
        return False

    def digest(self) -> str:
        """Return what it serves."""
        return self.serving

    def reconfigure(self, text: str, digest: str) -> None:
        """Serve another configuration."""
        assert digest in text, "the configuration must describe itself"
        if self.temper.accepts():
            self.serving = digest

    def show_map(self, name: str) -> dict[str, str]:
        """Return what a map holds."""
        assert self.is_shown, "nobody asks for a million entries"
        return dict(self.maps.get(name, {}))

    def process(self) -> int:
        """Return which worker answers: there is only one."""
        return 1

    def count(self, name: str) -> int:
        """Return how many entries a map has."""
        return len(self.maps.get(name, {}))

    def look_up(self, name: str, key: str) -> tuple[str, str] | None:
        """Return the entry of a key."""
        value = self.maps.get(name, {}).get(key)
        return (key, value) if value is not None else None

    def add(self, name: str, key: str, value: str) -> None:
        """Give a value to a key that has none."""
        assert key not in self.maps.get(name, {}), "two entries for one key: HAProxy would believe the first"
        if self.forgets_next:
            self.forgets_next = False
            return
        self.put(name, key, value)

    def put(self, name: str, key: str, value: str) -> None:
        """Give one key a value."""
        if self.temper.accepts():
            self.maps.setdefault(name, {})[key] = value

    def remove(self, name: str, key: str) -> None:
        """Forget one key."""
        if self.temper.accepts():
            self.maps.get(name, {}).pop(key, None)

    def replace_map(self, name: str, entries: Iterable[tuple[str, str]]) -> None:
        """Replace a whole map."""
        if self.temper.accepts():
            self.maps[name] = dict(entries)

    def keep_map(self, name: str, entries: Mapping[str, str]) -> None:
        """Keep nothing: it is never started again."""


@dataclass(kw_only=True)
class ToldCache:
    """A cache that serves a program of its own."""

    temper: Temper
    serving: str = "what it served before"
    prepared: set[str] = field(default_factory=set)
    forgotten: list[Purge] = field(default_factory=list)

    def ensure(self) -> bool:
        """Find that it runs."""
        return False

    def active(self) -> str:
        """Return the program that serves."""
        return self.serving

    def prepare(self, name: str, text: str) -> None:
        """Take in a program."""
        assert text
        if self.temper.accepts():
            self.prepared.add(name)

    def flip(self, name: str) -> None:
        """Let a prepared program serve."""
        if self.temper.accepts():
            assert name in self.prepared
            self.serving = name

    def warm(self, requests: Sequence[Mapping[str, str]]) -> int:
        """Fetch nothing: it has no visitors."""
        return len(requests)

    def forget(self, purge: Purge) -> int:
        """Note down what it is to forget."""
        self.forgotten.append(purge)
        return 1

    def discard_others(self, *keep: str) -> None:
        """Forget the others."""
        self.prepared &= {*keep, self.serving}


@dataclass(kw_only=True)
class ToldGateway:
    """A gateway whose pools are empty; a member that it opens is up at once."""

    temper: Temper
    pools: dict[str, tuple[PoolMember, ...]]
    serving: str = "what it served before"

    def ensure(self, text: str) -> bool:
        """Find that it runs."""
        assert text
        return False

    def observe(self) -> RouterState:
        """Return what it serves and to whom."""
        return RouterState(digest=self.serving, process=7, pools=dict(self.pools))

    def reconfigure(self, text: str, digest: str) -> None:
        """Serve another configuration."""
        assert digest in text, "the configuration must describe itself"
        if self.temper.accepts():
            self.serving = digest

    def keep(self, text: str) -> None:
        """Keep nothing: it is never started again."""

    def apply(self, step: PoolStep) -> None:
        """Carry out one step."""
        if not self.temper.accepts():
            return
        members = self.pools[step.service]
        match step:
            case AddMember(endpoint=endpoint):
                member = PoolMember(
                    name=endpoint.id,
                    host=endpoint.host,
                    port=endpoint.port,
                    admission=Admission.CLOSED,
                    is_up=True,
                    sessions=0,
                )
                self.pools[step.service] = (*members, member)
            case OpenMember(name=name):
                self.pools[step.service] = tuple(
                    replace(each, admission=Admission.OPEN) if each.name == name else each for each in members
                )
            case _:
                raise AssertionError(f"nothing leaves these pools: {step}")
