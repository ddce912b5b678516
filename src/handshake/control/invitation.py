"""An invitation: all that another machine needs to become a node of a campaign. It holds secrets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from handshake.catalog.codec import decode, encode
from handshake.control.house import House
from handshake.control.secrets import Secrets
from handshake.core.atomic_file import create_durably
from handshake.core.bucket import Bucket
from handshake.core.problem import Location, Problem, ProblemsError

OBJECTS_SECRET = "objects"  # noqa: S105 -- the name of the file that holds it
"""The credential with which nodes that joined read the regions' objects."""


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """What the home node tells a node that may join."""

    node: str
    campaign: str
    catalog: str
    home: str
    """The home node's agent, which lends releases."""
    dashboard: str
    door_port: int
    agent_port: int
    dogstatsd: str
    regions: dict[str, str]
    buckets: dict[str, Bucket]
    stores: dict[str, str]
    secrets: dict[str, str]


def lent_secrets(house: House, secrets: Secrets) -> dict[str, str]:
    """Return the secrets that every node needs; the keys that sign releases are not among them."""
    names = ("catalog", OBJECTS_SECRET, "decoy", "freshness", *(f"store-{name}" for name in house.stores))
    return {name: secrets.read(name) for name in names}


def invite(house: House, lent: dict[str, str], node: str) -> Invitation:
    """Return the invitation of a node to a campaign that is at home here."""
    return Invitation(
        node=node,
        campaign=house.name,
        catalog=house.catalog,
        home=house.agent,
        dashboard=house.dashboard,
        door_port=_port(house.door),
        agent_port=_port(house.agent),
        dogstatsd=house.dogstatsd,
        regions=house.regions,
        buckets=house.buckets,
        stores=house.stores,
        secrets=lent,
    )


def accept(invitation: Invitation, *, address: str, folder: Path, run: Path, data: Path) -> House:
    """Return the house of an invited node; its door and its agent listen on the node's own address."""
    return House(
        name=invitation.campaign,
        node=invitation.node,
        folder=folder,
        run=run / invitation.campaign,
        data=data / invitation.campaign,
        catalog=invitation.catalog,
        agent=f"{address}:{invitation.agent_port}",
        dashboard=invitation.dashboard,
        door=f"{address}:{invitation.door_port}",
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
            what=f"{file} holds no invitation: {str(error).splitlines()[0]}",
            where=Location(file=str(file)),
            hint="On the home node, `handshake node invite NAME --to FILE` writes one.",
        )
        raise ProblemsError([problem]) from error


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])
