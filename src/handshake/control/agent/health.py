"""The agent's answers to load balancers: `/<instance>/health` and `/<instance>/health-elb`, as on slide 41."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import urllib3
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handshake.control.agent.balancer import Balancer
from handshake.core.errors import UnavailableError
from handshake.core.instance import InstanceReport
from handshake.fleet.health_elb import Answer


def build_health(*, reports: Callable[[], Mapping[str, InstanceReport]], balancer: Balancer) -> Starlette:
    """Return the application that answers for every instance of this node."""

    def route(question: str, check: Callable[[InstanceReport], Answer]) -> Route:
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
