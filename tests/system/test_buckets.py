"""A campaign whose regions are buckets: published through S3, read by the ingress with no key at all."""

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from handshake.drivers.s3.store import Credential
from handshake.release.manifest import Encoding
from handshake.release.regions import let_site_publish, let_visitors_read, print_policy
from tests.expand import EXPAND
from tests.live.buckets import ROOT, S3Server, run_versitygw
from tests.system.campaign_up import CampaignUnderTest, system_up

CAMPAIGN = """
name = "campaign"
[listen]
ingress = "127.0.0.1:1"
dashboard = "127.0.0.1:2"
catalog = "127.0.0.1:3"
agent = "127.0.0.1:4"
{regions}
[sites.calls]
source = "sites/calls"
mount = "/calls"
"""
REGION = """
[regions.{name}]
endpoint = "{endpoint}"
bucket = "{name}-sites"
prefix = "campaign"
"""


KEYS = {site: Credential(id=f"{site}-publisher", secret=f"secret of {site}") for site in ("calls", "docs")}
AS_ANYBODY = ("bwrap", "--dev-bind", "/", "/", "--unshare-user", "--cap-drop", "ALL", "--")
"""Takes from root the right to read what nobody may read."""


@dataclass(frozen=True, kw_only=True)
class Buckets:
    """A campaign, and the server that holds its buckets."""

    system: CampaignUnderTest
    server: S3Server
    folder: Path


@pytest.fixture(scope="module")
def buckets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buckets]:
    folder = tmp_path_factory.mktemp("versitygw")
    with run_versitygw(folder) as server:
        for key in KEYS.values():
            server.make_user(key)
        for name in ("east", "west"):
            bucket = server.bucket(f"{name}-sites", "campaign")
            server.make_bucket(bucket.name)
            publishers = (
                each for site, key in KEYS.items() for each in let_site_publish(bucket, site, key.id)
            )
            server.set_policy(bucket.name, print_policy(*let_visitors_read(bucket), *publishers))
        with system_up(lambda system: _move_into_buckets(system, server)) as system:
            yield Buckets(system=system, server=server, folder=folder)


def _move_into_buckets(system: CampaignUnderTest, server: S3Server) -> None:
    """Leave one site of the example, its regions two buckets, and put the access keys where they belong."""
    ports = (system.campaign / "handshake.toml").read_text()
    regions = "".join(REGION.format(name=name, endpoint=server.url) for name in ("east", "west"))
    text = CAMPAIGN.format(regions=regions)
    for number, name in enumerate(("ingress", "dashboard", "catalog", "agent"), 1):
        listen = next(line for line in ports.splitlines() if line.startswith(f"{name} ="))
        text = text.replace(f'{name} = "127.0.0.1:{number}"', listen)
    (system.campaign / "handshake.toml").write_text(text)
    for name in ("edge.toml", "edge_tests.toml"):
        (system.campaign / name).write_text("")
    (system.campaign / "gateway.toml").write_text('title = "nothing"\n')
    secrets = system.home / "data/campaign/secrets"
    secrets.mkdir(parents=True)
    for name in ("east", "west"):
        (secrets / f"bucket-{name}").write_text(f"{ROOT.id}:{ROOT.secret}\n")


def test_a_site_is_served_from_buckets(buckets: Buckets) -> None:
    """A visitor gets the page, its compressed form where they take one, and a real 404; no region's server runs."""
    system = buckets.system
    page = system.get("/calls/", Accept_Encoding="identity")
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    for encoding in Encoding:
        packed = system.http.request(
            "GET",
            f"http://{system.ingress}/calls/",
            headers={"Accept-Encoding": encoding.value},
            decode_content=False,
        )
        assert packed.headers["Content-Encoding"] == encoding.value
        assert EXPAND[encoding](packed.data) == page.data
    assert system.get("/calls/missing.js").status == 404
    assert not [folder for folder in (system.run / "programs").iterdir() if folder.name.startswith("region-")]


