"""Pages: path, template and content of each, as declared in the settings of a template release."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from pydantic import Field

from handshake.config.settings import Settings

_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+|\{[a-z][a-z0-9_]*\}")
_PARAMETER = re.compile(r"\{([a-z][a-z0-9_]*)\}")


@dataclass(frozen=True, kw_only=True)
class Page:
    """A template release's declaration of a page, or of all pages of one path pattern."""

    path: str
    template: str
    content: Mapping[str, str]
    """The template's name for a document -> the pattern of the document's key."""
    max_age_seconds: int

    @property
    def is_single(self) -> bool:
        """Whether the path stands for one page only, so that it can be rendered without being asked for."""
        return not find_parameters(self.path)

    def keys(self, parameters: Mapping[str, str]) -> dict[str, str]:
        """Return the template's name for each document -> the document's key."""
        return {name: pattern.format_map(parameters) for name, pattern in self.content.items()}


@dataclass(frozen=True)
class Rendering:
    """A rendered page."""

    html: bytes
    read_at: float
    """When its content was read; UTC, seconds since the epoch."""

    @cached_property
    def etag(self) -> str:
        """The entity tag that this text has, whichever instance rendered it."""
        return f'"{hashlib.sha256(self.html).hexdigest()[:32]}"'


def is_path(text: str) -> bool:
    """Return whether a text is a path pattern: `/`, or segments that are literal or one `{parameter}`."""
    if text == "/":
        return True
    start, *segments = text.split("/")
    return not start and all(_SEGMENT.fullmatch(segment) for segment in segments)


def find_parameters(text: str) -> tuple[str, ...]:
    """Return the names of a pattern's parameters, in their order."""
    return tuple(_PARAMETER.findall(text))


def path_shape(path: str) -> str:
    """Return the path without its parameters' names: two pages of one shape could not be told apart."""
    return _PARAMETER.sub("{}", path)


# The settings of a template release: which page is made of which template and which content.

FILE = "templates.toml"


class PageSettings(Settings):
    """One page, or all the pages of one path pattern."""

    path: str = Field(
        description="The page's path, such as `/donate`; `/news/{story}` declares a page for every story."
    )
    template: str = Field(description="The template, by its path below the folder.")
    content: dict[str, str] = Field(
        default_factory=dict,
        description="The documents of the template: its own name for a document -> the document's key in the content "
        "store. A key may contain the path's parameters, as in `page:news:{story}`.",
    )
    max_age_seconds: int = Field(
        default=5,
        ge=0,
        le=3600,
        description="How long the edge and browsers may cache the page.",
    )


class TemplateReleaseSettings(Settings):
    """The file `templates.toml` of a template release."""

    error_page: str = Field(
        description="The template of every error page. It receives `status`, a number, and no content, so that it can "
        "be rendered whatever is broken.",
    )
    page: tuple[PageSettings, ...] = Field(min_length=1, description="The pages, one `[[page]]` table each.")
