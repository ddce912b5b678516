"""Compressed variants: made once for each content, the same bytes every time, in flat memory."""

import os
import tracemalloc
from pathlib import Path

import pytest
from tests.expand import EXPAND
from tests.support.disk import note_disk_calls

from handshake.core.digest import digest_file
from handshake.core.errors import RefusedError
from handshake.release.manifest import Encoding, ManifestFile
from handshake.site.variants import compress_file, make_variants

CONTENTS = {"empty": b"", "short": b"x", "page": b"<p>calls</p>" * 400, "noise": os.urandom(3_000_000)}


def file_of(folder: Path, path: str, content: bytes) -> ManifestFile:
    """Write a file, and return it as its manifest names it."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)
    return ManifestFile(path=path, digest=digest_file(folder / path), size=len(content))


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("encoding", Encoding)
def test_a_variant_holds_the_content(tmp_path: Path, encoding: Encoding, content: bytes) -> None:
    """What every browser expands is the file, byte for byte, and a second try gives the same bytes."""
    source = tmp_path / "source"
    source.write_bytes(content)
    for name in ("one", "two"):
        compress_file(source, tmp_path / name, encoding)
    assert EXPAND[encoding]((tmp_path / "one").read_bytes()) == content
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_large_text_is_compressed_in_flat_memory(tmp_path: Path) -> None:
    """A file of 100 MB is read in pieces."""
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(100 << 20)
    tracemalloc.start()
    compress_file(tmp_path / "large.json", tmp_path / "out", Encoding.GZIP)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


def test_the_same_content_is_compressed_once(tmp_path: Path) -> None:
    """A content that the folder of variants knows is not compressed again, under whatever name it comes."""
    first = [file_of(tmp_path / "one", "a.html", b"same"), file_of(tmp_path / "one", "b.png", b"picture")]
    made = make_variants(first, tmp_path / "one", tmp_path / "cache")
    assert set(made) == {first[0].digest}
    times = {variant.path: variant.path.stat().st_mtime_ns for variant in made[first[0].digest]}
    again = make_variants(
        [file_of(tmp_path / "two", "moved.html", b"same")], tmp_path / "two", tmp_path / "cache"
    )
    assert again == made
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert len([path for path in (tmp_path / "cache").rglob("*") if path.is_file()]) == len(Encoding)


def test_a_variant_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every variant's content is synced before its rename, and its name before anybody is told of it."""
    file = file_of(tmp_path / "dist", "a.html", b"content")
    calls = note_disk_calls(monkeypatch)
    (variants,) = make_variants([file], tmp_path / "dist", tmp_path / "cache").values()
    name = variants[0].path.name
    assert len(variants) == len(Encoding)
    assert calls == [
        *(["sync draft"] * len(Encoding)),
        *([f"rename draft {name}", f"sync {name[:2]}"] * len(Encoding)),
    ]


@pytest.mark.parametrize("become", [b"changed", None], ids=["changed", "vanished"])
def test_a_file_that_is_being_built_is_kept_out(tmp_path: Path, become: bytes | None) -> None:
    """A file that is not what the manifest says leaves no variant behind that could be taken for its own."""
    file = file_of(tmp_path / "dist", "a.html", b"first")
    if become is None:
        (tmp_path / "dist/a.html").unlink()
    else:
        (tmp_path / "dist/a.html").write_bytes(become)
    with pytest.raises(RefusedError, match="changed or vanished"):
        make_variants([file], tmp_path / "dist", tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
