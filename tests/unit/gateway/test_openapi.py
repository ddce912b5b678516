"""Merging the services' descriptions: nothing clashes, nothing points nowhere, values stay values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from handshake.core.problem import Location
from handshake.gateway.openapi import Description, Document, merge_descriptions, print_description
from handshake.gateway.policy import Route, covers, find_route
from handshake.gateway.reader import read_gateway

CAMPAIGN = Path(__file__).parents[3] / "examples" / "campaign"


def describe(service: str, document: Document) -> Description:
    route = Route(path=f"/api/{service}", service=service)
    return Description(route=route, document=document, where=Location(file="gateway.toml"))


def one_path(operation: Document, **more: Any) -> Document:
    return {"openapi": "3.1.0", "info": {"title": "x"}, "paths": {"/api/a/x": {"post": operation}}, **more}


def merged_operation(operation: Document, **more: Any) -> Document:
    merged = merge_descriptions("All", [describe("a", one_path(operation, **more))])
    found: Document = merged["paths"]["/api/a/x"]["post"]
    return found


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from [node["$ref"]] if "$ref" in node else []
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from references(child)


def resolve(document: Document, reference: str) -> Any:
    node: Any = document
    for name in reference.removeprefix("#/").split("/"):
        node = node[name]
    return node


def test_components_of_one_name() -> None:
    """Two services' components of one name stay two, and every reference finds its own."""
    operation = {"responses": {"default": {"$ref": "#/components/responses/Problem"}}}
    documents = [
        {
            "paths": {f"/api/{service}/x": {"get": operation}},
            "components": {"responses": {"Problem": {"description": service}}},
        }
        for service in ("a", "b")
    ]
    merged = merge_descriptions("All", [describe("b", documents[1]), describe("a", documents[0])])
    assert [tag["name"] for tag in merged["tags"]] == ["a", "b"]
    for service in ("a", "b"):
        found = merged["paths"][f"/api/{service}/x"]["get"]
        assert found["tags"] == [service]
        assert resolve(merged, found["responses"]["default"]["$ref"]) == {"description": service}


def test_values_stay_values() -> None:
    """What looks like a reference inside an example, a default or a constant is left alone."""
    value = {"$ref": "#/components/schemas/Gift", "security": [{"key": []}], "operationId": "x"}
    content = {
        "schema": {"default": value, "examples": [value], "const": value},
        "examples": {"good": {"value": value}, "shared": {"$ref": "#/components/examples/Good"}},
    }
    found = merged_operation({"requestBody": {"content": {"application/json": content}}})
    merged = found["requestBody"]["content"]["application/json"]
    assert merged["schema"] == content["schema"]
    assert merged["examples"]["good"] == {"value": value}
    assert merged["examples"]["shared"] == {"$ref": "#/components/examples/a.Good"}


def test_properties_named_like_keywords() -> None:
    """A property called `default`, `example`, `security` or `mapping` is a schema like any other."""
    schema = {"$ref": "#/components/schemas/Gift"}
    names = ("default", "example", "security", "mapping", "$ref", "value")
    found = merged_operation({"x": {"properties": dict.fromkeys(names, schema)}})
    assert set(references(found["x"]["properties"]["$ref"])) == {"#/components/schemas/a.Gift"}
    assert all(each == {"$ref": "#/components/schemas/a.Gift"} for each in found["x"]["properties"].values())


def test_discriminators() -> None:
    """A discriminator's targets are renamed, whether they are references or bare names."""
    mapping = {"cash": "#/components/schemas/Cash", "card": "Card"}
    found = merged_operation({"schema": {"discriminator": {"propertyName": "kind", "mapping": mapping}}})
    assert found["schema"]["discriminator"]["mapping"] == {
        "cash": "#/components/schemas/a.Cash",
        "card": "a.Card",
    }


def test_security() -> None:
    """What a document says of security for all its operations is said by each, unless it speaks for itself."""
    everywhere: list[dict[str, list[str]]] = [{"key": []}]
    assert merged_operation({}, security=everywhere)["security"] == [{"a.key": []}]
    assert merged_operation({"security": []}, security=everywhere)["security"] == []
    assert "security" not in merged_operation({})


def test_example_campaign() -> None:
    """The example's merged description holds every path of its services, and each reference resolves."""
    gateway = read_gateway(CAMPAIGN / "gateway.toml", services=("hamm", "events", "secretary"))
    merged = json.loads(gateway.description)
    for service in ("hamm", "events"):
        document = json.loads((CAMPAIGN / "services" / service / "openapi.json").read_text())
        assert set(document["paths"]) <= set(merged["paths"])
    found = list(references(merged))
    assert found
    assert all(resolve(merged, reference) for reference in found)
    operations = [each["operationId"] for path in merged["paths"].values() for each in path.values()]
    assert len(operations) == len(set(operations))


def test_prints_one_line_of_ascii() -> None:
    """The printed description is one line that any configuration can carry."""
    printed = print_description({"title": "naïve\n'quoted'"})
    assert printed.isascii()
    assert printed.isprintable()


def test_longest_prefix_wins() -> None:
    """A path belongs to the longest prefix of whole segments, in whatever order the routes stand."""
    routes = [Route(path=path, service="x") for path in ("/api", "/", "/api/hamm")]
    for path, expected in {
        "/api/hamm/x": "/api/hamm",
        "/api/hammer": "/api",
        "/apis": "/",
        "/api": "/api",
    }.items():
        found = find_route(routes, path)
        assert found
        assert found.path == expected
    assert find_route(routes[:1], "/x") is None
    assert not covers("/api", "/apis")
