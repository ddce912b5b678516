"""What the cache routes by: live releases, previews, splits and the fallback copy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Generic, TypeVar

from handshake.core.digest import Digest, digits, short
from handshake.core.errors import HandshakeError, RefusedError, UnavailableError
from handshake.core.subject import Kind, Subject
from handshake.edge.cache.compile.site_releases import CopyRoute
from handshake.edge.cache.compile.target import PreviewRoute, ReleaseRoute, SiteRoute, SiteShape, SplitRoute
from handshake.edge.live_policy import LiveEdgePolicy
from handshake.pointers.pointer import Pointer
from handshake.release.manifest import Manifest
from handshake.site.contract import parse_contract
from handshake.site.copy.schedule import SUBJECT
from handshake.site.traffic import SiteTraffic

Route = TypeVar("Route", SiteRoute, CopyRoute)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A release that visitors see or are about to see."""

    site: str
    route: ReleaseRoute


@dataclass(frozen=True, kw_only=True)
class Mounted:
    """A site's pointer and where visitors find the site."""

    pointer: Pointer
    mount: str


@dataclass(frozen=True, kw_only=True)
class Held(Generic[Route]):
    """A site, or the fallback copy, that cannot move now."""

    pointer: Pointer
    error: HandshakeError
    """Why: RefusedError if the release is not understood, UnavailableError if it cannot be read now."""
    meanwhile: Route | None
    """What visitors keep seeing; None if that is not known."""


def split_held(
    tried: Iterable[Route | Held[Route]],
) -> tuple[tuple[Route, ...], tuple[Held[Route], ...]]:
    """Return everything that is shown, and what of it could not move."""
    known = tuple(tried)
    held = tuple(its for its in known if isinstance(its, Held))
    shown = (its.meanwhile if isinstance(its, Held) else its for its in known)
    return tuple(its for its in shown if its is not None), held


def mount_sites(live: LiveEdgePolicy, pointers: Mapping[Subject, Pointer]) -> tuple[Mounted, ...]:
    """Return the pointers of the sites that the policy declares."""
    sites = live.policy.campaign.sites
    return tuple(
        Mounted(pointer=pointer, mount=sites[subject.name].mount)
        for subject, pointer in sorted(pointers.items())
        if subject.kind is Kind.SITE and subject.name in sites
    )


