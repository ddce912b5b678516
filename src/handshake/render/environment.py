"""How templates are read and compiled: once, all of them, escaping whatever content brings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Undefined

from handshake.render.settings import FILE


class ContentEnvironment(Environment):
    """Jinja in which `page.items` is the field of a document, never a method of Python's dictionaries."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Look a name up in a document by its fields alone, in anything else as Jinja does."""
        if isinstance(obj, dict):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


def read_texts(folder: Path) -> dict[str, str]:
    """Return every file of a template release but its settings, by its path below the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    texts = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}
    texts.pop(FILE, None)
    return texts


def build_environment(texts: Mapping[str, str]) -> Environment:
    """Return an environment of these templates; from here on nothing is read from disk.

    A name or field that nothing provides is an error, not an empty text.
    """

    def load(name: str) -> tuple[str, str, Any] | None:
        # Each template carries its name as its file name, so that errors can say template:line.
        return (texts[name], name, lambda: True) if name in texts else None

    undefined: type[Undefined] = StrictUndefined
    return ContentEnvironment(
        loader=FunctionLoader(load),
        autoescape=True,
        undefined=undefined,
        auto_reload=False,
        cache_size=-1,
        trim_blocks=True,
        lstrip_blocks=True,
    )