def test_only_sites_are_public(buckets: Buckets) -> None:
    """Without a key a bucket gives files of sites, and neither manifests nor a list of what it holds."""
    bucket = buckets.server.bucket("east-sites", "campaign")
    store = buckets.server.store("east-sites", prefix="campaign")
    document = next(key for key in store.keys("sites/calls/") if key.endswith("index.html"))
    manifest = next(store.keys("releases/"))
    asked = {
        key: buckets.system.http.request("GET", f"{bucket.endpoint}{bucket.path}/{key}").status
        for key in (document, manifest)
    }
    assert asked == {document: 200, manifest: 403}
    assert buckets.system.http.request("GET", f"{bucket.endpoint}/east-sites").status == 403


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (replace(ROOT, secret="wrong"), "region west refuses the secret of the access key"),
        (Credential(id="nobody", secret="wrong"), "region west does not know the access key"),
        (KEYS["docs"], "region west does not let this access key read or write"),
    ],
    ids=["wrong secret", "unknown key", "no rights"],
)
def test_a_bucket_without_rights_is_told_and_nothing_is_half_live(
    buckets: Buckets, tmp_path: Path, key: Credential, words: str
) -> None:
    """A key that may not write fails the publish with the region's name, and what is live stays."""
    before = buckets.system.get("/calls/").data
    source = _source(tmp_path / "calls", "another page")
    with _key_of(buckets, "bucket-west", key):
        refused = buckets.system.handshake("publish", "site/calls", str(source), "--promote", check=False)
    assert refused.returncode == 1
    assert words in refused.stderr
    assert "→" in refused.stderr
    assert key.secret not in refused.stderr
    assert buckets.system.get("/calls/").data == before


def test_a_site_is_published_with_a_key_of_its_own(buckets: Buckets, tmp_path: Path) -> None:
    """Where a site has a key, no other is used for it: its own publishes it, and that of another site does not."""
    source = _source(tmp_path / "calls", "with a key of its own")
    with _key_of(buckets, "bucket-east.calls", KEYS["docs"]):
        refused = buckets.system.handshake("publish", "site/calls", str(source), "--promote", check=False)
    assert "region east does not let this access key read or write" in refused.stderr
    with (
        _key_of(buckets, "bucket-east.calls", KEYS["calls"]),
        _key_of(buckets, "bucket-west.calls", KEYS["calls"]),
    ):
        buckets.system.handshake("publish", "site/calls", str(source), "--promote")
    assert buckets.system.get("/calls/").data == b"with a key of its own"


@contextmanager
def _key_of(buckets: Buckets, secret: str, key: Credential) -> Iterator[None]:
    """Let a secret hold an access key until the block ends."""
    file = buckets.system.home / "data/campaign/secrets" / secret
    before = file.read_text() if file.exists() else None
    file.write_text(f"{key.id}:{key.secret}")
    try:
        yield
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_text(before)


LONG = "/".join(["x" * 99] * 10)
BAD = {
    ("tree-symlink", "passwd"): "this is a symbolic link, but releases contain only files",
    ("tree-symlink", "above"): "this is a symbolic link, but releases contain only files",
    ("tree-name", "bell\\x07"): "the file's name contains a control character",
    ("tree-name", "..\\up"): "the file's name contains a backslash",
    ("tree-special-file", "pipe"): "this is neither a file nor a folder",
    ("tree-unreadable", "secret.html"): "this cannot be read: permission denied",
    ("tree-unreadable", "closed"): "this cannot be read: permission denied",
    ("site-path-long", LONG): "the path is 999 bytes long; the maximum is 900",
    ("site-path-case", "page.html"): "the name differs only in case from Page.html",
    (
        "site-asset-name",
        "assets/app.js",
    ): "the file is in an asset folder, but its name contains no content hash",
    ("site-no-index", "index.html"): "the site has no index.html",
}


