"""The paths under /api/events."""

from dataclasses import asdict
from http import HTTPStatus

from kit.app import build_app
from kit.body import read_json_object
from kit.once import read_key
from kit.problem import ProblemError
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from events.cacheable import answer_cacheable
from events.event import Event, read_events
from events.signup import parse_signup
from events.signups import Signups


def build_events(ledger: Redis) -> Starlette:
    """Build the service on a ledger."""
    events = read_events()
    signups = Signups(ledger)

    def find_event(request: Request) -> Event:
        if event := events.get(request.path_params["event_id"]):
            return event
        raise ProblemError(HTTPStatus.NOT_FOUND, "no-such-event", "There is no event of this id.")

    async def list_events(request: Request) -> Response:
        seats = await signups.count_seats()
        return answer_cacheable(request, {"events": [_describe(event, seats) for event in events.values()]})

    async def show_event(request: Request) -> Response:
        event = find_event(request)
        return answer_cacheable(request, _describe(event, await signups.count_seats()))

    async def sign_up(request: Request) -> Response:
        event = find_event(request)
        key = read_key(request)
        return await signups.add(key, event, parse_signup(await read_json_object(request)))

    return build_app(
        ledger=ledger,
        routes=[
            Route("/api/events/events", list_events),
            Route("/api/events/events/{event_id}", show_event),
            Route("/api/events/events/{event_id}/signups", sign_up, methods=["POST"]),
        ],
    )


def _describe(event: Event, seats: dict[str, int]) -> dict[str, object]:
    return {**asdict(event), "seats_left": event.capacity - seats.get(event.id, 0)}
