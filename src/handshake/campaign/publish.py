"""Publishing: a source becomes a release in every region. No pointer moves."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from handshake.campaign.policy import policy_files, read_policy
from handshake.campaign.settings import CampaignSettings
from handshake.config.campaign_head import CAMPAIGN_FILE
from handshake.config.reader import read_settings
from handshake.core.clock import Clock
from handshake.core.digest import Digest
from handshake.core.errors import RefusedError, UnavailableError
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.core.subject import Kind, Subject
from handshake.image.bake import Baked, BuildContext, bake
from handshake.image.bases import BASE_FILE, Debian, bake_base, read_base
from handshake.image.contents import PackageSource
from handshake.image.recipe import read_recipe
from handshake.release.manifest import Manifest, release_id
from handshake.release.objects import ObjectStore
from handshake.release.provenance import Material, Provenance
from handshake.release.signature import Signature
from handshake.release.store import load_manifest, store_release
from handshake.release.tree import Seen, scan_tree
from handshake.release.upload import UploadProgress
from handshake.renderer.templates import check_templates
from handshake.site.release import read_release
from handshake.site.settings import SiteSettings, check_site
from handshake.site.upload import publish_site

_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, kw_only=True)
class ProgressReporter:
    """Reports the progress of a publish."""

    step: Callable[[str], None]
    """The step that starts now."""
    upload: Callable[[UploadProgress], None]


@dataclass(frozen=True, kw_only=True)
class PublishContext:
    """The resources of a publish."""

    campaign: Path
    """The operator's folder."""
    cache: Path
    stores: Sequence[ObjectStore]
    stores_of_site: Callable[[str], Sequence[ObjectStore]]
    """The same regions, opened with this site's own write credentials."""
    package_source_for: Callable[[str], PackageSource]
    """Maps an image's base to the source of its packages."""
    debian: Debian
    describe_source: Callable[[Path], tuple[str, str]]
    run_build: Callable[[Sequence[str], Path], None]
    sign: Callable[[Digest], Signature]
    """Signs every release except sites, whose readers verify nothing; RefusedError if there is no signing key."""
    builder: str


