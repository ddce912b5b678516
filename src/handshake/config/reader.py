"""Reads a configuration file into a typed model and reports every problem at once."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from handshake.config.source import Source, parse_source
from handshake.core.problem import Location, Problem, ProblemsError

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Loaded(Generic[Model]):
    """A typed model and the position of each value in its file."""

    model: Model
    source: Source


def read_settings(model: type[Model], path: Path, *, shown_as: str = "") -> Loaded[Model]:
    """Return a file's settings; raise ProblemsError with every problem, each with file:line:column and a hint."""
    shown = shown_as or str(path)
    return parse_settings(model, _read_text(path, shown), shown_as=shown)


def parse_settings(model: type[Model], text: str, *, shown_as: str) -> Loaded[Model]:
    """Return the settings in a text; raise ProblemsError as `read_settings` does."""
    source = parse_source(shown_as, text)
    try:
        return Loaded(model=model.model_validate(source.values), source=source)
    except ValidationError as error:
        problems = [_to_problem(model, source, detail) for detail in error.errors()]
        raise ProblemsError(problems) from error


def _read_text(path: Path, shown: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        problem = Problem(
            check="missing-file",
            what="the file does not exist",
            where=Location(file=shown),
            hint="Create it, or specify another folder.",
        )
        raise ProblemsError([problem]) from error
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem(
            check="unreadable-file",
            what=f"the file cannot be read: {error}",
            where=Location(file=shown),
            hint="It must be UTF-8 text that this user can read.",
        )
        raise ProblemsError([problem]) from error


def _to_problem(model: type[BaseModel], source: Source, detail: ErrorDetails) -> Problem:
    path = detail["loc"]
    where = source.at(*path)
    name = ".".join(str(step) for step in path)
    match detail["type"]:
        case "extra_forbidden":
            return _unknown_key(model, path, where)
        case "missing":
            return Problem(
                check="missing-key",
                what=f"{name} is missing",
                where=where,
                hint=f"Add {path[-1]} = ... here.",
            )
        case kind if kind.endswith(("_type", "_parsing")):
            return Problem(
                check="wrong-type",
                what=f"{name}: {_sentence(detail['msg'])}",
                where=where,
                hint="docs/reference/settings.md gives every setting's type.",
            )
        case _:
            return Problem(
                check="bad-value",
                what=f"{name}: {_sentence(detail['msg'])}",
                where=where,
                hint="docs/reference/settings.md lists the allowed values.",
            )


def _unknown_key(model: type[BaseModel], path: tuple[int | str, ...], where: Location) -> Problem:
    key = str(path[-1])
    known = sorted(_keys_of(model, path[:-1]))
    nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"Did you mean {nearest[0]}?" if nearest else f"Known settings: {', '.join(known)}."
    return Problem(check="unknown-key", what=f"{key} is not a setting of this table", where=where, hint=hint)


def _keys_of(model: type[BaseModel], path: tuple[int | str, ...]) -> set[str]:
    """Return the keys allowed in the table at a path, following the model's annotations."""
    annotations: list[Any] = [model]
    for step in path:
        annotations = [inner for outer in annotations for inner in _below(outer, step)]
    return {
        field.alias or name
        for kind in annotations
        if isinstance(kind, type) and issubclass(kind, BaseModel)
        for name, field in kind.model_fields.items()
    }


def _below(annotation: Any, step: int | str) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = {field.alias or name: field.annotation for name, field in annotation.model_fields.items()}
        # A step that is not a field is pydantic's own (a union's branch): stay here.
        return _members(fields[step]) if step in fields else [annotation]
    if get_origin(annotation) in {dict, list, tuple}:
        return [member for inner in get_args(annotation) for member in _members(inner)]
    return []


def _members(annotation: Any) -> list[Any]:
    if get_origin(annotation) in {Union, UnionType}:
        return [member for inner in get_args(annotation) for member in _members(inner)]
    if hasattr(annotation, "__metadata__"):
        return _members(annotation.__origin__)
    return [annotation]


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should be", "it should be")
