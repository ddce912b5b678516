"""A recipe: the contents of `service.toml`, typed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from handshake.config.reader import Loaded, read_settings
from handshake.config.settings import Settings
from handshake.core.digest import parse_digest
from handshake.core.subject import parse_name
from handshake.release.image_contract import Contract, Health, Idempotent

FILE_NAME = "service.toml"
HOST_BASE = "host"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS = re.compile(r"HOST|PORT|HANDSHAKE_.*")
"""Variables that the node sets (`fleet/instances/launch.py`); recipes cannot set them."""


def _base(text: str) -> str:
    try:
        return text if text == HOST_BASE else parse_digest(text)
    except ValueError as error:
        raise ValueError(
            f"{text!r} is not a valid base: write {HOST_BASE}, or a base image's release id"
        ) from error


def _command(words: tuple[str, ...]) -> tuple[str, ...]:
    if not words:
        raise ValueError("a command must have at least one word")
    return words


def _variable(text: str) -> str:
    if not _VARIABLE.fullmatch(text):
        raise ValueError(f"{text!r} is not a valid variable name: use letters, digits and underscores")
    if _OURS.fullmatch(text):
        raise ValueError(f"{text} is set by the node, so a recipe cannot set it")
    return text


def _word(text: str) -> str:
    if "\0" in text:
        raise ValueError("commands and variables cannot contain NUL")
    return text


def _json(text: str) -> str:
    try:
        json.loads(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not valid JSON: {error}") from error
    return text


def _optional_name(text: str) -> str:
    return text and parse_name(text)


Name = Annotated[str, AfterValidator(parse_name)]
Word = Annotated[str, AfterValidator(_word)]
Variable = Annotated[str, AfterValidator(_variable)]
UrlPath = Annotated[str, Field(pattern=r"^/[!-~]*$")]


class HealthSettings(Settings):
    """How the service reports that it can serve."""

    path: str = Field(
        default="/health",
        pattern=r"^/[!-~]*$",
        description="The path of the health check on the service's port.",
    )
    deadline_seconds: float = Field(
        default=10,
        gt=0,
        le=300,
        description="The maximum time from an instance's start to its first good answer.",
    )


class IdempotentSettings(Settings):
    """A POST that has one effect however often it is sent with one key; `handshake contract check` sends it."""

    path: UrlPath = Field(description="The path of the POST.")
    body: Annotated[str, AfterValidator(_json)] = Field(description="The body to send: valid JSON.")
    header: str = Field(
        default="Idempotency-Key", pattern=r"^[A-Za-z0-9-]+$", description="The header with the key."
    )
    count_path: UrlPath = Field(
        description="The path of a GET whose JSON response contains the number of effects."
    )
    count: str = Field(
        pattern=r"^(/[^/]*)+$",
        description="Where the number is in that response, as a JSON pointer (RFC 6901), such as `/count`.",
    )


class BuildSettings(Settings):
    """One step that adds files to the image: exactly one of `copy`, `python`, `node` and `platform`."""

    copy_: str = Field(
        default="",
        alias="copy",
        description="A file or folder to copy, relative to the recipe; it may be outside the service's folder, "
        "such as shared code, but not outside the campaign.",
    )
    python: str = Field(
        default="",
        description="A file of pinned requirements, whose wheels are unpacked without running scripts.",
    )
    node: str = Field(
        default="",
        description="npm's lock file, beside its `package.json`; its packages become `node_modules`, "
        "without running scripts and without development dependencies.",
    )
    executable: bool = Field(
        default=False,
        description="Whether copied files become executable regardless of their mode, as for a downloaded binary.",
    )
    platform: tuple[str, ...] = Field(
        default=(),
        description="Modules of the platform's own package, put under `handshake/`: `core`, `drivers/redis`.",
    )
    to: str = Field(description="The target in the image: a relative path, or `.` for its root.")


class Recipe(Settings):
    """What a service consists of and what it promises: `service.toml`, beside its source."""

    command: tuple[Word, ...] = Field(
        min_length=1, description="The command to run, with the image's root as its working directory."
    )
    base: Annotated[str, AfterValidator(_base)] = Field(
        description="`host` for this machine's own /usr (only on a laptop), or a base image's release id."
    )
    stores: tuple[Name, ...] = Field(
        default=(),
        description="The stores that it needs. The address of each is in the file `/run/secrets/<store>`.",
    )
    templates: Annotated[str, AfterValidator(_optional_name)] = Field(
        default="", description="The templates that it serves. Empty: none."
    )
    drain_seconds: float = Field(
        default=30, ge=0, le=3600, description="How long requests in flight may take after SIGTERM."
    )
    memory_megabytes: int = Field(
        default=256, ge=16, le=1 << 20, description="The memory limit of an instance (data, per process)."
    )
    health: HealthSettings = Field(default=HealthSettings(), description="The health check.")
    reads: tuple[UrlPath, ...] = Field(
        default=(),
        description="GETs that any two instances answer alike; used by `handshake contract check` besides health.",
    )
    idempotent: tuple[IdempotentSettings, ...] = Field(
        default=(), description="POSTs that have one effect per key."
    )
    environment: dict[Variable, Word] = Field(
        default_factory=dict, description="Environment variables, in addition to those that the node sets."
    )
    public: tuple[str, ...] = Field(
        default=(),
        description="Paths in the image of files that look like credentials but are public.",
    )
    build: tuple[BuildSettings, ...] = Field(default=(), description="The steps that add files to the image.")


def read_recipe(folder: Path) -> Loaded[Recipe]:
    """Return the recipe beside a service's source; raise ProblemsError with every problem of the file."""
    return read_settings(Recipe, folder / FILE_NAME)


# A contract: what an image promises and asks for, as its manifest holds it.


def contract_of(recipe: Recipe) -> Contract:
    """Return the part of a recipe that matters once the image is baked."""
    return Contract(
        command=recipe.command,
        health=Health(path=recipe.health.path, deadline_seconds=recipe.health.deadline_seconds),
        environment=dict(recipe.environment),
        stores=recipe.stores,
        templates=recipe.templates,
        drain_seconds=recipe.drain_seconds,
        memory_megabytes=recipe.memory_megabytes,
        reads=recipe.reads,
        idempotent=tuple(Idempotent(**its.model_dump()) for its in recipe.idempotent),
    )
