"""The agent's answers to load balancers: `/<instance>/health` and `/<instance>/health-elb`, as on slide 41."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import urllib3
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handshake.control.agent.probe import Prober
from handshake.core.errors import HandshakeError, UnavailableError
from handshake.core.instance import InstanceReport
from handshake.core.pointer import Pointer
from handshake.core.release import Subject
from handshake.fleet.health_elb import (
    HEALTH,
    Check,
    Found,
    Level,
    LogLine,
    Missing,
    PointerRead,
    Unreadable,
    answer_check,
    choose_check,
)
from handshake.telemetry.counters import Counters

_log = logging.getLogger(__name__)
_LEVELS = {Level.WARN: logging.WARNING, Level.ERROR: logging.ERROR}


def build_health(
    *,
    reports: Callable[[], Mapping[str, InstanceReport]],
    templates_of: Callable[[InstanceReport], Subject | None],
    read_pointer: Callable[[Subject], Pointer | None],
    prober: Prober,
    counters: Counters,
) -> Starlette:
    """Return the application that answers for every instance of this node."""

    def answer(request: Request, check_of: Callable[[InstanceReport], Check]) -> Response:
        report = reports().get(request.path_params["instance"])
        if report is None:
            return JSONResponse({"reason": "no such instance on this node"}, status_code=404)
        check = check_of(report)
        for name in check.counted:
            counters.increment(name)
        said = answer_check(prober.ask(report.host, report.port, check.path))
        _write((*check.log, *said.log))
        return Response(said.body, status_code=said.status, media_type="application/json")

    def health(request: Request) -> Response:
        return answer(request, lambda _: Check(path=HEALTH))

    def health_elb(request: Request) -> Response:
        def check_of(report: InstanceReport) -> Check:
            subject = templates_of(report)
            return choose_check(_read(subject, read_pointer)) if subject else Check(path=HEALTH)

        return answer(request, check_of)

    return Starlette(
        routes=[
            Route("/health", lambda _: JSONResponse({"status": "ok"}), methods=["GET"]),
            Route("/{instance}/health", health, methods=["GET"]),
            Route("/{instance}/health-elb", health_elb, methods=["GET"]),
        ]
    )


def _read(subject: Subject, read_pointer: Callable[[Subject], Pointer | None]) -> PointerRead:
    """Read the pointer from the catalogue itself: this answer is for those who have no agent to ask."""
    try:
        pointer = read_pointer(subject)
    except HandshakeError as error:
        return Unreadable(error=error.what)
    return Found(release=pointer.release) if pointer else Missing()


def ask_agent(address: str) -> None:
    """Ask whether the agent at an address is ready; UnavailableError while it is not."""
    try:
        urllib3.request("GET", f"http://{address}/health", retries=False, timeout=1.0)
    except urllib3.exceptions.HTTPError as error:
        raise UnavailableError(f"the agent at {address} does not answer", details=str(error)) from error


def _write(lines: tuple[LogLine, ...]) -> None:
    for line in lines:
        _log.log(_LEVELS[line.level], line.text)
