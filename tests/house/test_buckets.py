"""A house whose regions are buckets: published through S3, read by the door with no key at all."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from handshake.core.bucket_policy import let_visitors_read, print_policy
from handshake.core.compressible import Encoding
from tests.expand import EXPAND
from tests.house.house import HouseUnderTest, house_up
from tests.live.buckets import ROOT, S3Server, run_versitygw

CAMPAIGN = """
name = "campaign"
[listen]
door = "127.0.0.1:1"
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


@dataclass(frozen=True, kw_only=True)
class Buckets:
    """A house, and the server that holds its buckets."""

    house: HouseUnderTest
    server: S3Server
    folder: Path


@pytest.fixture(scope="module")
def buckets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buckets]:
    folder = tmp_path_factory.mktemp("versitygw")
    with run_versitygw(folder) as server:
        for name in ("east", "west"):
            bucket = server.bucket(f"{name}-sites", "campaign")
            server.make_bucket(bucket.name)
            server.set_policy(bucket.name, print_policy(*let_visitors_read(bucket)))
        with house_up(lambda house: _move_into_buckets(house, server)) as house:
            yield Buckets(house=house, server=server, folder=folder)


def _move_into_buckets(house: HouseUnderTest, server: S3Server) -> None:
    """Leave one site of the example, its regions two buckets, and put the access keys where they belong."""
    ports = (house.campaign / "handshake.toml").read_text()
    regions = "".join(REGION.format(name=name, endpoint=server.url) for name in ("east", "west"))
    text = CAMPAIGN.format(regions=regions)
    for number, name in enumerate(("door", "dashboard", "catalog", "agent"), 1):
        listen = next(line for line in ports.splitlines() if line.startswith(f"{name} ="))
        text = text.replace(f'{name} = "127.0.0.1:{number}"', listen)
    (house.campaign / "handshake.toml").write_text(text)
    for name in ("edge.toml", "edge_tests.toml"):
        (house.campaign / name).write_text("")
    (house.campaign / "gateway.toml").write_text('title = "nothing"\n')
    secrets = house.home / "data/campaign/secrets"
    secrets.mkdir(parents=True)
    for name in ("east", "west"):
        (secrets / f"bucket-{name}").write_text(f"{ROOT.id}:{ROOT.secret}\n")


def test_a_site_is_served_from_buckets(buckets: Buckets) -> None:
    """A visitor gets the page, its compressed form where they take one, and a real 404; no region's server runs."""
    house = buckets.house
    page = house.get("/calls/", Accept_Encoding="identity")
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    for encoding in Encoding:
        packed = house.http.request(
            "GET",
            f"http://{house.door}/calls/",
            headers={"Accept-Encoding": encoding.value},
            decode_content=False,
        )
        assert packed.headers["Content-Encoding"] == encoding.value
        assert EXPAND[encoding](packed.data) == page.data
    assert house.get("/calls/missing.js").status == 404
    assert not [folder for folder in (house.run / "programs").iterdir() if folder.name.startswith("region-")]


def test_only_sites_are_public(buckets: Buckets) -> None:
    """Without a key a bucket gives files of sites, and neither manifests nor a list of what it holds."""
    bucket = buckets.server.bucket("east-sites", "campaign")
    store = buckets.server.store("east-sites", prefix="campaign")
    document = next(key for key in store.keys("sites/calls/") if key.endswith("index.html"))
    manifest = next(store.keys("releases/"))
    asked = {
        key: buckets.house.http.request("GET", f"{bucket.endpoint}{bucket.path}/{key}").status
        for key in (document, manifest)
    }
    assert asked == {document: 200, manifest: 403}
    assert buckets.house.http.request("GET", f"{bucket.endpoint}/east-sites").status == 403


def test_a_bucket_without_rights_is_told_and_nothing_is_half_live(buckets: Buckets) -> None:
    """A key that may not write fails the publish with the region's name, and what is live stays."""
    key = buckets.house.home / "data/campaign/secrets/bucket-west"
    whole = key.read_text()
    before = buckets.house.get("/calls/").data
    key.write_text(f"{ROOT.id}:wrong")
    try:
        refused = buckets.house.handshake("publish", "site/calls", "--promote", check=False)
    finally:
        key.write_text(whole)
    assert refused.returncode != 0
    assert "region west refuses the secret" in " ".join(refused.stderr.split())
    assert "wrong" not in refused.stderr
    assert buckets.house.get("/calls/").data == before


def test_of_two_publishers_one_wins_and_the_other_is_told(buckets: Buckets, tmp_path: Path) -> None:
    """Two people publish and promote at once: one release is live, whole, and the other person hears who moved it."""
    sources = {name: _slow_source(tmp_path / name, name) for name in ("ada", "bob")}
    with ThreadPoolExecutor() as both:
        ended = dict(zip(sources, both.map(partial(_publish, buckets.house), sources.values()), strict=True))
    assert sorted(run.returncode == 0 for run in ended.values()) == [False, True]
    winner = next(name for name, run in ended.items() if run.returncode == 0)
    loser = next(run for name, run in ended.items() if name != winner)
    assert "it was moved" in " ".join(loser.stderr.split())
    assert buckets.house.get("/calls/").data == f"page of {winner}".encode()


def _slow_source(folder: Path, name: str) -> Path:
    """Write a site that takes its time to build, so that both have looked before either has moved anything."""
    (folder / "dist").mkdir(parents=True)
    (folder / "dist/index.html").write_text(f"page of {name}")
    (folder / "site.toml").write_text('build = ["sleep", "4"]\noutput = "dist"\n')
    return folder


def _publish(house: HouseUnderTest, source: Path) -> "subprocess.CompletedProcess[str]":
    return house.handshake("publish", "site/calls", str(source), "--promote", check=False)
