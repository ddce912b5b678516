"""Two regions that really serve a published site: nginx in front of two directories."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import urllib3

from handshake.release.manifest import Encoding, is_compressible, release_id
from handshake.release.objects import asset_key, document_key, manifest_key
from tests.expand import EXPAND
from tests.live.regions import CALLS, Region, build, keys_of, open_folder, publish, quoted, serve, variant_of

pytestmark = pytest.mark.live


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as made:
        yield made


@pytest.fixture
def regions(folder: Path) -> Iterator[list[Region]]:
    with ExitStack() as stack:
        yield [stack.enter_context(serve(folder / name, name)) for name in ("east", "west")]


def test_every_file_is_served_alike_in_both_regions(folder: Path, regions: list[Region]) -> None:
    """Content, type, ETag and cache rule of every file are the same in both regions, and no date is told."""
    manifest, _ = publish([region.store for region in regions], build(folder / "dist", CALLS))
    types = {file.path: file.content_type for file in manifest.files}
    for path, key in keys_of(manifest).items():
        east, west = (region.ask(quoted(key)) for region in regions)
        assert east.status == west.status == 200, path
        assert east.data == west.data == CALLS[path]
        assert east.headers["Content-Type"] == west.headers["Content-Type"] == types[path]
        assert east.headers["ETag"] == west.headers["ETag"]
        assert east.headers["Cache-Control"] == west.headers["Cache-Control"]
        assert "Last-Modified" not in east.headers


def test_etag_follows_the_content(folder: Path, regions: list[Region]) -> None:
    """An unchanged document keeps its ETag in the next release; a changed one of the same size does not."""
    stores = [region.store for region in regions]
    first, _ = publish(stores, build(folder / "one", CALLS))
    changed = CALLS | {"index.html": CALLS["index.html"].replace(b"calls", b"CALLS")}
    second, _ = publish(stores, build(folder / "two", changed), previous=first)
    etags = {
        (path, release): region.ask(quoted(keys_of(manifest)[path])).headers["ETag"]
        for region in regions
        for release, manifest in (("first", first), ("second", second))
        for path in ("index.html", "robots.txt")
    }
    assert etags["index.html", "first"] != etags["index.html", "second"]
    assert etags["robots.txt", "first"] == etags["robots.txt", "second"]


def test_answers_conditional_requests(folder: Path, regions: list[Region]) -> None:
    """A visitor who has the object is told so by either region."""
    manifest, _ = publish([region.store for region in regions], build(folder / "dist", CALLS))
    path = quoted(keys_of(manifest)["index.html"])
    etag = regions[0].ask(path).headers["ETag"]
    assert [region.ask(path, headers={"If-None-Match": etag}).status for region in regions] == [304, 304]
    assert regions[0].ask(path, headers={"If-None-Match": '"other"'}).status == 200
    since = {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
    assert regions[0].ask(path, headers=since).status == 200


def test_serves_nothing_but_sites(folder: Path, regions: list[Region]) -> None:
    """Manifests, blobs, unfinished files and what links point to are not public, by whatever spelling."""
    manifest, _ = publish([region.store for region in regions], build(folder / "dist", CALLS))
    region = regions[0]
    region.store.put("blobs/aa/secret", b"secret")
    (region.folder / "sites/link").symlink_to("/etc/passwd")
    (region.folder / "sites/up").symlink_to(region.folder)
    seal = manifest_key(release_id(manifest))
    assert region.store.get(seal)
    for path in (
        f"/{seal}",
        "/blobs/aa/secret",
        f"/sites/../{seal}",
        f"/sites/%2e%2e/{seal}",
        f"/sites/calls/assets/..%2f..%2f..%2f{seal}",
        f"/sites/up/{seal}",
        "/sites/link",
        "/sites/calls/assets/../../../../../../../etc/passwd",
        "/.incoming/",
        "/",
        "/sites",
        "/sites/",
        "/sites/calls/missing%00.html",
    ):
        # urllib3 tidies the path of a whole URL; asked of a connection pool, it sends what it is given.
        pool = urllib3.connectionpool.connection_from_url(region.url)
        answer = pool.urlopen("GET", path, redirect=False, retries=False)
        assert answer.status in {400, 404}, path
        assert b"secret" not in answer.data
        assert b"root:" not in answer.data


def test_a_folder_is_no_object(folder: Path, regions: list[Region]) -> None:
    """Neither spelling of a folder's name is answered, as in any object store: no index, no redirect."""
    manifest, _ = publish([region.store for region in regions], build(folder / "dist", CALLS))
    parent = quoted(keys_of(manifest)["about/index.html"].removesuffix("/index.html"))
    answers = [regions[0].ask(path) for path in (parent, parent + "/")]
    assert [(answer.status, answer.data) for answer in answers] == [(404, b"not found\n")] * 2
    assert answers[0].headers["Content-Type"] == "text/plain"


