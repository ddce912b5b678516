"""A folder of JSON files as documents: what a content store is filled with before anybody has edited it."""

from __future__ import annotations

from pathlib import Path

from handshake.core.errors import RefusedError
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.render.content import Document, parse_document


def read_documents(folder: Path) -> tuple[Document, ...]:
    """Return a folder's documents; ProblemsError names every file that holds none.

    `page/home.json` is the document `page:home`; files that do not end in `.json` are left alone.
    """
    documents: list[Document] = []
    problems: list[Problem] = []
    for path in sorted(folder.rglob("*.json")):
        try:
            documents.append(_read_document(folder, path))
        except RefusedError as error:
            problems.append(_problem(path, error))
    if problems:
        raise ProblemsError(problems)
    return tuple(documents)


def _read_document(folder: Path, path: Path) -> Document:
    key = ":".join(path.relative_to(folder).with_suffix("").parts)
    return parse_document(key, path.read_bytes())


def _problem(path: Path, error: RefusedError) -> Problem:
    return Problem(
        check="content-document",
        what=f"{error.what}{f': {error.details}' if error.details else ''}",
        where=Location(file=str(path)),
        hint="A document is one JSON object: { ... }.",
    )
