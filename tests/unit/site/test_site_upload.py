"""What travels to publish a site, computed."""

from pathlib import Path

import pytest

from handshake.core.digest import Digest, digest_bytes
from handshake.core.problem import ProblemsError
from handshake.core.subject import Kind
from handshake.release.manifest import Manifest, ManifestFile
from handshake.site.upload import (
    IMMUTABLE,
    REVALIDATED,
    asset_keys,
    asset_prefixes,
    document_keys,
    find_copies,
    list_documents,
    list_objects,
    plan_upload,
)

APP, ICON = "assets/app.11111111.js", "assets/icon.22222222.svg"


def manifest_of(**contents: str) -> Manifest:
    """Return the manifest of a site with two assets and these documents, `name` standing for name.html."""
    documents = {f"{name}.html": content for name, content in contents.items()}
    everything = {APP: "app", ICON: "icon"} | documents
    files = [
        ManifestFile(path=path, digest=digest_bytes(content.encode()), size=1, content_type="text/html")
        for path, content in everything.items()
    ]
    return Manifest(kind=Kind.SITE, files=tuple(sorted(files)), contract={"assets": ["assets/"]})


def all_of(manifest: Manifest) -> dict[str, Digest]:
    """Return what a region holds that holds all of a release."""
    keys = asset_keys("calls", manifest) | document_keys("calls", manifest)
    return {key: file.digest for key, file in keys.items()}


def plan(
    manifest: Manifest, present: dict[str, Digest], previous: Manifest | None = None
) -> list[tuple[str, str]]:
    """Return what travels: the last part of each key, and of what it is a copy."""
    objects = list_objects(manifest, Path("dist"), "calls", {})
    copies = find_copies(list_documents(previous, Path("dist"), "calls", {}) if previous else ())
    uploads = plan_upload(objects, present, copies)
    return [(upload.key.split("/")[-1], upload.copy_of) for upload in uploads]


def test_everything_travels_to_an_empty_region() -> None:
    """Assets go first, so that no document names what is not there."""
    names = ["app.11111111.js", "icon.22222222.svg", "about.html", "index.html"]
    assert plan(manifest_of(index="one", about="two"), {}) == [(name, "") for name in names]


def test_nothing_travels_twice() -> None:
    """A region that holds the release is left alone."""
    manifest = manifest_of(index="one")
    assert plan(manifest, all_of(manifest)) == []


def test_damaged_documents_are_written_anew() -> None:
    """A document whose content is not what the release says is replaced: nothing else can be meant by its key."""
    manifest = manifest_of(index="one", about="two")
    present = all_of(manifest) | {next(iter(document_keys("calls", manifest))): digest_bytes(b"damaged")}
    assert plan(manifest, present) == [("about.html", "")]


def test_unchanged_documents_are_copied_in_the_region() -> None:
    """What the release before holds is copied, under its old name or a new one; only the changed file travels."""
    before, after = manifest_of(index="one", about="two"), manifest_of(index="new", about="two", moved="one")
    old = {file.path: key for key, file in document_keys("calls", before).items()}
    assert plan(after, all_of(before), before) == [
        ("about.html", old["about.html"]),
        ("index.html", ""),
        ("moved.html", old["index.html"]),
    ]


def test_an_asset_keeps_its_content_for_ever() -> None:
    """Every asset path that holds another content is told, and nothing is planned."""
    manifest = manifest_of(index="one")
    present = dict.fromkeys(asset_keys("calls", manifest), digest_bytes(b"another"))
    with pytest.raises(ProblemsError) as refused:
        plan(manifest, present)
    assert [(problem.check, problem.where.file) for problem in refused.value.problems] == [
        ("site-asset-changed", f"dist/{APP}"),
        ("site-asset-changed", f"dist/{ICON}"),
    ]


def test_caches_assets_for_ever_and_documents_never_in_browsers() -> None:
    """Assets are immutable; a browser asks for a document anew each time."""
    uploads = list_objects(manifest_of(index="one"), Path("dist"), "calls", {})
    assert [upload.cache_control for upload in uploads] == [IMMUTABLE, IMMUTABLE, REVALIDATED]
    assert {upload.content_type for upload in uploads} == {"text/html"}


def test_a_site_declares_its_assets() -> None:
    """A manifest of something else is no site's."""
    with pytest.raises(ValueError, match="asset folders"):
        asset_prefixes(Manifest(kind=Kind.SITE, files=(), contract={"assets": "assets/"}))
