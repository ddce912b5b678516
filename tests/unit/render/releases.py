"""Template releases and content for tests, made of a few words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handshake.core.errors import RefusedError, UnavailableError
from handshake.renderer.content import ContentReading, Document

SETTINGS = """\
error_page = "error.html"

[[page]]
path = "/"
template = "home.html"
content = { page = "page:home" }

[[page]]
path = "/news/{story}"
template = "story.html"
content = { story = "page:news:{story}" }
"""

FILES = {
    "templates.toml": SETTINGS,
    "layout.html": "<title>{% block title %}{% endblock %}</title>{{ release }}",
    "home.html": "{% extends 'layout.html' %}{% block title %}{{ page.title }}{% endblock %}",
    "story.html": "{{ story.title }} at {{ parameters.story }}",
    "error.html": "error {{ status }}",
}


def write_release(folder: Path, changes: Mapping[str, str | None] | None = None) -> Path:
    """Write a good template release with some files changed, or left out where the change is None."""
    for name, text in {**FILES, **(changes or {})}.items():
        if text is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return folder


class MemoryContent:
    """A content source in memory, which can be put out of reach."""

    def __init__(self, **pages: Mapping[str, Any]) -> None:
        self.documents = {f"page:{name}": dict(fields) for name, fields in pages.items()}
        self.reachable = True
        self.readings = 0

    async def read(self, keys: frozenset[str]) -> ContentReading:
        """Return the documents that are there."""
        self.readings += 1
        if not self.reachable:
            raise UnavailableError("the content store does not answer")
        found = {key: Document(key=key, fields=self.documents[key]) for key in keys & self.documents.keys()}
        for document in found.values():
            if document.fields == {"broken": True}:
                raise RefusedError(f"the content {document.key} is not a JSON object")
        return ContentReading(documents=found, read_at=1.0)

    async def close(self) -> None:
        """Nothing to give back."""
