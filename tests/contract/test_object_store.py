"""What every object store keeps: the directory, and buckets at two S3 servers that nobody here wrote."""

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handshake.core.digest import digest_bytes
from handshake.core.errors import RefusedError
from handshake.drivers.directory.store import DirectoryStore, make_region
from handshake.drivers.s3.store import S3Store
from handshake.release.objects import ObjectStore
from tests.live.buckets import ROOT, S3Server, run_moto, run_versitygw

STORES = ["directory", "moto", "versitygw", "versitygw, with a prefix"]
_numbers = itertools.count()

BAD_KEYS = {
    "empty": "",
    "absolute": "/etc/passwd",
    "parent": "sites/../../etc/passwd",
    "parent alone": "..",
    "dot": "sites/./x",
    "double slash": "sites//x",
    "trailing slash": "sites/x/",
    "newline": "sites/a\nb",
    "null": "sites/a\0b",
    "delete": "sites/a\x7fb",
    "no UTF-8": "sites/\udcff",
    "long": "sites/" + "x/" * 600 + "x",
}


@pytest.fixture(scope="module")
def moto() -> Iterator[S3Server]:
    with run_moto() as server:
        yield server


@pytest.fixture(scope="module")
def versitygw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with run_versitygw(tmp_path_factory.mktemp("versitygw")) as server:
        yield server


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "directory":
        return make_region(tmp_path / "region", "west")
    program, _, prefix = request.param.partition(", ")
    server: S3Server = request.getfixturevalue(program)
    bucket = f"bucket-{next(_numbers)}"
    server.make_bucket(bucket)
    return server.store(bucket, prefix="campaign/west" if prefix else "")


def test_gives_back_what_was_put(store: ObjectStore) -> None:
    """An object comes back byte for byte."""
    content = bytes(range(256)) * 5000
    store.put("a/bytes", content)
    assert store.get("a/bytes") == content


