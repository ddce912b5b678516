"""A campaign that is up answers through every box."""

import json

import pytest

from tests.house.house import HouseUnderTest

pytestmark = pytest.mark.live


@pytest.mark.parametrize(
    "path", ["/", "/donate", "/calls/", "/docs/", "/api-explorer/", "/api/events/events"]
)
def test_every_page_answers(house: HouseUnderTest, path: str) -> None:
    """Pages, sites and APIs are served through the door."""
    assert house.get(path).status == 200


def test_every_place_has_acknowledged(house: HouseUnderTest) -> None:
    """After `up`, every place serves every pointer, and every pointer's release is stable."""
    status = house.verb("status")

    assert status["is_settled"]
    assert {row["subject"] for row in status["subjects"]} >= {"policy/campaign", "site/calls", "image/hamm"}


def test_the_gateway_describes_the_services(house: HouseUnderTest) -> None:
    """The merged description holds the paths of every service."""
    described = json.loads(house.get("/api/openapi.json").data)

    assert "/api/hamm/donations" in described["paths"]


def test_a_second_up_adopts_what_runs(house: HouseUnderTest) -> None:
    """`up` on a campaign that is up starts nothing, promotes nothing, and takes seconds."""
    before = house.pid_of("door")
    report = house.verb("up", str(house.campaign))

    assert (report["started"], report["promoted"]) == ([], [])
    assert house.pid_of("door") == before
