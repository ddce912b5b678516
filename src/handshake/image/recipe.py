"""A recipe: what `service.toml` says of a service, typed."""

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
"""Variables that the node sets (`fleet/instances/launch.py`); a recipe that set them too would contradict it."""


def _base(text: str) -> str:
    try:
        return text if text == HOST_BASE else parse_digest(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no base: {HOST_BASE}, or a base image's release id") from error


def _command(words: tuple[str, ...]) -> tuple[str, ...]:
    if not words:
        raise ValueError("a command has at least one word")
    return words


def _variable(text: str) -> str:
    if not _VARIABLE.fullmatch(text):
        raise ValueError(f"{text!r} cannot name a variable: letters, digits and underscores")
    if _OURS.fullmatch(text):
        raise ValueError(f"{text} is set by the node, never by a recipe")
    return text


def _word(text: str) -> str:
    if "\0" in text:
        raise ValueError("a word of a command or a variable's value holds no NUL")
    return text


def _json(text: str) -> str:
    try:
        json.loads(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no JSON: {error}") from error
    return text


def _optional_name(text: str) -> str:
    return text and parse_name(text)


Name = Annotated[str, AfterValidator(parse_name)]
Word = Annotated[str, AfterValidator(_word)]
Variable = Annotated[str, AfterValidator(_variable)]
UrlPath = Annotated[str, Field(pattern=r"^/[!-~]*$")]


class HealthSettings(Settings):
    """How the service says that it is able to serve."""

    path: str = Field(
        default="/health", pattern=r"^/[!-~]*$", description="What is asked on the service's port."
    )
    deadline_seconds: float = Field(
        default=10, gt=0, le=300, description="From an instance's start to its first good answer."
    )


class IdempotentSettings(Settings):
    """A POST that has one effect however often it is sent under one key; `handshake contract check` sends it."""

    path: UrlPath = Field(description="Where it is sent.")
    body: Annotated[str, AfterValidator(_json)] = Field(
        description="What is sent: a JSON text that is valid."
    )
    header: str = Field(
        default="Idempotency-Key", pattern=r"^[A-Za-z0-9-]+$", description="The header that carries the key."
    )
    count_path: UrlPath = Field(description="A GET whose answer, JSON, shows how many effects there were.")
    count: str = Field(
        pattern=r"^(/[^/]*)+$",
        description="Where in that answer the number stands, as a JSON pointer (RFC 6901): `/count`.",
    )


class BuildSettings(Settings):
    """One step that brings files into the image: exactly one of `copy`, `python`, `node` and `platform`."""

    copy_: str = Field(
        default="",
        alias="copy",
        description="A file or folder to copy, relative to the recipe; it may lie beside the service's folder, "
        "as shared code does, but not outside of the campaign.",
    )
    python: str = Field(
        default="",
        description="A file of pinned requirements, whose wheels are unpacked without their scripts.",
    )
    node: str = Field(
        default="",
        description="npm's lock file, beside its `package.json`; its packages become `node_modules`, "
        "without scripts run and without those for development.",
    )
    executable: bool = Field(
        default=False,
        description="Whether what is copied becomes executable whatever its mode, as a fetched binary needs it.",
    )
    platform: tuple[str, ...] = Field(
        default=(),
        description="Rooms of the platform's own package, put under `handshake/`: `core`, `drivers/redis`.",
    )
    to: str = Field(description="Where the files go in the image: a relative path, or `.` for its root.")


class Recipe(Settings):
    """What a service is made of and what it promises: `service.toml`, beside its source."""

    command: tuple[Word, ...] = Field(
        min_length=1, description="What runs, with the image's root as its folder."
    )
    base: Annotated[str, AfterValidator(_base)] = Field(
        description="`host` for this machine's own /usr (on a laptop only), or a base image's release id."
    )
    stores: tuple[Name, ...] = Field(
        default=(), description="Stores it needs; each one's address is a file, `/run/secrets/<store>`."
    )
    templates: Annotated[str, AfterValidator(_optional_name)] = Field(
        default="", description="The template releases that it serves; empty for none."
    )
    drain_seconds: float = Field(
        default=30, ge=0, le=3600, description="How long it may finish what is in flight after SIGTERM."
    )
    memory_megabytes: int = Field(
        default=256, ge=16, le=1 << 20, description="Memory (data, per process) that an instance may take."
    )
    health: HealthSettings = Field(
        default=HealthSettings(), description="How it says that it is able to serve."
    )
    reads: tuple[UrlPath, ...] = Field(
        default=(),
        description="GETs that any two instances answer alike: what `handshake contract check` asks beside health.",
    )
    idempotent: tuple[IdempotentSettings, ...] = Field(
        default=(), description="POSTs that have one effect under one key."
    )
    environment: dict[Variable, Word] = Field(
        default_factory=dict, description="Variables that it gets, beside those that the node sets."
    )
    public: tuple[str, ...] = Field(
        default=(),
        description="Paths in the image of files that look like credentials and may be read by everybody.",
    )
    build: tuple[BuildSettings, ...] = Field(
        default=(), description="The steps that bring its files into the image."
    )


def read_recipe(folder: Path) -> Loaded[Recipe]:
    """Return the recipe beside a service's source; ProblemsError names every problem of the file."""
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
