"""Problems: every refusal of a service in one JSON shape (RFC 9457)."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong with a request, and where."""

    field: str
    detail: str


class ProblemError(Exception):
    """Raised anywhere below a route, answered as JSON at the border."""

    def __init__(
        self,
        status: HTTPStatus,
        name: str,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        retry_after_seconds: int = 0,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.detail = detail
        self.faults = tuple(faults)
        self.retry_after_seconds = retry_after_seconds


class ProblemResponse(JSONResponse):
    """A JSON answer that says of itself that it is a problem."""

    media_type = "application/problem+json"


def answer_problem(_request: Request, problem: Exception) -> ProblemResponse:
    """Turn a raised problem into its answer."""
    if not isinstance(problem, ProblemError):
        raise problem
    content: dict[str, object] = {
        "type": f"urn:campaign:problem:{problem.name}",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
    }
    if problem.faults:
        content["problems"] = [{"field": fault.field, "detail": fault.detail} for fault in problem.faults]
    headers = {"Retry-After": str(problem.retry_after_seconds)} if problem.retry_after_seconds else {}
    return ProblemResponse(content, problem.status, headers)