class Publisher:
    """Makes releases from a campaign's sources."""

    def __init__(self, publish_context: PublishContext, clock: Clock) -> None:
        self._shop = publish_context
        self._clock = clock

    def publish(
        self,
        subject: Subject,
        tell: ProgressReporter,
        *,
        source: Path | None = None,
        previous: Digest | None = None,
        is_thorough: bool = False,
    ) -> Digest:
        """Make a release of a subject from its source in the campaign or from another folder; return its id.

        Idempotent: the same source gives the same release. ProblemsError before anything is uploaded. A
        thorough publish of a site verifies what the regions already hold; other kinds always do.
        """
        match subject.kind:
            case Kind.POLICY:
                return self._publish_policy(subject, source or self._shop.campaign, tell)
            case Kind.IMAGE:
                return self._publish_image(subject, source or self._source(subject), tell)
            case Kind.TEMPLATES:
                return self._publish_templates(subject, source or self._source(subject), tell)
            case Kind.SITE:
                return self._publish_site(
                    subject, source or self._source(subject), tell, previous, is_thorough=is_thorough
                )

    def bake(self, subject: Subject, tell: ProgressReporter, staging: Path) -> Baked:
        """Bake an image into an empty folder without publishing it."""
        return self._bake(self._source(subject), tell, staging)

    def bake_base(self, source: Path, tell: ProgressReporter, staging: Path) -> Baked:
        """Bake a base into an empty folder without publishing it."""
        recipe = read_base(source).model
        return bake_base(
            recipe,
            staging,
            self._shop.debian,
            self._shop.cache,
            lambda progress: tell.step(progress.what),
            clock=self._clock,
        )

    def subjects(self) -> tuple[Subject, ...]:
        """Return everything that the campaign can publish, in the order of promotion."""
        campaign = self.campaign()
        return (
            *(Subject(kind=Kind.TEMPLATES, name=name) for name in campaign.templates),
            *(Subject(kind=Kind.IMAGE, name=name) for name in campaign.services),
            *(Subject(kind=Kind.SITE, name=name) for name in campaign.sites),
        )

    def require_declared(self, subject: Subject) -> None:
        """Raise ProblemsError if the campaign declares no such subject."""
        declared = (Subject(kind=Kind.POLICY, name=self.campaign().name), *self.subjects())
        if subject in declared:
            return
        known = ", ".join(str(each) for each in declared if each.kind is subject.kind) or "none"
        problem = Problem(
            check="unknown-subject",
            what=f"the campaign has no {subject}",
            where=Location(file=CAMPAIGN_FILE),
            hint=f"It has: {known}. To add one, declare it there and run `handshake apply`.",
        )
        raise ProblemsError([problem])

    def _publish_policy(self, subject: Subject, source: Path, tell: ProgressReporter) -> Digest:
        tell.step("check the policy")
        read_policy(source)
        with self._staging() as staging:
            for name in policy_files(source):
                target = staging / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / name, target)
            manifest = Manifest(kind=Kind.POLICY, files=scan_tree(staging))
            return self._store(subject, manifest, staging, source, tell)

    def _publish_image(self, subject: Subject, source: Path, tell: ProgressReporter) -> Digest:
        with self._staging() as staging:
            act = self.bake_base if (source / BASE_FILE).exists() else self._bake
            baked = act(source, tell, staging)
            return self._store(subject, baked.manifest, staging, source, tell, materials=baked.materials)

    def _bake(self, source: Path, tell: ProgressReporter, staging: Path) -> Baked:
        recipe = read_recipe(source)
        context = BuildContext(
            campaign=self._shop.campaign,
            packages=self._shop.package_source_for(recipe.model.base),
            clock=self._clock,
        )
        return bake(recipe, source, staging, context, lambda progress: tell.step(progress.what))

    def _publish_templates(self, subject: Subject, source: Path, tell: ProgressReporter) -> Digest:
        tell.step("check the templates")
        if problems := check_templates(source):
            raise ProblemsError(problems)
        manifest = Manifest(kind=Kind.TEMPLATES, files=scan_tree(source))
        return self._store(subject, manifest, source, source, tell)

    def _publish_site(
        self,
        subject: Subject,
        source: Path,
        tell: ProgressReporter,
        previous: Digest | None,
        *,
        is_thorough: bool,
    ) -> Digest:
        self.require_declared(subject)
        loaded = read_settings(SiteSettings, source / "site.toml")
        if problems := check_site(loaded):
            raise ProblemsError(problems)
        if loaded.model.build:
            tell.step(" ".join(loaded.model.build))
            self._shop.run_build(loaded.model.build, source)
        folder = source / loaded.model.output
        with self._on_disk():
            manifest = self._read_site(subject, folder, loaded.model, is_thorough=is_thorough)
            return publish_site(
                self._shop.stores_of_site(subject.name),
                manifest,
                folder,
                site=subject.name,
                previous=self._manifest(previous) if previous != release_id(manifest) else manifest,
                provenance=self._provenance(subject, manifest, source),
                report=tell.upload,
                variants=self._shop.cache / "variants",
                is_thorough=is_thorough,
            )

    def _read_site(
        self, subject: Subject, folder: Path, settings: SiteSettings, *, is_thorough: bool
    ) -> Manifest:
        if is_thorough:
            return read_release(folder, settings)
        seen = Seen(self._shop.cache / "seen" / f"{subject.name}.json", self._clock.now())
        manifest = read_release(folder, settings, seen)
        seen.keep()
        return manifest

    def _store(
        self,
        subject: Subject,
        manifest: Manifest,
        folder: Path,
        source: Path,
        tell: ProgressReporter,
        *,
        materials: tuple[Material, ...] = (),
    ) -> Digest:
        provenance = self._provenance(subject, manifest, source, materials)
        signature = self._shop.sign(provenance.release)
        return store_release(
            self._shop.stores, manifest, folder, provenance, tell.upload, signatures=[signature]
        )

    def _provenance(
        self, subject: Subject, manifest: Manifest, source: Path, materials: tuple[Material, ...] = ()
    ) -> Provenance:
        address, commit = self._shop.describe_source(source)
        return Provenance(
            subject=subject,
            release=release_id(manifest),
            source=address,
            commit=commit,
            builder=self._shop.builder,
            made_at=self._clock.now(),
            materials=materials,
        )

    def _manifest(self, release: Digest | None) -> Manifest | None:
        try:
            return load_manifest(self._shop.stores, release) if release else None
        except RefusedError:
            return None

    def _source(self, subject: Subject) -> Path:
        self.require_declared(subject)
        campaign = self.campaign()
        sources: dict[Kind, dict[str, str]] = {
            Kind.IMAGE: {name: its.source for name, its in campaign.services.items()},
            Kind.TEMPLATES: {name: its.source for name, its in campaign.templates.items()},
            Kind.SITE: {name: its.source for name, its in campaign.sites.items()},
        }
        return self._shop.campaign / sources[subject.kind][subject.name]

    def campaign(self) -> CampaignSettings:
        """Return the settings of the campaign's folder."""
        file = self._shop.campaign / CAMPAIGN_FILE
        return read_settings(CampaignSettings, file, shown_as=CAMPAIGN_FILE).model

    @contextmanager
    def _staging(self) -> Iterator[Path]:
        cache = self._shop.cache
        with self._on_disk():
            cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="staging-", dir=cache) as folder:
                yield Path(folder)

    @contextmanager
    def _on_disk(self) -> Iterator[None]:
        """Name the disk that is full, if one is."""
        try:
            yield
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise UnavailableError(
                f"the disk of {self._shop.cache} is full",
                hint="Free some space there and try again.",
                details=str(error),
            ) from error