def test_a_bad_folder_is_told_whole_and_nothing_is_half_live(buckets: Buckets, tmp_path: Path) -> None:
    """Everything that no release can hold comes in one list, with what to do; regions and live site stay as they are."""
    source = _bad_source(tmp_path / "bad")
    before = (_keys(buckets), buckets.system.get("/calls/").data)
    system = replace(buckets.system, entry=AS_ANYBODY)
    try:
        said = system.handshake("publish", "site/calls", str(source), "--promote", check=False)
    finally:
        (source / "dist/closed").chmod(0o755)
    lines = said.stderr.splitlines()
    assert said.returncode == 2, said.stderr
    assert lines[-1] == f"{len(BAD)} problems; nothing was changed."
    told = dict(zip(lines[:-1:3], zip(lines[1::3], lines[2::3], strict=True), strict=True))
    for (check, name), words in BAD.items():
        what, hint = told[f"{check} {_shown(source / 'dist' / name)}"]
        assert what.strip() == words
        assert hint.strip().startswith("→ ")
    assert (_keys(buckets), buckets.system.get("/calls/").data) == before


def test_of_two_publishers_one_wins_and_the_other_is_told(buckets: Buckets, tmp_path: Path) -> None:
    """Two people publish and promote at once: one release is live, whole, and the other person hears who moved it."""
    sources = {name: _slow_source(tmp_path / name, name) for name in ("ada", "bob")}
    with ThreadPoolExecutor() as both:
        ended = dict(zip(sources, both.map(partial(_publish, buckets.system), sources.values()), strict=True))
    assert sorted(run.returncode == 0 for run in ended.values()) == [False, True]
    winner = next(name for name, run in ended.items() if run.returncode == 0)
    loser = next(run for name, run in ended.items() if name != winner)
    assert "it was moved" in " ".join(loser.stderr.split())
    assert buckets.system.get("/calls/").data == f"page of {winner}".encode()


def _shown(file: Path) -> str:
    """Return a path as the list of problems has it: a very long one is cut."""
    return f"{str(file)[:120]}..." if LONG in str(file) else str(file)


def _bad_source(folder: Path) -> Path:
    """Write a built site that has everything wrong with it that a folder can have."""
    _source(folder, "index")
    (folder / "site.toml").write_text('output = "dist"\nassets = ["assets/"]\n')
    dist = folder / "dist"
    (dist / "index.html").unlink()
    (dist / "passwd").symlink_to("/etc/passwd")
    (dist / "above").symlink_to("..")
    os.mkfifo(dist / "pipe")
    for name in (
        "bell\a",
        "..\\up",
        "Page.html",
        "page.html",
        "secret.html",
        "assets/app.js",
        "closed/x",
        LONG,
    ):
        (dist / name).parent.mkdir(parents=True, exist_ok=True)
        (dist / name).write_text(name)
    (dist / "empty/inner").mkdir(parents=True)
    (dist / "secret.html").chmod(0)
    (dist / "closed").chmod(0)
    return folder


def _source(folder: Path, text: str) -> Path:
    """Write a site of one page."""
    (folder / "dist").mkdir(parents=True)
    (folder / "dist/index.html").write_text(text)
    (folder / "site.toml").write_text('output = "dist"\n')
    return folder


def _keys(buckets: Buckets) -> list[list[str]]:
    """Return what both regions hold."""
    return [
        list(buckets.server.store(f"{name}-sites", prefix="campaign").keys("")) for name in ("east", "west")
    ]


def _slow_source(folder: Path, name: str) -> Path:
    """Write a site that takes its time to build, so that both have looked before either has moved anything."""
    _source(folder, f"page of {name}")
    (folder / "site.toml").write_text('build = ["sleep", "4"]\noutput = "dist"\n')
    return folder


def _publish(system: CampaignUnderTest, source: Path) -> "subprocess.CompletedProcess[str]":
    return system.handshake("publish", "site/calls", str(source), "--promote", check=False)
