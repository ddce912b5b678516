"""Publishing a site: every object in every region, read back, and only then the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from handshake.core.digest import Digest
from handshake.core.manifest import Manifest
from handshake.core.objects import ObjectStore
from handshake.core.provenance import Provenance
from handshake.core.upload import Report, Upload, everywhere, seal_release, upload_everywhere
from handshake.site.survey import Survey, read_present, survey_region
from handshake.site.upload import find_copies, list_documents, list_objects, plan_upload
from handshake.site.variants import Variants, make_variants


def publish_site(
    stores: Sequence[ObjectStore],
    manifest: Manifest,
    folder: Path,
    *,
    site: str,
    previous: Manifest | None,
    provenance: Provenance,
    report: Report,
    variants: Path | None = None,
    is_thorough: bool = False,
) -> Digest:
    """Make a site's release exist in every region; return its id. No pointer moves.

    Idempotent, and resumable after any interruption: only what a region lacks travels, and a region that
    is down fails the whole with UnavailableError before any manifest is written. ProblemsError where an
    asset path holds another content; then nothing was written anywhere. `variants` is the folder in which
    compressed files are kept from one publish to the next, None to publish without them. A thorough publish
    believes no manifest, reads everything back, and mends what is damaged.
    """
    surveys = _survey(stores, manifest, previous, is_thorough=is_thorough)
    made = _compress(manifest, folder, surveys, variants)
    plans: dict[str, tuple[Upload, ...]] = {}

    def plan(store: ObjectStore) -> None:
        survey = surveys[store.region]
        wanted = list_objects(manifest, folder, site, made, but=survey.vouched)
        present = read_present(store, wanted, manifest, site)
        before = list_documents(previous, folder, site, made) if previous and survey.has_previous else ()
        plans[store.region] = plan_upload(wanted, present, find_copies(before))

    everywhere(stores, plan)
    upload_everywhere(stores, plans, report)
    return seal_release(stores, manifest, provenance)


def _survey(
    stores: Sequence[ObjectStore], manifest: Manifest, previous: Manifest | None, *, is_thorough: bool
) -> dict[str, Survey]:
    surveys: dict[str, Survey] = {}

    def survey(store: ObjectStore) -> None:
        surveys[store.region] = survey_region(store, manifest, previous, is_thorough=is_thorough)

    everywhere(stores, survey)
    return surveys


def _compress(
    manifest: Manifest, folder: Path, surveys: Mapping[str, Survey], cache: Path | None
) -> Variants:
    if cache is None:
        return {}
    known = frozenset.intersection(*(survey.vouched for survey in surveys.values()))
    return make_variants([file for file in manifest.files if file.path not in known], folder, cache)
