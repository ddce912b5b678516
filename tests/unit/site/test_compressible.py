"""Which files have compressed variants, and where those lie."""

from pathlib import Path

import pytest

from handshake.core.digest import digest_bytes
from handshake.release.manifest import COMPRESSIBLE_EXTENSIONS, Encoding, is_compressible
from handshake.release.objects import asset_variant_key, document_variant_key
from handshake.site.paths import CONTENT_TYPES, check_paths

TEXT = {"javascript", "json", "xml", "yaml", "wasm"}


def _is_text(content_type: str) -> bool:
    kind, _, rest = content_type.partition(";")[0].partition("/")
    return kind == "text" or rest in TEXT or rest.endswith(("+xml", "+json"))


def test_every_text_is_compressible() -> None:
    """The extensions with variants are those whose content type is a text, a script or a module."""
    assert {name for name, kind in CONTENT_TYPES.items() if _is_text(kind)} == set(COMPRESSIBLE_EXTENSIONS)


@pytest.mark.parametrize("path", ["index.html", "a/b.min.JS", "a.b/c.svg", "..html", "a/x y.css"])
def test_a_text_has_variants(path: str) -> None:
    """The last extension decides, in any case."""
    assert is_compressible(path)


@pytest.mark.parametrize("path", ["photo.webp", "html", ".html", "a.html/b", "a/.css", "x.html.gz", "x."])
def test_everything_else_has_none(path: str) -> None:
    """Pictures, archives, and names without an extension stand as they are, and nothing else."""
    assert not is_compressible(path)


def test_variants_lie_beside_the_files() -> None:
    """An encoding has a folder of its own in each release, and one in the assets."""
    release = digest_bytes(b"")
    documents = f"sites/calls/{release.removeprefix('sha256:')}"
    keys = [document_variant_key("calls", release, encoding, "a/b.html") for encoding in Encoding]
    assert keys == [f"{documents}/~br/a/b.html", f"{documents}/~zstd/a/b.html", f"{documents}/~gzip/a/b.html"]
    assert asset_variant_key("calls", Encoding.GZIP, "x.1.js") == "sites/calls/assets/~gzip/x.1.js"


def test_no_site_may_take_the_folders_of_variants() -> None:
    """A path that begins with an encoding's folder, or is its name, is refused; deeper down it is a name like any."""
    paths = ["index.html", "~br/index.html", "~gzip", "~zstd/x", "a/~br/x", "~other/x"]
    problems = check_paths(Path("dist"), paths, [])
    assert [problem.check for problem in problems] == ["site-path-variant"] * 3
