"""The instances of one node: launched, probed, registered, drained, stopped; never repaired."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

import urllib3

from handshake.catalog.catalog import Catalog
from handshake.catalog.entries import CheckStatus, Endpoint, Traffic
from handshake.core.clock import Clock
from handshake.core.digest import Digest
from handshake.core.errors import HandshakeError, UnavailableError
from handshake.core.outcome import Outcome
from handshake.fleet.instance import (
    Assignment,
    Evidence,
    Generation,
    InstancePhase,
    InstanceReport,
    VerdictState,
)
from handshake.fleet.instances.launch import HostedInstance, InstanceHost, Launcher
from handshake.fleet.instances.report import Reports
from handshake.fleet.instances.verdicts import Sighting, Thresholds, Watched, may_pause, watch
from handshake.release.image_contract import Contract

ENDPOINT_TTL_SECONDS = 60.0
_REFRESH_SECONDS = 15.0
_PROBERS = 8
_STOPPERS = 32
_RETRY_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Delay:
    """Why an instance could not be started, and when to retry."""

    why: str
    until: float
    """On the monotonic clock."""


class Instances:
    """Moves this node's instances to the state of their assignments."""

    def __init__(
        self,
        *,
        node: str,
        address: str,
        catalog: Catalog,
        clock: Clock,
        host: InstanceHost,
        launcher: Launcher,
        contract_of: Callable[[Digest], Contract],
        target_of: Callable[[str], Generation | None],
        ask: Callable[[str, int, str], Evidence],
    ) -> None:
        """`ask` puts a question (host, port, path) to an instance."""
        self._node = node
        self._address = address
        self._catalog = catalog
        self._clock = clock
        self._host = host
        self._launcher = launcher
        self._contract_of = contract_of
        self._target_of = target_of
        self._reports = Reports(catalog, node)
        self._ask = ask
        self._watched: dict[str, Watched] = {}
        self._registered: dict[str, tuple[Traffic, float]] = {}
        self._stopping: dict[str, Future[None]] = {}
        self._failed: dict[str, str] = {}
        self._delays: dict[str, Delay] = {}
        self._probing = ThreadPoolExecutor(_PROBERS, thread_name_prefix="probe")
        # Apart from the probes: a stop may wait out a long drain.
        self._stops = ThreadPoolExecutor(_STOPPERS, thread_name_prefix="stop")

    def cycle(self, assignments: Mapping[str, Assignment]) -> Outcome:
        """Launch what is assigned and absent, look at what runs, stop what is not assigned any more."""
        hosted = self._host.observe()
        reports = self._reports.all()
        launched = [
            name
            for name, assignment in assignments.items()
            if name not in hosted and self._is_due(name, reports) and self._launch(assignment)
        ]
        hosted = self._host.observe() if launched else hosted
        looks = [
            self._probing.submit(self._look, assignment, hosted.get(name))
            for name, assignment in assignments.items()
            if not self._may_pause(assignment, hosted.get(name))
        ]
        gone = sorted((hosted.keys() | reports.keys()) - assignments.keys() - self._stopping.keys())
        for name in gone:
            self._stopping[name] = self._stops.submit(self._retire, name, hosted.get(name))
        # A look that fails keeps nobody from being stopped: it is heard of last.
        wait(looks)
        self._reap()
        for look in looks:
            look.result()
        return _describe(launched, gone, len(assignments))

    def wait_for_stops(self) -> None:
        """Return once every stop that has begun has ended."""
        wait(list(self._stopping.values()))

    def reports(self) -> dict[str, InstanceReport]:
        """Return what is known of this node's instances."""
        return self._reports.all()

    def _is_due(self, name: str, reports: Mapping[str, InstanceReport]) -> bool:
        """Return whether an instance was never started: what has a report is not, unless its start was put off."""
        delay = self._delays.get(name)
        return delay.until <= self._clock.monotonic() if delay else name not in reports

    def _launch(self, assignment: Assignment) -> bool:
        """Start an instance, and tell whether it was started. The report comes first, so that it never is twice."""
        name = assignment.instance
        report = self._reports.all().get(name) or self._first_report(assignment)
        self._reports.write(report)
        self._delays.pop(name, None)
        try:
            self._host.launch(self._launcher.order(assignment, report.host, report.port))
        except UnavailableError as error:
            # Nothing was started, and that is no fault of the release: the engine says how long it is tried.
            self._delays[name] = Delay(why=error.what, until=self._clock.monotonic() + _RETRY_SECONDS)
            return False
        except HandshakeError as error:
            # It will not start by being tried again: the engine sees a dead instance and decides.
            self._failed[name] = ": ".join(filter(None, (error.what, error.details)))
        return True

    def _first_report(self, assignment: Assignment) -> InstanceReport:
        taken = {report.port for report in self._reports.all().values()}
        return InstanceReport(
            instance=assignment.instance,
            node=self._node,
            service=assignment.service,
            generation=assignment.generation,
            host=self._address,
            port=choose_port(taken, self._address),
            started_at=self._clock.now(),
        )

    def _look(self, assignment: Assignment, hosted: HostedInstance | None) -> None:
        report = self._reports.find(assignment.instance)
        if report is None:
            return
        before = self._watched.get(assignment.instance, Watched(verdicts=report.verdicts))
        now = watch(before, self._see(assignment, report, hosted), Thresholds())
        self._watched[assignment.instance] = now
        is_dead = now.verdicts.alive.is_no
        tail = self._host.log_tail(assignment.instance) if is_dead else ()
        seen = replace(report, verdicts=now.verdicts, log_tail=tail)
        self._reports.write(seen)
        self._announce(assignment, seen)

    def _may_pause(self, assignment: Assignment, hosted: HostedInstance | None) -> bool:
        """Return whether nothing new is to be expected of an instance in this cycle."""
        watched = self._watched.get(assignment.instance)
        if watched is None or not may_pause(watched, self._clock.now()):
            return False
        is_steady = assignment.phase is not InstancePhase.DRAIN and hosted is not None and hosted.is_running
        return is_steady and self._target_of(assignment.service) in {None, assignment.generation}

    def _see(self, assignment: Assignment, report: InstanceReport, hosted: HostedInstance | None) -> Sighting:
        now = self._clock.now()
        target = self._target_of(assignment.service)
        is_target = VerdictState.UNKNOWN
        if target is not None:
            is_target = VerdictState.YES if assignment.generation == target else VerdictState.NO
        if delay := self._delays.get(assignment.instance):
            return Sighting(at=now, plain=Evidence(body=delay.why, at=now), is_target=is_target)
        exited = self._why_not_running(assignment.instance, hosted)
        if exited:
            return Sighting(at=now, exited=exited, plain=Evidence(at=now), is_target=is_target)
        health = self._contract_of(assignment.generation.image).health.path
        templates = None
        if target is not None and target.templates:
            question = f"{health}?templateRelease={target.templates}"
            templates = self._ask(report.host, report.port, question)
        plain = self._ask(report.host, report.port, health)
        return Sighting(at=plain.at, plain=plain, templates=templates, is_target=is_target)

    def _why_not_running(self, instance: str, hosted: HostedInstance | None) -> str:
        if hosted is None:
            return self._failed.get(instance, "it is no longer on this node")
        return "" if hosted.is_running else hosted.evidence

    def _announce(self, assignment: Assignment, report: InstanceReport) -> None:
        """Tell the gateways: open once ready, draining when told to leave or to wait, unknown once dead."""
        name = assignment.instance
        if report.verdicts.alive.is_no:
            self._withdraw(name)
        elif assignment.phase is not InstancePhase.RUN:
            if name in self._registered or self._is_known(assignment):
                self._register(report, Traffic.DRAINING)
        elif report.verdicts.ready.is_yes or name in self._registered:
            self._register(report, Traffic.OPEN)

    def _is_known(self, assignment: Assignment) -> bool:
        """Whether an earlier agent made it known to the gateways."""
        known = self._catalog.endpoints(assignment.service).endpoints
        return any(endpoint.id == assignment.instance for endpoint in known)

    def _register(self, report: InstanceReport, traffic: Traffic) -> None:
        now = self._clock.monotonic()
        said, at = self._registered.get(report.instance, (None, 0.0))
        if said is not traffic:
            self._catalog.register(_endpoint(report, traffic), ENDPOINT_TTL_SECONDS)
            self._registered[report.instance] = (traffic, now)
        elif now - at > _REFRESH_SECONDS:
            self._catalog.report(report.instance, CheckStatus.PASSING, "")
            self._registered[report.instance] = (traffic, now)

    def _withdraw(self, instance: str) -> None:
        self._catalog.deregister(instance)
        self._registered.pop(instance, None)

    def _retire(self, instance: str, hosted: HostedInstance | None) -> None:
        """Stop an instance that is not assigned any more, then forget it everywhere."""
        self._withdraw(instance)
        if hosted is not None:
            self._host.stop(instance, drain_seconds=self._drain_seconds(instance))
            self._host.forget(instance)
        self._reports.remove(instance)
        self._watched.pop(instance, None)
        self._failed.pop(instance, None)
        self._delays.pop(instance, None)

    def _drain_seconds(self, instance: str) -> float:
        report = self._reports.find(instance)
        return self._contract_of(report.generation.image).drain_seconds if report else 0.0

    def _reap(self) -> None:
        """Let go of stops that have ended; one that failed is tried again in the next cycle."""
        for name in [name for name, future in self._stopping.items() if future.done()]:
            self._stopping.pop(name).result()


