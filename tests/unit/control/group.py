"""A plain load balancer and an auto scaling group: they know nothing but the answers of `/health-elb`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import count

from handshake.catalog.entries import CatalogEntry
from handshake.core.digest import Digest
from handshake.core.errors import UnavailableError
from handshake.core.subject import Subject, parse_subject
from handshake.fleet.instance import Evidence, Generation, InstanceReport, Verdict, Verdicts, VerdictState
from handshake.fleet.load_balancer.balancer import Balancer
from handshake.fleet.load_balancer.permit_store import PermitStore, ReplacementPace
from handshake.pointers.pointer import Pointer
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock
from tests.transitions.fleet_members import pointer, release

CHECK_SECONDS = 2.0
BOOT_SECONDS = 7.0
SOAK_SECONDS = 6.0
CHECKS_TO_TURN = 2
"""So many equal answers in a row move an instance into service or out of it."""
TEMPLATES, IMAGE = parse_subject("templates/secretary"), parse_subject("image/secretary")


class FailingCatalog(MemoryCatalog):
    """A catalogue that can be made not to answer."""

    is_down = False

    def get(self, key: str) -> CatalogEntry | None:
        """Return one entry, unless nothing is answered now."""
        if self.is_down:
            raise UnavailableError("the catalogue does not answer")
        return super().get(key)


class Counted:
    """Counters that a test reads."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def increment(self, name: str) -> None:
        """Add one."""
        self.counts[name] += 1


@dataclass(kw_only=True)
class Machine:
    """One member of the group."""

    name: str
    port: int
    image: Digest
    serves: Digest
    started_at: float
    answers: int = 0
    """Equal answers in a row: above zero good ones, below zero bad ones."""
    is_in_service: bool = False


class Group:
    """Desired + budget machines, each with an agent that answers for it."""

    def __init__(self, *, desired: int, budget: int, looks: str, renders: bool = True) -> None:
        """`looks` names the first templates; a service that renders none has its image alone."""
        self.clock = FakeClock()
        self.catalog = FailingCatalog()
        self.counters = Counted()
        self.desired = desired
        self.fewest = desired + budget
        self._pointers = {TEMPLATES: pointer(str(TEMPLATES), looks), IMAGE: pointer(str(IMAGE), "first")}
        self._numbers = count(1)
        pace = ReplacementPace(budget=budget, soak_seconds=SOAK_SECONDS)
        self._balancer = Balancer(
            templates_of=lambda _: TEMPLATES if renders else None,
            read_pointer=self._read_pointer,
            office=PermitStore(self.catalog, self.clock, lambda _: pace),
            ask=self._ask,
            counters=self.counters,
        )
        self.machines = [self._launch() for _ in range(desired + budget)]
        self.clock.advance(BOOT_SECONDS + SOAK_SECONDS)
        for machine in self.machines:
            machine.is_in_service = True

    @property
    def stale(self) -> list[str]:
        """The machines that are, or serve, another release than the pointers name."""
        wanted = (self._live(IMAGE), self._live(TEMPLATES))
        return [machine.name for machine in self.machines if (machine.image, machine.serves) != wanted]

    def move(self, name: str, subject: Subject = TEMPLATES) -> None:
        """Move a pointer; nobody is told."""
        before = self._pointers[subject]
        self._pointers[subject] = replace(before, release=release(name), revision=before.revision + 1)

    def _live(self, subject: Subject) -> Digest:
        return self._pointers[subject].release

    def run(self, seconds: float) -> None:
        """Let time pass: the balancer checks, the group replaces whom it takes out of service."""
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            self.clock.advance(CHECK_SECONDS)
            for machine in list(self.machines):
                self._check(machine)
            in_service = sum(machine.is_in_service for machine in self.machines)
            self.fewest = min(self.fewest, in_service)

    def _check(self, machine: Machine) -> None:
        is_good = self._balancer.check(self._report(machine)).status == 200
        machine.answers = max(1, machine.answers + 1) if is_good else min(-1, machine.answers - 1)
        if machine.answers >= CHECKS_TO_TURN:
            machine.is_in_service = True
        elif machine.answers <= -CHECKS_TO_TURN and self._has_booted(machine):
            self.machines.remove(machine)
            self.machines.append(self._launch())

    def _launch(self) -> Machine:
        number = next(self._numbers)
        return Machine(
            name=f"secretary-{number}",
            port=number,
            image=self._live(IMAGE),
            serves=self._live(TEMPLATES),
            started_at=self.clock.now(),
        )

    def _has_booted(self, machine: Machine) -> bool:
        return self.clock.now() >= machine.started_at + BOOT_SECONDS

    def _report(self, machine: Machine) -> InstanceReport:
        since = machine.started_at + BOOT_SECONDS
        finding = VerdictState.YES if self._has_booted(machine) else VerdictState.NO
        well = Verdict(finding=finding, since=since)
        return InstanceReport(
            instance=machine.name,
            node="n1",
            service="secretary",
            generation=Generation(image=machine.image, templates=machine.serves),
            host="127.0.0.1",
            port=machine.port,
            started_at=machine.started_at,
            verdicts=Verdicts(alive=well, ready=well, fresh=well),
        )

    def _ask(self, _host: str, port: int, path: str) -> Evidence:
        machine = next(machine for machine in self.machines if machine.port == port)
        _, _, asked = path.partition("?templateRelease=")
        is_good = self._has_booted(machine) and asked in {"", machine.serves}
        return Evidence(status=200 if is_good else 503, body="", at=self.clock.now())

    def _read_pointer(self, subject: Subject) -> Pointer:
        if self.catalog.is_down:
            raise UnavailableError("the catalogue does not answer")
        return self._pointers[subject]
