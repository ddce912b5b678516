"""The example services' recipes, pins and OpenAPI descriptions against what the code says."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[3]
SERVICES = REPOSITORY / "examples/campaign/services"
NAMES = ["hamm", "events"]

# What 3.1 took from JSON Schema, and a reader of 3.0 misunderstands.
NEW_IN_3_1 = {"const", "examples", "exclusiveMaximum", "exclusiveMinimum", "prefixItems", "$defs", "webhooks"}


def read_description(service: str) -> dict[str, Any]:
    description: dict[str, Any] = json.loads(
        (SERVICES / service / "openapi.json").read_text(encoding="utf-8")
    )
    return description


def walk(value: object) -> Iterator[dict[str, Any]]:
    """Go through every object of a JSON document."""
    if isinstance(value, dict):
        yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    for child in children:
        yield from walk(child)


@pytest.mark.parametrize("service", NAMES)
def test_paths(service: str) -> None:
    """A service describes paths under /api/<service>/ only, and each operation has a name of its own."""
    description = read_description(service)
    assert description["openapi"] == "3.1.0"
    assert all(path.startswith(f"/api/{service}/") for path in description["paths"])
    operations = [entry["operationId"] for entry in walk(description) if "operationId" in entry]
    assert len(set(operations)) == len(operations) > 0


@pytest.mark.parametrize("service", NAMES)
def test_readable_as_3_0(service: str) -> None:
    """A description uses nothing that the explorer, which reads OpenAPI 3.0, would misunderstand."""
    for entry in walk(read_description(service)):
        assert not NEW_IN_3_1 & entry.keys()
        assert not isinstance(entry.get("type"), list)


@pytest.mark.parametrize("service", NAMES)
def test_references(service: str) -> None:
    """Every $ref of a description leads to something."""
    description = read_description(service)
    references = [entry["$ref"] for entry in walk(description) if "$ref" in entry]
    assert references
    for reference in references:
        target: Any = description
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


def test_shared_schemas_agree() -> None:
    """What two descriptions both define, they define alike, so that they can be merged."""
    hamm, events = (read_description(service)["components"]["schemas"] for service in NAMES)
    assert hamm.keys() & events.keys() == {"Problem"}
    assert hamm["Problem"] == events["Problem"]


@pytest.mark.parametrize("service", NAMES)
def test_recipe(service: str) -> None:
    """What a recipe copies exists, and the service is started by its own name."""
    recipe = tomllib.loads((SERVICES / service / "service.toml").read_text(encoding="utf-8"))
    assert recipe["command"] == ["python3", "-m", service]
    assert recipe["stores"] == ["ledger"]
    sources = [step.get("copy", step.get("python")) for step in recipe["build"]]
    assert all((SERVICES / service / source).exists() for source in sources)


@pytest.mark.parametrize("service", NAMES)
def test_pins(service: str) -> None:
    """Where a service and the platform need the same package, both pin the same version of it."""

    def read_pins(path: Path) -> dict[str, str]:
        words = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
        pins = (line[0].partition("==") for line in words if line and "==" in line[0])
        return {name: version for name, _, version in pins}

    pins, platform = (
        read_pins(SERVICES / service / "requirements.txt"),
        read_pins(REPOSITORY / "requirements/demo.txt"),
    )
    assert {"redis", "starlette", "uvicorn"} <= pins.keys() & platform.keys()
    assert {name: platform.get(name, version) for name, version in pins.items()} == pins


def test_events() -> None:
    """Events have ids of their own, end after they begin, and take place in July 2016."""
    events = json.loads((SERVICES / "events/events/events.json").read_text(encoding="utf-8"))
    assert len({event["id"] for event in events}) == len(events) == 8
    for event in events:
        assert "2016-07-01" < event["starts_at"] < event["ends_at"] < "2016-08-01"
        assert event["capacity"] > 0