def _endpoint(report: InstanceReport, traffic: Traffic) -> Endpoint:
    return Endpoint(
        id=report.instance,
        service=report.service,
        host=report.host,
        port=report.port,
        traffic=traffic,
        node=report.node,
    )


def _describe(launched: list[str], gone: list[str], assigned: int) -> Outcome:
    if not launched and not gone:
        return Outcome(sentence=f"{assigned} instances run as assigned", changed=False)
    parts = [f"launched {', '.join(launched)}"] if launched else []
    parts += [f"stops {', '.join(gone)}"] if gone else []
    return Outcome(sentence="; ".join(parts), changed=True)


# Probes: one HTTP question to an instance, and the result of it.

_BODY_CHARACTERS = 500
_INSTANCES = 1024
"""The connection pools that urllib3 keeps: its default of 10 would mean a new one for every probe."""


class Prober:
    """Probes instances. Each probe uses a new connection, as a load balancer does."""

    def __init__(self, clock: Clock, *, timeout_seconds: float = 2.0) -> None:
        self._clock = clock
        self._http = urllib3.PoolManager(
            num_pools=_INSTANCES, timeout=timeout_seconds, retries=False, headers={"Connection": "close"}
        )

    def ask(self, host: str, port: int, path: str) -> Evidence:
        """Return what the instance answered; status 0 and the reason where it did not."""
        begun = self._clock.monotonic()
        try:
            answer = self._http.request("GET", f"http://{host}:{port}{path}", redirect=False)
            status, body = answer.status, answer.data.decode(errors="replace")
        except urllib3.exceptions.HTTPError as error:
            status, body = 0, str(error).rpartition(": ")[2]
        return Evidence(
            status=status,
            body=body[:_BODY_CHARACTERS],
            latency_seconds=round(self._clock.monotonic() - begun, 4),
            at=self._clock.now(),
        )


# Ports for instances, from the range that the design gives them.

FIRST, LAST = 20000, 29999
_TRIES = 200


def choose_port(taken: Collection[int], host: str = "127.0.0.1") -> int:
    """Return a port that no other instance has and on which nobody listens; UnavailableError after many tries."""
    for port in random.sample(range(FIRST, LAST + 1), _TRIES):
        if port not in taken and _is_free(host, port):
            return port
    raise UnavailableError(f"no free port in {_TRIES} attempts between {FIRST} and {LAST}")


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
