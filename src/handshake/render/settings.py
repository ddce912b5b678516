"""The settings of a template release: which page is made of which template and which content."""

from __future__ import annotations

from pydantic import Field

from handshake.config.settings import Settings

FILE = "templates.toml"


class PageSettings(Settings):
    """One page, or all the pages of one path pattern."""

    path: str = Field(
        description="The page's path, such as `/donate`; `/news/{story}` stands for a page for every story."
    )
    template: str = Field(description="The template that renders it, named by its path below the folder.")
    content: dict[str, str] = Field(
        default_factory=dict,
        description="What the template sees: its own name for a document -> the document's key in the content "
        "store. A key may contain the path's parameters, as in `page:news:{story}`.",
    )
    max_age_seconds: int = Field(
        default=5,
        ge=0,
        le=3600,
        description="How long the edge and browsers may keep the page before they ask again.",
    )


class TemplatesSettings(Settings):
    """The file `templates.toml` of a template release."""

    error_page: str = Field(
        description="The template of every error. It sees `status`, a number, and no content, so that it can "
        "be rendered whatever is broken."
    )
    page: tuple[PageSettings, ...] = Field(min_length=1, description="The pages, one `[[page]]` table each.")
