"""The agent's answers to load balancers: `/<instance>/health` and `/<instance>/health-elb`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping

import urllib3
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handshake.core.counters import Counters
from handshake.core.digest import Digest, canonical_json
from handshake.core.errors import HandshakeError, UnavailableError
from handshake.core.subject import Kind, Subject
from handshake.fleet.instance import Evidence, InstanceReport
from handshake.fleet.load_balancer.health_check import (
    HEALTH,
    Found,
    HealthCheck,
    HealthResponse,
    Level,
    LogLine,
    Missing,
    PointerRead,
    Unreadable,
    answer_check,
    choose_check,
    find_stale,
)
from handshake.fleet.load_balancer.permit_store import PermitStore
from handshake.pointers.pointer import Pointer

_log = logging.getLogger(__name__)
_LEVELS = {Level.WARN: logging.WARNING, Level.ERROR: logging.ERROR}
_OK = 200


class Balancer:
    """Answers `/health-elb`. `ask` puts a question (host, port, path) to an instance."""

    def __init__(
        self,
        *,
        templates_of: Callable[[InstanceReport], Subject | None],
        read_pointer: Callable[[Subject], Pointer | None],
        office: PermitStore,
        ask: Callable[[str, int, str], Evidence],
        counters: Counters,
    ) -> None:
        self._templates_of = templates_of
        self._read_pointer = read_pointer
        self._office = office
        self._ask = ask
        self._counters = counters

    def check_plainly(self, report: InstanceReport) -> HealthResponse:
        """Return what the instance says of itself."""
        return self._carry_out(report, HealthCheck(path=HEALTH))

    def check(self, report: InstanceReport) -> HealthResponse:
        """Return 503 for an instance that is ill, or that is stale and holds a permit to be replaced; else 200."""
        image = self._read(Subject(kind=Kind.IMAGE, name=report.service))
        if isinstance(image, Unreadable):
            return self._carry_out(report, choose_check(image))
        if isinstance(image, Found) and image.release != report.generation.image:
            return self._replace_image(report, image.release)
        subject = self._templates_of(report)
        if subject is None:
            return self._check_image(report)
        return self._check_templates(report, subject)

    def _replace_image(self, report: InstanceReport, release: Digest) -> HealthResponse:
        """Answer for an instance of another image than the live one: what it serves, only a successor can change."""
        plain = self.check_plainly(report)
        return (
            self._pace(report, release, find_stale(report.generation.image)) if plain.status == _OK else plain
        )

    def _check_image(self, report: InstanceReport) -> HealthResponse:
        """Answer for an instance of the live image that renders no templates."""
        answer = self.check_plainly(report)
        if answer.status == _OK:
            self._hear(report, report.generation.image)
        return answer

    def _check_templates(self, report: InstanceReport, subject: Subject) -> HealthResponse:
        pointer = self._read(subject)
        answer = self._carry_out(report, choose_check(pointer))
        if not isinstance(pointer, Found):
            return answer
        if answer.status == _OK:
            self._hear(report, pointer.release)
            return answer
        plain = answer_check(self._ask(report.host, report.port, HEALTH))
        return self._pace(report, pointer.release, answer) if plain.status == _OK else answer

    def _carry_out(self, report: InstanceReport, check: HealthCheck) -> HealthResponse:
        self._count(check.counted)
        answer = answer_check(self._ask(report.host, report.port, check.path))
        _write((*check.log, *answer.log))
        return answer

    def _read(self, subject: Subject) -> PointerRead:
        """Read the pointer from the catalogue itself: this answer is for those who have no agent to ask."""
        try:
            pointer = self._read_pointer(subject)
        except HandshakeError as error:
            return Unreadable(error=error.what)
        return Found(release=pointer.release) if pointer else Missing()

    def _pace(self, report: InstanceReport, release: Digest, stale: HealthResponse) -> HealthResponse:
        """Let a stale instance be ill for the balancer only while it holds a permit."""
        try:
            self._office.hear(report, release, is_fresh=False)
            ruling = self._office.ask(report, release)
        except HandshakeError as error:
            self._tell_error(error)
            return HealthResponse(status=_OK)
        if ruling.is_held:
            return stale
        return HealthResponse(status=_OK, body=canonical_json({"reason": ruling.why}))

    def _hear(self, report: InstanceReport, release: Digest) -> None:
        try:
            self._office.hear(report, release, is_fresh=True)
        except HandshakeError as error:
            self._tell_error(error)

    def _tell_error(self, error: HandshakeError) -> None:
        """An error of the catalogue makes nobody ill: it is counted and logged, as when reading the pointer."""
        check = choose_check(Unreadable(error=error.what))
        self._count(check.counted)
        _write(check.log)

    def _count(self, names: Iterable[str]) -> None:
        for name in names:
            self._counters.increment(name)


def _write(lines: Iterable[LogLine]) -> None:
    for line in lines:
        _log.log(_LEVELS[line.level], line.text)


# The agent's answers to load balancers: `/<instance>/health` and `/<instance>/health-elb`, as on slide 41.


def build_health(*, reports: Callable[[], Mapping[str, InstanceReport]], balancer: Balancer) -> Starlette:
    """Return the application that answers for every instance of this node."""

    def route(question: str, check: Callable[[InstanceReport], HealthResponse]) -> Route:
        def answer(request: Request) -> Response:
            report = reports().get(request.path_params["instance"])
            if report is None:
                return JSONResponse({"reason": "no such instance on this node"}, status_code=404)
            said = check(report)
            return Response(said.body, status_code=said.status, media_type="application/json")

        return Route(f"/{{instance}}/{question}", answer, methods=["GET"])

    return Starlette(
        routes=[
            Route("/health", lambda _: JSONResponse({"status": "ok"}), methods=["GET"]),
            route("health", balancer.check_plainly),
            route("health-elb", balancer.check),
        ]
    )


def ask_agent(address: str) -> None:
    """Ask whether the agent at an address is ready; UnavailableError while it is not."""
    try:
        urllib3.request("GET", f"http://{address}/health", retries=False, timeout=1.0)
    except urllib3.exceptions.HTTPError as error:
        raise UnavailableError(f"the agent at {address} does not answer", details=str(error)) from error
