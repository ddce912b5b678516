"""A bucket as a region: what visitors are told of its objects, large files, and everything that can be wrong with it."""

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from handshake.core.digest import digest_bytes
from handshake.core.errors import HandshakeError, RefusedError, UnavailableError
from handshake.drivers.s3.store import Credential, S3Store
from handshake.release.manifest import Encoding
from handshake.release.regions import Bucket
from tests.live.buckets import ROOT, S3Server, run_versitygw

pytestmark = pytest.mark.live

LARGE_BYTES = 300 << 20
LARGE = """
import resource, sys
from pathlib import Path
from handshake.release.regions import Bucket
from handshake.drivers.s3.store import Credential
from handshake.drivers.s3.store import S3Store
url, key, secret, folder = sys.argv[1:]
folder = Path(folder)
with (folder / "large").open("wb") as file:
    file.truncate(int(sys.stdin.read()))
store = S3Store(Bucket(endpoint=url, name="site"), Credential(id=key, secret=secret), "west")
store.put("small", b"x")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
store.put("large", folder / "large")
store.download("large", folder / "back")
print(store.info("large").size, store.info("large").digest.removeprefix("sha256:"))
print((folder / "back").stat().st_size)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with run_versitygw(tmp_path_factory.mktemp("versitygw")) as running:
        running.make_bucket("site")
        yield running


def refusal(store: S3Store, error: type[HandshakeError]) -> str:
    """Return what a store says that can do nothing; a HEAD has no words, so what it says is not compared."""
    said = {told(act, error) for act in (lambda: store.put("a", b"x"), lambda: store.get("a"))}
    said.add(told(lambda: list(store.keys("")), error))
    assert told(lambda: store.info("a"), error)
    assert len(said) == 1
    return said.pop()


def told(act: Callable[[], object], error: type[HandshakeError]) -> str:
    """Return what an act fails with, which has a hint."""
    with pytest.raises(error) as raised:
        act()
    assert raised.value.hint
    return raised.value.what


def test_an_object_carries_what_visitors_are_told(server: S3Server) -> None:
    """Type, cache rule, encoding and digest are the object's own, also in a copy of it."""
    store = server.store("site")
    store.put(
        "sites/a/~br/x.html",
        b"<p>",
        content_type="text/html",
        cache_control="no-cache",
        encoding=Encoding.BROTLI,
    )
    store.copy("sites/a/~br/x.html", "sites/b/~br/x.html")
    for key in ("sites/a/~br/x.html", "sites/b/~br/x.html"):
        found = store._find(key, is_head=True)
        assert found is not None
        told = [found.attributes[name] for name in ("Content-Type", "Cache-Control", "Content-Encoding")]
        assert told == ["text/html", "no-cache", "br"]
        info = store.info(key)
        assert info is not None
        assert info.digest == digest_bytes(b"<p>")


def test_a_large_file_travels_in_flat_memory(server: S3Server, tmp_path: Path) -> None:
    """A file of 300 MB goes and comes back in parts; memory grows by the parts under way and no more."""
    argv = [sys.executable, "-c", LARGE, server.url, ROOT.id, ROOT.secret, str(tmp_path)]
    done = subprocess.run(argv, input=str(LARGE_BYTES), capture_output=True, text=True, check=True)
    said, back, grown_kib = done.stdout.splitlines()
    assert said == f"{LARGE_BYTES} {hashlib.sha256(bytes(LARGE_BYTES)).hexdigest()}"
    assert int(back) == LARGE_BYTES
    assert int(grown_kib) < 120 << 10


def test_a_missing_bucket_is_a_region_that_does_not_answer(server: S3Server) -> None:
    """A bucket that is not there is never taken for an empty one."""
    assert refusal(server.store("missing"), UnavailableError) == (
        f"region west does not answer: {server.url} has no bucket missing"
    )


def test_a_wrong_secret_is_told(server: S3Server) -> None:
    """The key is known and the secret is not its own."""
    store = S3Store(server.bucket("site"), replace(ROOT, secret="other"), "west")
    assert "refuses the secret" in refusal(store, RefusedError)


def test_an_unknown_key_is_told(server: S3Server) -> None:
    """Nobody there has this key."""
    store = S3Store(server.bucket("site"), Credential(id="who", secret="x"), "west")
    assert "does not know the access key" in refusal(store, RefusedError)


def test_an_endpoint_that_is_down_is_unavailable() -> None:
    """Where nothing listens, the region does not answer; trying later may help."""
    store = S3Store(Bucket(endpoint="http://127.0.0.1:1", name="site"), ROOT, "west")
    assert "region west does not answer" in refusal(store, UnavailableError)
