"""A region's objects, lent by the home node's agent to a node that joined."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from handshake.agent.joining import build_objects
from handshake.core.digest import digest_bytes
from handshake.core.errors import RefusedError, UnavailableError
from handshake.drivers.directory.store import DirectoryStore, make_region
from handshake.drivers.http.objects import LentStore
from handshake.drivers.http.server import ThreadedServer

pytestmark = pytest.mark.live

CREDENTIAL = "a-credential"
KEY = "releases/a b/manifest.json"


@pytest.fixture
def region(tmp_path: Path) -> DirectoryStore:
    """Return a region with two objects."""
    store = make_region(tmp_path / "east", "east")
    store.put(KEY, b"{}")
    store.put("blobs/00/00", b"\x00" * 100_000)
    return store


@pytest.fixture
def address(region: DirectoryStore) -> Iterator[str]:
    """Lend the region's objects, and return where."""
    app = Starlette(routes=[Mount("/objects", build_objects({"east": region}, CREDENTIAL))])
    server = ThreadedServer(app, "127.0.0.1:0")
    yield f"127.0.0.1:{server.port}"
    server.stop()


def lent(address: str, *, region: str = "east", credential: str = CREDENTIAL) -> LentStore:
    """Return the region as another node sees it."""
    return LentStore(address=address, region=region, credential=credential)


def test_objects_are_read_as_they_are(address: str, tmp_path: Path) -> None:
    """Content, facts and keys are those of the region itself; what is missing is missing."""
    store = lent(address)
    assert store.get(KEY) == b"{}"
    info = store.info("blobs/00/00")
    assert info
    assert (info.size, info.digest) == (100_000, digest_bytes(b"\x00" * 100_000))
    assert list(store.keys("releases/")) == [KEY]
    assert store.download("blobs/00/00", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"\x00" * 100_000
    assert store.get("blobs/ff/ff") is None
    assert store.info("blobs/ff/ff") is None
    assert not store.download("blobs/ff/ff", tmp_path / "none")


def test_without_the_credential_nothing_is_lent(address: str) -> None:
    """Another credential, and another region, are a region that does not answer, never an empty one."""
    for store in (lent(address, credential="guessed"), lent(address, region="west")):
        with pytest.raises(UnavailableError):
            store.get(KEY)


def test_a_region_that_is_gone_does_not_answer(address: str, tmp_path: Path) -> None:
    """A region whose folder is gone at home is unavailable here as well."""
    (tmp_path / "east").rename(tmp_path / "gone")
    with pytest.raises(UnavailableError):
        lent(address).get(KEY)


def test_nothing_can_be_written_from_afar(address: str) -> None:
    """Releases are made at home."""
    store = lent(address)
    with pytest.raises(RefusedError):
        store.put("a", b"")
    with pytest.raises(RefusedError):
        store.copy("a", "b")
    with pytest.raises(RefusedError):
        store.delete(["a"])
