"""What a site's release says of how it is served: part of its manifest, so that it moves with the files."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from handshake.core.compressible import Encoding

DAY_SECONDS = 86_400
MOVES = (301, 302, 303, 307, 308)
"""The statuses that send a visitor to another address."""


class Dialect(StrEnum):
    """Whose way of reading `_redirects` and `_headers` a site was written for."""

    NETLIFY = "netlify"
    """A file goes before a rule without `!`; a slash at the end of a path makes no difference."""
    CLOUDFLARE = "cloudflare"
    """A rule goes before a file; `/a` and `/a/` are two paths."""


@dataclass(frozen=True, kw_only=True)
class RedirectRule:
    """One line of `_redirects`."""

    pattern: str
    """A path from the site's root in its one spelling; `:name` stands for a part, `*` for any rest."""
    target: str
    """A path from the site's root, or a whole URL; `:name` and `:splat` stand for what the pattern found."""
    status: int
    """301 to 308: sends the visitor there; 200: shows that file here; 404: shows it as the not-found page."""
    is_forced: bool
    """Whether it holds where a file stands at the path too."""
    query: tuple[tuple[str, str], ...] = ()
    """Parameters that the request must carry: name and value; a value `:name` takes any."""


@dataclass(frozen=True, kw_only=True)
class HeaderRule:
    """One block of `_headers`."""

    pattern: str
    sets: tuple[tuple[str, str], ...] = ()
    """Name and value; what several rules say of one name is joined with a comma."""
    unsets: tuple[str, ...] = ()
    """Names that this rule takes off again."""


@dataclass(frozen=True, kw_only=True)
class SiteContract:
    """How a release of a site is served; the defaults are those of a release that says nothing."""

    assets: tuple[str, ...] = ()
    """Folders, each ending in a slash, whose files all releases share."""
    is_pretty: bool = False
    """Whether `/about` shows about.html, and is its only address."""
    not_found: str = ""
    """The file that is shown, with status 404, where there is no file; empty: a line of text."""
    fallback: str = ""
    """The file that is shown, with status 200, at paths without an extension; empty: none."""
    query: tuple[str, ...] = ()
    """Parameters that tell apart what the cache keeps; all others are left out of its keys."""
    encodings: tuple[Encoding, ...] = ()
    """In which every compressible file stands in the regions too."""
    dialect: Dialect = Dialect.NETLIFY
    redirects: tuple[RedirectRule, ...] = ()
    """In their order; the first that matches counts."""
    headers: tuple[HeaderRule, ...] = ()
    retention_seconds: int = 30 * DAY_SECONDS
    """How long the assets of a release are kept after the site has moved on."""
