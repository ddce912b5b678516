"""Reads `gateway.toml` and the OpenAPI files that it names; reports every problem of all of them at once."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from handshake.config.reader import Loaded, read_settings
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.gateway.openapi import (
    Description,
    Document,
    check_outside,
    merge_descriptions,
    print_description,
)
from handshake.gateway.policy import GatewayPolicy, check_routes

DESCRIPTION_BYTES = 500_000
"""The largest merged description: a router must hold each of its own answers in one buffer."""


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A checked policy, and the merged description of its services as JSON text."""

    policy: GatewayPolicy
    description: str


def read_gateway(path: Path, *, services: Collection[str], shown_as: str = "") -> Gateway:
    """Return what a `gateway.toml` asks for; raise ProblemsError with everything wrong with it and its files."""
    loaded = read_settings(GatewayPolicy, path, shown_as=shown_as)
    descriptions, problems = _read_descriptions(loaded, path.parent)
    merged = print_description(merge_descriptions(loaded.model.title, descriptions))
    problems += check_routes(loaded, services)
    problems += check_outside(loaded.model.route, descriptions)
    problems += _check_once(descriptions)
    problems += _check_size(loaded, merged)
    if problems:
        raise ProblemsError(problems)
    return Gateway(policy=loaded.model, description=merged)


def _read_descriptions(
    loaded: Loaded[GatewayPolicy], folder: Path
) -> tuple[list[Description], list[Problem]]:
    descriptions: list[Description] = []
    problems: list[Problem] = []
    for number, route in enumerate(loaded.model.route):
        if not route.openapi:
            continue
        where = loaded.source.at("route", number, "openapi")
        document = _read_document(folder / route.openapi, where)
        if isinstance(document, Problem):
            problems.append(document)
        else:
            descriptions.append(Description(route=route, document=document, where=where))
    return descriptions, problems


def _read_document(file: Path, where: Location) -> Document | Problem:
    try:
        return _as_document(json.loads(file.read_bytes()), file, where)
    except json.JSONDecodeError as error:
        return Problem(
            check="gateway-openapi-syntax",
            what=f"not valid JSON: {error.msg}",
            where=Location(file=str(file), line=error.lineno, column=error.colno),
            hint="Regenerate the description from the service, or correct the line.",
        )
    except (OSError, UnicodeDecodeError) as error:
        return Problem(
            check="gateway-openapi-missing",
            what=f"{file} cannot be read: {error}",
            where=where,
            hint="Specify a file relative to gateway.toml, or remove the setting.",
        )


def _as_document(document: object, file: Path, where: Location) -> Document | Problem:
    if isinstance(document, dict) and _is_description(document):
        return document
    return Problem(
        check="gateway-openapi-version",
        what=f"{file} is not an OpenAPI 3.1 description with paths",
        where=where,
        hint='It must be an object with "openapi": "3.1.0" and "paths": { ... }.',
    )


def _is_description(document: Document) -> bool:
    match document:
        case {"openapi": str(version), "paths": {**paths}}:
            return version.startswith("3.1.") and all(isinstance(item, dict) for item in paths.values())
        case _:
            return False


def _check_once(descriptions: list[Description]) -> list[Problem]:
    described: set[str] = set()
    problems = []
    for description in descriptions:
        service = description.route.service
        if service in described:
            problems.append(
                Problem(
                    check="gateway-openapi-twice",
                    what=f"{service} is described by two routes",
                    where=description.where,
                    hint="Set `openapi` on one route of each service.",
                )
            )
        described.add(service)
    return problems


def _check_size(loaded: Loaded[GatewayPolicy], merged: str) -> list[Problem]:
    if len(merged) <= DESCRIPTION_BYTES:
        return []
    return [
        Problem(
            check="gateway-openapi-too-large",
            what=f"the merged description has {len(merged):,} bytes; the maximum is {DESCRIPTION_BYTES:,}",
            where=Location(file=loaded.source.file),
            hint="Remove `openapi` from some routes, or shorten examples and descriptions.",
        )
    ]
