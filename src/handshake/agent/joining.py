"""How a machine joins: its invitation, and the region objects that the home node serves to it."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handshake.catalog.codec import decode, encode
from handshake.config.secrets import Secrets
from handshake.core.atomic_file import create_durably
from handshake.core.errors import HandshakeError
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.release.node_paths import NodePaths
from handshake.release.objects import ObjectStore
from handshake.release.regions import Bucket

_Send = Callable[[ObjectStore, str], Response]


def build_objects(stores: Mapping[str, ObjectStore], credential: str) -> Starlette:
    """Return the application: `GET /<region>/object/<key>`, `GET /<region>/keys/<prefix>`."""

    def route(what: str, send: _Send) -> Route:
        def answer(request: Request) -> Response:
            if not _is_ours(request, credential):
                return _refuse(403, "this needs the campaign's credential")
            store = stores.get(request.path_params["region"])
            return _answer(store, request.path_params["key"], send)

        return Route(f"/{{region}}/{what}/{{key:path}}", answer, methods=["GET"])

    return Starlette(routes=[route("object", _send_object), route("keys", _send_keys)])


def _answer(store: ObjectStore | None, key: str, send: _Send) -> Response:
    if store is None:
        return _refuse(503, "no such region")
    try:
        return send(store, key)
    except HandshakeError as error:
        return _refuse(503, error.what)


def _send_object(store: ObjectStore, key: str) -> Response:
    content = store.get(key)
    if content is None:
        return _refuse(404, "no such object")
    return Response(content, media_type="application/octet-stream")


def _send_keys(store: ObjectStore, prefix: str) -> Response:
    return JSONResponse(list(store.keys(prefix)))


def _is_ours(request: Request, credential: str) -> bool:
    said = request.headers.get("authorization", "")
    return hmac.compare_digest(said.encode(), f"Bearer {credential}".encode())


def _refuse(status: int, reason: str) -> Response:
    return JSONResponse({"reason": reason}, status_code=status)


# An invitation: all that another machine needs to become a node of a campaign. It holds secrets.

OBJECTS_SECRET = "objects"  # noqa: S105 -- the name of the file that holds it
"""The credential with which joined nodes read the regions' objects."""


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """What the home node tells an invited node."""

    node: str
    campaign: str
    catalog: str
    home: str
    """The home node's agent, which serves releases."""
    dashboard: str
    ingress_port: int
    agent_port: int
    dogstatsd: str
    regions: dict[str, str]
    buckets: dict[str, Bucket]
    stores: dict[str, str]
    secrets: dict[str, str]


def lent_secrets(paths: NodePaths, secrets: Secrets) -> dict[str, str]:
    """Return the secrets that every node needs; the keys that sign releases are not among them."""
    names = ("catalog", OBJECTS_SECRET, "decoy", "freshness", *(f"store-{name}" for name in paths.stores))
    return {name: secrets.read(name) for name in names}


def invite(paths: NodePaths, lent: dict[str, str], node: str) -> Invitation:
    """Return the invitation of a node to a campaign that is at home here."""
    return Invitation(
        node=node,
        campaign=paths.name,
        catalog=paths.catalog,
        home=paths.agent,
        dashboard=paths.dashboard,
        ingress_port=_port(paths.ingress),
        agent_port=_port(paths.agent),
        dogstatsd=paths.dogstatsd,
        regions=paths.regions,
        buckets=paths.buckets,
        stores=paths.stores,
        secrets=lent,
    )


def accept(invitation: Invitation, *, address: str, folder: Path, run: Path, data: Path) -> NodePaths:
    """Return the campaign of an invited node; its ingress and its agent listen on the node's own address."""
    return NodePaths(
        name=invitation.campaign,
        node=invitation.node,
        folder=folder,
        run=run / invitation.campaign,
        data=data / invitation.campaign,
        catalog=invitation.catalog,
        agent=f"{address}:{invitation.agent_port}",
        dashboard=invitation.dashboard,
        ingress=f"{address}:{invitation.ingress_port}",
        countries="",
        dogstatsd=invitation.dogstatsd,
        regions=invitation.regions,
        buckets=invitation.buckets,
        stores=invitation.stores,
        address=address,
        home=invitation.home,
    )


def write_invitation(file: Path, invitation: Invitation) -> None:
    """Write an invitation so that only its owner can read it; FileExistsError where something lies there."""
    create_durably(file, encode(invitation), mode=0o600)


def read_invitation(file: Path) -> Invitation:
    """Return the invitation that lies in a file; ProblemsError where there is none."""
    try:
        return decode(Invitation, file.read_bytes())
    except (OSError, ValueError) as error:
        problem = Problem(
            check="bad-invitation",
            what=f"{file} is not a valid invitation: {str(error).splitlines()[0]}",
            where=Location(file=str(file)),
            hint="To create one, run `handshake node invite NAME --to FILE` on the home node.",
        )
        raise ProblemsError([problem]) from error


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])
