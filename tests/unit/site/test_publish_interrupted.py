"""A publish that breaks off at any of its steps, two at once, and regions that lag or lie."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from tests.unit.publishing import publish

from handshake.core.digest import digest_bytes
from handshake.core.errors import UnavailableError
from handshake.drivers.directory.store import DirectoryStore
from handshake.release.manifest import Encoding, Manifest, release_id
from handshake.release.objects import ObjectInfo, ObjectStore, manifest_key
from handshake.release.upload import read_digests
from handshake.site.release import read_site
from handshake.site.upload import list_objects
from handshake.site.variants import make_variants

ASSETS = ["assets/"]


class Fuse:
    """Lets so many calls through, and none after them."""

    def __init__(self, calls: float) -> None:
        self._left = calls
        self._lock = threading.Lock()
        self.is_blown = False

    def pass_one(self) -> None:
        """Let a call through, or fail as a killed process or a cut line does."""
        with self._lock:
            self._left -= 1
            if self._left < 0:
                self.is_blown = True
                raise UnavailableError("cut off", hint="try again")


class FusedStore(DirectoryStore):
    """A region on a line that breaks."""

    def __init__(self, root: Path, region: str, fuse: Fuse) -> None:
        root.mkdir(exist_ok=True)
        super().__init__(root, region)
        self._fuse = fuse

    def put(
        self,
        key: str,
        content: Path | bytes,
        *,
        content_type: str = "",
        cache_control: str = "",
        encoding: Encoding | None = None,
    ) -> None:
        """Write, or break off before it."""
        self._fuse.pass_one()
        super().put(key, content, content_type=content_type, cache_control=cache_control, encoding=encoding)

    def get(self, key: str) -> bytes | None:
        """Read, or break off before it."""
        self._fuse.pass_one()
        return super().get(key)

    def info(self, key: str) -> ObjectInfo | None:
        """Ask, or break off before it."""
        self._fuse.pass_one()
        return super().info(key)

    def copy(self, source: str, target: str) -> None:
        """Copy, or break off before it."""
        self._fuse.pass_one()
        super().copy(source, target)

    def keys(self, prefix: str) -> Iterator[str]:
        """List, or break off before it."""
        self._fuse.pass_one()
        return super().keys(prefix)


class LaggingStore(FusedStore):
    """A region that knows nothing yet of what was written to it."""

    def info(self, key: str) -> ObjectInfo | None:
        """Say that nothing is there."""
        del key
        return None


class LyingStore(FusedStore):
    """A region that gives back something else than it was given."""

    def info(self, key: str) -> ObjectInfo | None:
        """Tell another digest."""
        found = super().info(key)
        return found and ObjectInfo(key=key, size=found.size, digest=digest_bytes(b"something else"))


def stores_of(folder: Path, fuse: Fuse) -> list[FusedStore]:
    """Return two regions whose calls one fuse counts together."""
    return [FusedStore(folder / name, name, fuse) for name in ("east", "west")]


def build(folder: Path, index: str) -> Manifest:
    """Write a site of two documents, of which one stays, and an asset; return its manifest."""
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(index)
    (folder / "photo.webp").write_bytes(b"photo")
    (folder / "assets/icon.0a1b2c3d.png").write_bytes(b"icon")
    return read_site(folder, ASSETS)


def is_whole(store: ObjectStore, manifest: Manifest, folder: Path) -> bool:
    """Tell whether a region holds every object of a release as it should be."""
    variants = make_variants(manifest.files, folder, folder.parent / "variants")
    expected = {each.key: each.digest for each in list_objects(manifest, folder, "calls", variants)}
    return read_digests(store, expected) == expected


def is_sealed(store: ObjectStore, manifest: Manifest) -> bool:
    """Tell whether a region names a release."""
    return store.get(manifest_key(release_id(manifest))) is not None


def test_a_publish_may_break_off_at_every_call(tmp_path: Path) -> None:
    """After each number of calls: what is named is whole, the release before is untouched, and trying again ends it."""
    first, second = build(tmp_path / "one", "one"), build(tmp_path / "two", "two")
    for calls in itertools.count():
        ground = tmp_path / f"after {calls}"
        ground.mkdir()
        sound = stores_of(ground, Fuse(float("inf")))
        publish(sound, tmp_path / "one", first)
        fuse = Fuse(calls)
        broken = _attempt(partial(publish, stores_of(ground, fuse), tmp_path / "two", second, previous=first))
        assert broken == fuse.is_blown
        for store in sound:
            assert is_whole(store, first, tmp_path / "one")
            assert not is_sealed(store, second) or all(
                is_whole(each, second, tmp_path / "two") for each in sound
            )
        publish(sound, tmp_path / "two", second, first)
        assert all(is_sealed(store, second) and is_whole(store, second, tmp_path / "two") for store in sound)
        if not broken:
            break
    assert calls > 20


def _attempt(act: Callable[[], object]) -> bool:
    """Tell whether an act was cut off."""
    try:
        act()
    except UnavailableError:
        return True
    return False


@pytest.mark.parametrize("kind", [LaggingStore, LyingStore])
def test_a_region_that_lags_or_lies_gets_no_manifest(tmp_path: Path, kind: type[FusedStore]) -> None:
    """Where one region does not give back what it was given, no region names the release."""
    manifest, endless = build(tmp_path / "dist", "one"), Fuse(float("inf"))
    sound = FusedStore(tmp_path / "east", "east", endless)
    doubtful = kind(tmp_path / "west", "west", endless)
    with pytest.raises(UnavailableError, match="west does not return"):
        publish([sound, doubtful], tmp_path / "dist", manifest)
    assert not any(is_sealed(store, manifest) for store in (sound, doubtful))


def test_two_publishers_of_one_site_do_not_mix(tmp_path: Path) -> None:
    """Two releases that are published at the same moment are both whole in every region."""
    stores: Sequence[FusedStore] = stores_of(tmp_path, Fuse(float("inf")))
    manifests = {name: build(tmp_path / name, name) for name in ("one", "two")}
    writers = [
        threading.Thread(target=publish, args=(stores, tmp_path / name, manifest))
        for name, manifest in manifests.items()
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    for store in stores:
        for name, manifest in manifests.items():
            assert is_sealed(store, manifest)
            assert is_whole(store, manifest, tmp_path / name)


def test_a_release_that_is_there_is_not_looked_at_again(tmp_path: Path) -> None:
    """Publishing again what is everywhere asks each region for its manifest and adds who published it, no more."""
    manifest = build(tmp_path / "dist", "one")
    publish(stores_of(tmp_path, Fuse(float("inf"))), tmp_path / "dist", manifest)
    publish(stores_of(tmp_path, Fuse(2 * 4)), tmp_path / "dist", manifest)