def test_a_missing_disk_is_a_region_that_is_down(folder: Path, regions: list[Region]) -> None:
    """Without its directory a region answers 503, never 404, and recovers when it is back; so does health."""
    manifest, _ = publish([region.store for region in regions], build(folder / "dist", CALLS))
    region, paths = regions[0], ("/health", quoted(keys_of(manifest)["index.html"]), "/sites/calls/missing")
    statuses = [[region.ask(path).status for path in paths]]
    region.folder.rename(folder / "unmounted")
    statuses.append([region.ask(path).status for path in paths])
    (folder / "unmounted").rename(region.folder)
    statuses.append([region.ask(path).status for path in paths])
    assert statuses == [[200, 200, 404], [503, 503, 503], [200, 200, 404]]


@pytest.mark.skipif(os.geteuid() != 0, reason="only a server that root started runs as another user")
def test_a_locked_disk_is_a_region_that_is_down(regions: list[Region]) -> None:
    """A directory that the server's user may not enter is told by health, not discovered by visitors."""
    regions[0].folder.chmod(0o700)
    assert regions[0].ask("/health").status == 503
    regions[0].folder.chmod(0o755)
    assert regions[0].ask("/health").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "MKCOL"])
def test_only_reads(folder: Path, regions: list[Region], method: str) -> None:
    """Every method but GET and HEAD is refused with the ones that are possible, and changes nothing."""
    manifest, _ = publish([region.store for region in regions], build(folder / "dist", CALLS))
    path = quoted(keys_of(manifest)["index.html"])
    refused = regions[0].ask(path, method)
    assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")
    head = regions[0].ask(path, "HEAD")
    assert (head.status, head.data) == (200, b"")
    assert regions[0].ask(path).data == CALLS["index.html"]


def test_runs_as_an_unprivileged_user(regions: list[Region]) -> None:
    """The process that reads requests is not root's."""
    children = Path(f"/proc/{regions[0].pid}/task/{regions[0].pid}/children").read_text().split()
    assert children
    assert all(Path(f"/proc/{child}").stat().st_uid != 0 for child in children)


def test_serves_from_a_folder_of_any_name(folder: Path) -> None:
    """A folder whose name holds quotes, spaces, braces and semicolons is served like any other."""
    with serve(folder / "a \"b' {c}; #\\d", "odd") as region:
        manifest, _ = publish([region.store], build(folder / "dist", CALLS))
        assert region.ask(quoted(keys_of(manifest)["index.html"])).data == CALLS["index.html"]


def test_is_readable_whatever_the_umask(folder: Path) -> None:
    """A publisher whose umask hides everything still publishes what the server may read."""
    with serve(folder / "region", "east") as region:
        before = os.umask(0o077)
        try:
            manifest, _ = publish([region.store], build(folder / "dist", CALLS))
        finally:
            os.umask(before)
        assert region.ask(quoted(keys_of(manifest)["index.html"])).status == 200


def test_old_assets_stay_after_the_next_release(folder: Path, regions: list[Region]) -> None:
    """An open tab finds the assets of the release that it was loaded from."""
    stores = [region.store for region in regions]
    first, _ = publish(stores, build(folder / "one", CALLS))
    without = {path: content for path, content in CALLS.items() if not path.startswith("assets/")}
    renewed = build(folder / "two", without | {"assets/app.99999999.js": b"export const calls = 2;"})
    second, reports = publish(stores, renewed, previous=first)
    assert "assets/app.3f2a9b1c.js" not in keys_of(second)
    for region in regions:
        assert region.ask("/" + asset_key("calls", "assets/app.3f2a9b1c.js")).status == 200
        assert region.ask(quoted(document_key("calls", release_id(first), "index.html"))).status == 200
    texts = [file for file in second.files if is_compressible(file.path)]
    assert {report.total for report in reports} == {len(second.files) + 3 * len(texts)}


def test_compressed_variants_are_served_as_what_they_hold(folder: Path, regions: list[Region]) -> None:
    """Every text has three variants with the type of the text, an encoding and a strong ETag of their own; others none."""
    stores = [region.store for region in regions]
    manifest, _ = publish(stores, build(folder / "dist", CALLS | {"photo.webp": b"webp"}))
    for file in manifest.files:
        if file.path in {"LICENSE", "photo.webp"}:
            assert [
                region.ask(quoted(variant_of(manifest, file.path, Encoding.GZIP))).status
                for region in regions
            ] == [404, 404]
            continue
        etags = {region.ask(quoted(keys_of(manifest)[file.path])).headers["ETag"] for region in regions}
        for encoding in Encoding:
            east, west = (region.ask(quoted(variant_of(manifest, file.path, encoding))) for region in regions)
            assert east.data == west.data
            assert EXPAND[encoding](east.data) == CALLS[file.path]
            assert east.headers["Content-Encoding"] == encoding.value
            assert east.headers["Content-Type"] == file.content_type
            assert east.headers["ETag"] == west.headers["ETag"]
            assert east.headers["ETag"] not in etags
            assert not east.headers["ETag"].startswith("W/")
            etags.add(east.headers["ETag"])
