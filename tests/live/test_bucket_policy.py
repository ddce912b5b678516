"""What a bucket's policy keeps apart: visitors, and the publishers of two sites."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import urllib3

from handshake.core.errors import RefusedError
from handshake.drivers.s3.store import Credential, S3Store
from handshake.release.regions import Bucket, let_site_publish, let_visitors_read, print_policy
from tests.live.buckets import ROOT, run_versitygw
from tests.live.regions import CALLS, build, publish

pytestmark = pytest.mark.live

KEYS = {site: Credential(id=f"{site}-publisher", secret=f"secret of {site}") for site in ("calls", "docs")}


@pytest.fixture(scope="module", params=["", "campaign/east"], ids=["whole bucket", "prefix"])
def bucket(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with run_versitygw(tmp_path_factory.mktemp("versitygw")) as server:
        server.make_bucket("sites")
        made = server.bucket("sites", request.param)
        for key in KEYS.values():
            server.make_user(key)
        statements = [*let_visitors_read(made)]
        for site, key in KEYS.items():
            statements += let_site_publish(made, site, key.id)
        server.set_policy("sites", print_policy(*statements))
        yield made


def test_a_site_publishes_itself(bucket: Bucket, tmp_path: Path) -> None:
    """With no more than its own rights, a site's publisher makes a whole release, again, and with variants."""
    store = S3Store(bucket, KEYS["calls"], "east")
    for _ in range(2):
        publish([store], build(tmp_path / "dist", CALLS))
    assert list(store.keys("sites/calls/"))


def test_a_site_cannot_write_another(bucket: Bucket) -> None:
    """The publisher of one site can neither write nor copy into the other, nor delete anything, its own included."""
    S3Store(bucket, KEYS["calls"], "east").put("sites/calls/x", b"calls")
    docs = S3Store(bucket, KEYS["docs"], "east")
    docs.put("sites/docs/x", b"docs")
    acts: list[Callable[[], None]] = [
        lambda: docs.put("sites/calls/x", b"stolen"),
        lambda: docs.put("sites/calls-2/x", b"stolen"),
        lambda: docs.put("blobs/x", b"stolen"),
        lambda: docs.copy("sites/docs/x", "sites/calls/y"),
        lambda: docs.delete(["sites/docs/x"]),
    ]
    for act in acts:
        with pytest.raises(RefusedError, match="does not let this access key"):
            act()
    assert S3Store(bucket, ROOT, "east").get("sites/calls/x") == b"calls"
    assert S3Store(bucket, ROOT, "east").get("sites/docs/x") == b"docs"


def test_visitors_read_sites_and_nothing_else(bucket: Bucket) -> None:
    """Without a key: a file of a site is had, a missing one is a 404, a manifest is refused, and so is writing."""
    S3Store(bucket, ROOT, "east").put("sites/calls/x", b"calls")
    S3Store(bucket, ROOT, "east").put("releases/x", b"manifest")
    asked = {
        ("GET", "sites/calls/x"): 200,
        ("HEAD", "sites/calls/x"): 200,
        ("GET", "sites/calls/missing"): 404,
        ("GET", "releases/x"): 403,
        ("PUT", "sites/calls/x"): 403,
        ("DELETE", "sites/calls/x"): 403,
    }
    url = f"{bucket.endpoint}{bucket.path}"
    got = {(how, key): urllib3.request(how, f"{url}/{key}", retries=False).status for how, key in asked}
    assert got == asked
