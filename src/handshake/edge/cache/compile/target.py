"""What the cache's VCL depends on besides the policy: sockets, and which release of each site is live."""

from __future__ import annotations

from dataclasses import dataclass, field

from handshake.release.manifest import SiteContract


@dataclass(frozen=True, kw_only=True)
class RegionSocket:
    """The origin proxy's socket for one region."""

    name: str
    socket: str


@dataclass(frozen=True, kw_only=True)
class CacheTarget:
    """Where the cache fetches from."""

    gateway_socket: str
    regions: tuple[RegionSocket, ...]
    """In the order in which they are tried."""
    storage_megabytes: int = 256
    """The cache's storage size: it determines how large a cached answer may be."""


@dataclass(frozen=True, kw_only=True)
class SiteShape:
    """The kinds of documents that a release has: stores are not asked for kinds that it lacks."""

    has_bare: bool = True
    """Files without an extension: LICENSE."""
    has_flat: bool = True
    """Pages with a name of their own: about.html."""
    has_folders: bool = True
    """Folders with an index: blog/index.html."""
    has_dotted: bool = True
    """Pages and folders whose name contains a dot, which looks like an extension: v1.2.html."""


@dataclass(frozen=True, kw_only=True)
class ReleaseRoute:
    """One release of a site, as the cache serves it."""

    release: str
    """As in the stores' keys: `sites/<name>/<release>/...`."""
    contract: SiteContract = field(default_factory=SiteContract)
    shape: SiteShape = field(default_factory=SiteShape)


@dataclass(frozen=True, kw_only=True)
class SplitRoute:
    """A share of a site's visitors who see another release."""

    other: ReleaseRoute
    share: int
    """Percent."""
    seconds: int
    """How long a visitor's browser remembers which release it sees."""


@dataclass(frozen=True, kw_only=True)
class SiteRoute:
    """One site: where visitors find it, and what the object stores keep for it."""

    name: str
    mount: str
    """`/calls`; `/` for a site at the root."""
    live: ReleaseRoute
    previous_release: str | None = None
    """Shown if no region has the live one; None if there was none."""
    split: SplitRoute | None = None


@dataclass(frozen=True, kw_only=True)
class PreviewRoute:
    """A release on a host name of its own, protected by a password."""

    label: str
    """The host name's first part: `3f2a9b1c77aa--calls`."""
    name: str
    """The site's."""
    mount: str
    shown: ReleaseRoute
    credential: str
    """SHA-256, in hexadecimal capitals, of the `Authorization` header that opens it."""
