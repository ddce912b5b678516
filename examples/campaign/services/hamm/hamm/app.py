"""The paths under /api/hamm."""

from http import HTTPStatus

from kit.app import build_app
from kit.body import read_json_object
from kit.once import read_key
from kit.problem import ProblemError
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hamm.donation import parse_donation
from hamm.donations import Donations
from hamm.fault import arm_fault


def build_hamm(ledger: Redis) -> Starlette:
    """Build the service on a ledger."""
    donations = Donations(ledger)
    die_if_asked = arm_fault()

    async def donate(request: Request) -> Response:
        key = read_key(request)
        donation = parse_donation(await read_json_object(request))
        answer = await donations.add(key, donation)
        die_if_asked()
        return answer

    async def show(request: Request) -> Response:
        receipt = await donations.find_receipt(request.path_params["donation_id"])
        if not receipt:
            raise ProblemError(HTTPStatus.NOT_FOUND, "no-such-donation", "There is no donation of this id.")
        return JSONResponse(receipt)

    async def summarise(_request: Request) -> Response:
        return JSONResponse(await donations.summarise())

    return build_app(
        ledger=ledger,
        routes=[
            Route("/api/hamm/donations", donate, methods=["POST"]),
            Route("/api/hamm/donations/{donation_id}", show),
            Route("/api/hamm/summary", summarise),
        ],
    )
