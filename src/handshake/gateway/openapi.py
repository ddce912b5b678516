"""Merges the services' OpenAPI 3.1 descriptions into the one that the gateway serves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from handshake.core.problem import Location, Problem
from handshake.gateway.policy import Route, find_route

Document = dict[str, Any]
Rename = Callable[[str], str]

_REFERENCE = "#/components/"
_OPERATIONS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
# Below these keys stand names that the service chose, not words of the specification.
_NAMED = frozenset(
    {"properties", "patternProperties", "dependentSchemas", "$defs", "responses", "content", "headers"}
    | {"examples", "links", "callbacks", "paths", "encoding", "variables", "scopes"}
)
# Below these keys stand plain values, in which nothing is a reference.
_LITERAL = frozenset({"default", "const", "enum", "example", "value"})


@dataclass(frozen=True, kw_only=True)
class Description:
    """One service's description, the route that asked for it, and where it asked."""

    route: Route
    document: Document
    where: Location


def merge_descriptions(title: str, descriptions: Iterable[Description]) -> Document:
    """Return one description of everything: a tag per service, component names as `service.Name`.

    Paths stay as the services wrote them; `check_outside` tells which of them no visitor would reach.
    """
    merged: Document = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1"},
        "tags": [],
        "paths": {},
        "components": {},
    }
    for description in sorted(descriptions, key=lambda each: each.route.service):
        merged["tags"].append(_tag(description))
        merged["paths"] |= _paths(description)
        for kind, named in _components(description).items():
            merged["components"].setdefault(kind, {}).update(named)
    return merged


def check_outside(routes: Iterable[Route], descriptions: Iterable[Description]) -> list[Problem]:
    """Return a problem for each described path that another route, or none, would answer."""
    routes = tuple(routes)
    return [
        Problem(
            check="gateway-openapi-outside-route",
            what=f"{path} is described by {description.route.service}, but {_answerer(routes, path)} answers it",
            where=description.where,
            hint=f"Describe paths below {description.route.path}, or route this one to the service.",
        )
        for description in descriptions
        for path in description.document.get("paths", {})
        if (route := find_route(routes, path)) is None or route.service != description.route.service
    ]


def print_description(document: Document) -> str:
    """Return the description as one line of ASCII, which any configuration can carry."""
    return json.dumps(document, separators=(",", ":"))


def _answerer(routes: tuple[Route, ...], path: str) -> str:
    route = find_route(routes, path)
    return f"{route.service} (route {route.path})" if route else "nobody"


def _tag(description: Description) -> Document:
    info = description.document.get("info", {})
    told = info.get("description") or info.get("summary") or info.get("title", "")
    return {"name": description.route.service, "description": told}


def _paths(description: Description) -> Document:
    service, document = description.route.service, description.document
    rename = _renamer(service)
    inherited = document.get("security")
    return {
        path: {
            key: _operation(service, _renamed(value, rename), _renamed_security(inherited, rename))
            if key in _OPERATIONS
            else _renamed_value(key, value, rename)
            for key, value in item.items()
        }
        for path, item in document.get("paths", {}).items()
    }


def _operation(service: str, operation: Document, inherited: Any) -> Document:
    """Return an operation that says for itself what its document said for all: its service and its security."""
    security = {} if inherited is None else {"security": inherited}
    return security | operation | {"tags": [service]}


def _components(description: Description) -> Document:
    rename = _renamer(description.route.service)
    return {
        kind: {rename(name): _renamed(value, rename) for name, value in named.items()}
        for kind, named in description.document.get("components", {}).items()
    }


def _renamer(service: str) -> Rename:
    return lambda name: f"{service}.{name}"


def _renamed(node: Any, rename: Rename, *, named: bool = False) -> Any:
    """Return a part of a description with every name of a component, a scheme and an operation renamed."""
    if isinstance(node, list):
        return [_renamed(element, rename) for element in node]
    if not isinstance(node, dict):
        return node
    if named:
        return {name: _renamed(value, rename) for name, value in node.items()}
    return {key: _renamed_value(key, value, rename) for key, value in node.items()}


def _renamed_value(key: str, value: Any, rename: Rename) -> Any:
    renamed = value
    match key, value:
        case (("$ref" | "operationRef"), str()):
            renamed = _renamed_reference(value, rename)
        case "operationId", str():
            renamed = rename(value)
        case "security", list():
            renamed = _renamed_security(value, rename)
        case "mapping", dict():
            renamed = {name: _renamed_mapping(target, rename) for name, target in value.items()}
        case _ if not _is_literal(key, value):
            renamed = _renamed(value, rename, named=key in _NAMED)
    return renamed


def _is_literal(key: str, value: Any) -> bool:
    """Tell plain values apart; `examples` is a list of them in a schema, and named objects elsewhere."""
    return key in _LITERAL or (key == "examples" and isinstance(value, list))


def _renamed_reference(reference: str, rename: Rename) -> str:
    if not reference.startswith(_REFERENCE):
        return reference
    kind, _, rest = reference.removeprefix(_REFERENCE).partition("/")
    name, slash, inner = rest.partition("/")
    return f"{_REFERENCE}{kind}/{rename(name)}{slash}{inner}"


def _renamed_mapping(target: str, rename: Rename) -> str:
    """Return a discriminator's target: a reference, or the bare name of a schema."""
    return _renamed_reference(target, rename) if "/" in target else rename(target)


def _renamed_security(requirements: Any, rename: Rename) -> Any:
    if requirements is None:
        return None
    return [{rename(name): scopes for name, scopes in each.items()} for each in requirements]