class SiteRouting:
    """Knows every release that it was once asked for, which never changes."""

    def __init__(self, manifest_of: Callable[[Digest], Manifest]) -> None:
        self._manifest_of = manifest_of
        self._known: dict[Digest, ReleaseRoute] = {}

    def route_site(self, mounted: Mounted, traffic: SiteTraffic) -> SiteRoute:
        """Return a site's route; RefusedError where this edge does not understand its release."""
        pointer = mounted.pointer
        return SiteRoute(
            name=pointer.subject.name,
            mount=mounted.mount,
            live=self._route(pointer.release),
            previous_release=digits(pointer.before) if pointer.before else None,
            split=self._split(pointer, traffic),
        )

    def try_site(
        self, mounted: Mounted, traffic: SiteTraffic, served: SiteRoute | None
    ) -> SiteRoute | Held[SiteRoute]:
        """Return a site's route, or what it shows until it can move: what is served here, else the stable release."""
        try:
            return self.route_site(mounted, traffic)
        except (RefusedError, UnavailableError) as error:
            meanwhile = replace(served, mount=mounted.mount, split=None) if served else self._stable(mounted)
            return Held(pointer=mounted.pointer, error=error, meanwhile=meanwhile)

    def try_copy(self, pointer: Pointer, served: CopyRoute | None) -> CopyRoute | Held[CopyRoute]:
        """Return the fallback copy's route, or what it shows until it can move."""
        if served and served.shown.release == digits(pointer.release):
            return served
        try:
            return route_copy(pointer.release, self._manifest_of(pointer.release))
        except (RefusedError, UnavailableError) as error:
            return Held(pointer=pointer, error=error, meanwhile=served or self._stable_copy(pointer.stable))

    def route_previews(self, live: LiveEdgePolicy, traffic: SiteTraffic) -> tuple[PreviewRoute, ...]:
        """Return the previews of the policy's sites; one whose release cannot be had is left out."""
        sites = live.policy.campaign.sites
        return tuple(
            PreviewRoute(
                label=its.label,
                name=its.site,
                mount=sites[its.site].mount,
                shown=shown,
                credential=its.credential,
            )
            for its in traffic.previews
            if its.site in sites and (shown := self._find(its.release))
        )

    def find_lacking(self, live: LiveEdgePolicy, traffic: SiteTraffic) -> str:
        """Return what of previews and splits cannot be shown, and why; empty if all can."""
        return "; ".join(self._lacking(live, traffic))

    def _lacking(self, live: LiveEdgePolicy, traffic: SiteTraffic) -> Iterator[str]:
        sites = live.policy.campaign.sites
        wanted = (
            *((f"preview {its.label}", its.release) for its in traffic.previews if its.site in sites),
            *((f"split of site/{its.site}", its.other) for its in traffic.splits if its.site in sites),
        )
        for what, release in wanted:
            try:
                self._route(release)
            except HandshakeError as error:
                yield f"{what}: {short(release)}: {error.what}"

    def _stable(self, mounted: Mounted) -> SiteRoute | None:
        stable = mounted.pointer.stable
        live = self._find(stable) if stable else None
        return SiteRoute(name=mounted.pointer.subject.name, mount=mounted.mount, live=live) if live else None

    def _stable_copy(self, stable: Digest | None) -> CopyRoute | None:
        try:
            return route_copy(stable, self._manifest_of(stable)) if stable else None
        except (RefusedError, UnavailableError):
            return None

    def _split(self, pointer: Pointer, traffic: SiteTraffic) -> SplitRoute | None:
        split = traffic.split_of(pointer)
        other = self._find(split.other) if split else None
        if split is None or other is None:
            return None
        return SplitRoute(other=other, share=split.share, seconds=int(split.until - split.made_at))

    def _find(self, release: Digest) -> ReleaseRoute | None:
        """Return a release that is shown beside the live ones, None if there is none: the others go on."""
        try:
            return self._route(release)
        except (RefusedError, UnavailableError):
            return None

    def _route(self, release: Digest) -> ReleaseRoute:
        if release not in self._known:
            self._known[release] = route_release(release, self._manifest_of(release))
        return self._known[release]


# A site's release, as its manifest describes it -> what the edge routes by.

_PAGE = ".html"


def route_release(release: Digest, manifest: Manifest) -> ReleaseRoute:
    """Return how the edge serves a release; RefusedError where its contract speaks of what this edge does not know."""
    try:
        contract = parse_contract(manifest.contract)
    except ValueError as error:
        raise RefusedError("the edge does not understand the release", details=str(error)) from error
    shape = describe_shape(list_documents(manifest))
    return ReleaseRoute(release=digits(release), contract=contract, shape=shape)


def list_documents(manifest: Manifest) -> tuple[str, ...]:
    """Return the paths of the files that belong to this release alone."""
    assets = parse_contract(manifest.contract).assets
    return tuple(file.path for file in manifest.files if not file.path.startswith(assets))


def describe_shape(documents: Iterable[str]) -> SiteShape:
    """Return which kinds of documents there are."""
    paths = tuple(PurePosixPath(path) for path in documents)
    pages = [path for path in paths if path.suffix == _PAGE and path.stem != "index"]
    folders = [path.parent for path in paths if path.name == "index.html" and len(path.parts) > 1]
    return SiteShape(
        has_bare=any(not path.suffix for path in paths),
        has_flat=bool(pages),
        has_folders=bool(folders),
        has_dotted=any("." in page.stem for page in pages) or any("." in folder.name for folder in folders),
    )


# The fallback copy as the cache serves it.


def route_copy(release: Digest, manifest: Manifest) -> CopyRoute:
    """Return how the edge serves a copy."""
    files = tuple(file.path for file in manifest.files)
    return CopyRoute(name=SUBJECT.name, shown=route_release(release, manifest), files=files)
