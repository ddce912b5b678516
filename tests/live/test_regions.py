"""Two regions that really serve: the directory store, nginx in front of it, and a publisher that gets killed."""

import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
import urllib3

from handshake.core.digest import digest_bytes
from handshake.core.manifest import Manifest, release_id
from handshake.core.objects import asset_key, document_key, manifest_key
from handshake.core.provenance import Provenance
from handshake.core.release import Kind, Subject
from handshake.core.upload import Progress, read_digests
from handshake.drivers.directory.store import DirectoryStore, make_region
from handshake.drivers.nginx.program import RegionServer, nginx_argv, print_configuration
from handshake.site.publish import publish_site
from handshake.site.tree import read_site
from handshake.site.upload import asset_keys, document_keys

pytestmark = pytest.mark.live

ASSETS = ("assets/",)
CALLS = {
    "index.html": b"<!doctype html><title>calls</title>",
    "about/index.html": b"<!doctype html><title>about</title>",
    "assets/app.3f2a9b1c.js": b"export const calls = 1;",
    "assets/style.0d1e2f3a.css": b"body { color: teal }",
    "data/fila \u0444.json": b"{}",
    "robots.txt": b"User-agent: *\n",
    "LICENSE": b"free",
    "empty.txt": b"",
    "logo.SVG": b"<svg/>",
}


@dataclass(frozen=True, kw_only=True)
class Region:
    """One region: its store, and the server in front of it."""

    store: DirectoryStore
    folder: Path
    url: str
    pid: int

    def ask(
        self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> urllib3.HTTPResponse:
        """Send one request, following nothing."""
        answer = urllib3.request(method, self.url + path, headers=headers, redirect=False, retries=False)
        assert isinstance(answer, urllib3.HTTPResponse)
        return answer


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's own user may enter, which pytest's are not."""
    with tempfile.TemporaryDirectory(prefix="handshake-regions-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def regions(folder: Path) -> Iterator[list[Region]]:
    with ExitStack() as stack:
        yield [stack.enter_context(serve(folder / name, name)) for name in ("east", "west")]


@contextmanager
def serve(folder: Path, name: str) -> Iterator[Region]:
    """Run a region's static file server until the block ends."""
    state = folder / "state"
    state.mkdir(parents=True)
    store = make_region(folder / "objects", name)
    user = "www-data" if os.geteuid() == 0 else ""
    server = RegionServer(
        directory=folder / "objects", state=state, host="127.0.0.1", port=free_port(), user=user
    )
    server.configuration.write_text(print_configuration(server))
    process = subprocess.Popen(nginx_argv(server))
    try:
        wait_for(server, process)
        url = f"http://{server.host}:{server.port}"
        yield Region(store=store, folder=folder / "objects", url=url, pid=process.pid)
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(timeout=10)


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(server: RegionServer, process: "subprocess.Popen[bytes]") -> None:
    """Wait until the server answers on its health path."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((server.host, server.port)) == 0:
                assert urllib3.request("GET", server.health_url, retries=False).status == 200
                return
        time.sleep(0.02)
    raise AssertionError("nginx did not start")


def build(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write a built site."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def publish(
    stores: list[DirectoryStore], folder: Path, previous: Manifest | None = None
) -> tuple[Manifest, list[Progress]]:
    """Publish a built folder as the site calls."""
    manifest, reports = read_site(folder, ASSETS), list[Progress]()
    publish_site(
        stores,
        manifest,
        folder,
        site="calls",
        previous=previous,
        provenance=made(manifest),
        report=reports.append,
    )
    return manifest, reports


def made(manifest: Manifest) -> Provenance:
    """Return a provenance of a manifest."""
    subject = Subject(kind=Kind.SITE, name="calls")
    return Provenance(
        subject=subject, release=release_id(manifest), source="calls", commit="", builder="test", made_at=1.0
    )


def keys_of(manifest: Manifest) -> dict[str, str]:
    """Return path -> key of every file of a release of calls."""
    both = asset_keys("calls", manifest) | document_keys("calls", manifest)
    return {file.path: key for key, file in both.items()}


def quoted(key: str) -> str:
    """Return a key as a URL's path."""
    return f"/{quote(key)}"


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
    assert {report.total for report in reports} == {len(second.files)}


PUBLISHER = """
import sys
from pathlib import Path
from tests.live.test_regions import make_region, publish_site, read_site, made, ASSETS
regions, folder = sys.argv[1:3], Path(sys.argv[3])
manifest = read_site(folder, ASSETS)
def report(progress):
    print(progress.region, progress.done, flush=True)
publish_site([make_region(Path(region), region) for region in regions], manifest, folder,
             site="calls", previous=None, provenance=made(manifest), report=report)
print("sealed", flush=True)
"""


@pytest.mark.parametrize("lines", [0, 1, 2, 7, 30, 61, 90, 119, 120, 121, 122, 123])
def test_a_killed_publisher_leaves_no_half_release(folder: Path, lines: int) -> None:
    """Wherever a publisher is killed, no region names a release that it does not hold; trying again ends it."""
    files = CALLS | {f"page-{number}.html": b"%d" % number * 3000 for number in range(51)}
    dist = build(folder / "dist", files)
    stores = [make_region(folder / name, name) for name in ("east", "west")]
    manifest = read_site(dist, ASSETS)
    kill_after(lines, [str(folder / "east"), str(folder / "west"), str(dist)])
    for store in stores:
        assert_whole(store, manifest, is_sealed=store.info(manifest_key(release_id(manifest))) is not None)
    publish(stores, dist)
    for store in stores:
        assert_whole(store, manifest, is_sealed=True)
        assert store.info(manifest_key(release_id(manifest)))


def kill_after(lines: int, arguments: list[str]) -> None:
    """Publish in a process of its own, and kill it a random moment after it told so many lines."""
    process = subprocess.Popen(
        [sys.executable, "-c", PUBLISHER, *arguments], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert process.stdout
    for _ in range(lines):
        process.stdout.readline()
    time.sleep(random.Random(lines).random() * 0.003)
    process.kill()
    process.wait(timeout=10)
    process.stdout.close()


def assert_whole(store: DirectoryStore, manifest: Manifest, *, is_sealed: bool) -> None:
    """Assert that a region holds all objects of a release if it is sealed, and none of them half in any case."""
    expected = {
        key: file.digest
        for keys in (asset_keys("calls", manifest), document_keys("calls", manifest))
        for key, file in keys.items()
    }
    held = read_digests(store, expected)
    assert held.items() <= expected.items()
    assert not is_sealed or held == expected


def test_publishes_ten_thousand_small_files(folder: Path) -> None:
    """A large site is published into two regions in less than a minute, and its next release in less."""
    files = {f"docs/{n % 100}/{n}.html": f"<p>{n}</p>".encode() for n in range(10_000)} | CALLS
    stores = [make_region(folder / name, name) for name in ("east", "west")]
    began = time.monotonic()
    first, _ = publish(stores, build(folder / "dist", files))
    middle = time.monotonic()
    second, reports = publish(stores, build(folder / "dist", {"index.html": b"new"}), previous=first)
    assert middle - began < 60
    assert time.monotonic() - middle < middle - began
    assert reports[-1].total == len(document_keys("calls", second))
    assert stores[0].get(document_key("calls", release_id(second), "docs/7/7.html")) == b"<p>7</p>"
    assert digest_bytes(stores[1].get(manifest_key(release_id(second))) or b"") == release_id(second)