def test_takes_files_and_gives_files(store: ObjectStore, tmp_path: Path) -> None:
    """A file goes in and comes out again without a detour through memory."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"x" * 3_000_001)
    store.put("a/file", source, content_type="text/plain", cache_control="no-cache")
    assert store.download("a/file", target)
    assert target.read_bytes() == source.read_bytes()


def test_says_none_for_what_it_does_not_hold(store: ObjectStore, tmp_path: Path) -> None:
    """A missing object is an answer, not an error, and leaves no file behind."""
    assert store.get("a/missing") is None
    assert store.info("a/missing") is None
    assert not store.download("a/missing", tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_a_folder_of_objects_is_no_object(store: ObjectStore) -> None:
    """What lies above an object has no content of its own."""
    store.put("a/b/c", b"content")
    assert store.get("a/b") is None
    assert store.info("a") is None


def test_tells_size_and_digest(store: ObjectStore) -> None:
    """Info tells the size, and the digest of the content where it tells one."""
    store.put("a/b", b"content")
    info = store.info("a/b")
    assert info is not None
    assert (info.key, info.size) == ("a/b", 7)
    assert info.digest in {None, digest_bytes(b"content")}


def test_recalls_what_stands_as_it_was_written(store: ObjectStore) -> None:
    """Of many objects, those that are as this program wrote them may be told at once; damaged and missing ones never."""
    written = {f"sites/a/b/{number}": f"{number}".encode() for number in range(70)}
    for key, content in written.items():
        store.put(key, content)
    _overwrite(store, "sites/a/b/1", b"damaged")
    store.delete(["sites/a/b/2"])
    told = store.recall([*written, "sites/a/b/never"])
    sound = {key: digest_bytes(content) for key, content in written.items() if key[-2:] not in {"/1", "/2"}}
    assert told.items() <= sound.items()
    assert isinstance(store, DirectoryStore) or told == sound


def _overwrite(store: ObjectStore, key: str, content: bytes) -> None:
    """Let another program write an object."""
    if isinstance(store, S3Store):
        store = S3Store(store._bucket, ROOT, "west")
    store.put(key, content)


def test_put_replaces(store: ObjectStore) -> None:
    """The last put wins, and putting the same again changes nothing."""
    for content in (b"one", b"two", b"two"):
        store.put("a/b", content)
    assert store.get("a/b") == b"two"
    assert list(store.keys("")) == ["a/b"]


def test_holds_empty_objects(store: ObjectStore) -> None:
    """An empty object is there."""
    store.put("a/empty", b"")
    assert store.get("a/empty") == b""


def test_holds_names_of_all_alphabets(store: ObjectStore) -> None:
    """Keys may hold spaces, percent signs and letters of any alphabet."""
    names = [
        "a/b c",
        "a/50%",
        "a/Überblick.html",
        "a/фила.html",
        "a/-x",
        "a/.well-known/x",
        "a/..b",
        "a/'\"$;",
    ]
    for name in names:
        store.put(name, name.encode())
    assert list(store.keys("a/")) == sorted(names)
    assert [store.get(name) for name in names] == [name.encode() for name in names]


def test_lists_keys_by_prefix_and_sorted(store: ObjectStore) -> None:
    """A prefix is the beginning of a text, not a folder; keys are sorted as texts."""
    for key in ("s/b/1", "s/b-1", "s/b/0", "s/a", "sa", "t/x"):
        store.put(key, b"")
    assert list(store.keys("s/b")) == ["s/b-1", "s/b/0", "s/b/1"]
    assert list(store.keys("s/")) == ["s/a", "s/b-1", "s/b/0", "s/b/1"]
    assert list(store.keys("s/missing/")) == []
    assert list(store.keys("")) == sorted(["s/b/1", "s/b-1", "s/b/0", "s/a", "sa", "t/x"])


def test_copies_inside_the_store(store: ObjectStore) -> None:
    """A copy outlives changes to what it was copied from, and replaces what stood under its name."""
    store.put("a/source", b"one")
    store.put("b/target", b"old")
    store.copy("a/source", "b/target")
    store.copy("a/source", "b/target")
    store.put("a/source", b"two")
    assert store.get("b/target") == b"one"
    store.delete(["a/source"])
    assert store.get("b/target") == b"one"


def test_refuses_to_copy_what_is_not_there(store: ObjectStore) -> None:
    """Copying a missing object is refused and makes none."""
    with pytest.raises(RefusedError):
        store.copy("a/missing", "a/target")
    assert store.info("a/target") is None


def test_deletes(store: ObjectStore) -> None:
    """Deleted objects are gone; missing ones are no error, and neighbours stay."""
    for key in ("a/1", "a/2", "a/3"):
        store.put(key, b"")
    store.delete(["a/1", "a/3", "a/missing", "a/1/below"])
    assert list(store.keys("")) == ["a/2"]


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS)
def test_refuses_bad_keys(store: ObjectStore, key: str, tmp_path: Path) -> None:
    """A key that leads out of the store, or that no URL can carry, is refused by every method."""
    store.put("good", b"content")
    acts: list[Callable[[], object]] = [
        lambda: store.put(key, b"content"),
        lambda: store.get(key),
        lambda: store.download(key, tmp_path / "target"),
        lambda: store.info(key),
        lambda: store.copy("good", key),
        lambda: store.copy(key, "other"),
        lambda: store.delete([key]),
    ]
    for act in acts:
        with pytest.raises(RefusedError) as refused:
            act()
        assert refused.value.hint
    assert list(store.keys("")) == ["good"]


def test_readers_never_see_half_an_object(store: ObjectStore) -> None:
    """While many write one key, every read gives one writer's whole content."""
    contents = [bytes([letter]) * 200_000 for letter in b"abcd"]
    store.put("a/b", contents[0])
    seen: list[bytes | None] = []
    writers = [threading.Thread(target=_write_often, args=(store, content)) for content in contents]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        seen.append(store.get("a/b"))
    for writer in writers:
        writer.join()
    assert set(seen) <= set(contents)
    assert store.get("a/b") in contents
    assert list(store.keys("")) == ["a/b"]


def _write_often(store: ObjectStore, content: bytes) -> None:
    for _ in range(25):
        store.put("a/b", content)


def test_many_write_into_new_folders_at_once(store: ObjectStore) -> None:
    """Writers that need the same new folders do not trip over one another."""
    failed: list[BaseException] = []

    def write(writer: int) -> None:
        try:
            for number in range(20):
                store.put(f"new/{number}/deep/{writer}", b"x")
        except BaseException as error:  # noqa: BLE001 -- handed to the test's own thread
            failed.append(error)

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    assert not failed
    assert len(list(store.keys("new/"))) == 160
