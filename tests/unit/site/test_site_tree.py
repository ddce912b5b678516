"""A built folder becomes a manifest, or every reason why not."""

import os
from pathlib import Path

import pytest

from handshake.core.digest import digest_bytes
from handshake.core.problem import ProblemsError
from handshake.core.subject import Kind
from handshake.release.manifest import release_id
from handshake.site.paths import check_paths, content_type
from handshake.site.release import read_site

HASHED = [
    "app.3f2a9b1c.js",
    "icon.4a11c740bc.svg",
    "index-BkQ3xZ1a.js",
    "index-Bk_3xZ1-.js",
    "chunk-ABCDEFGH.js",
    "0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33.png",
    "app.3f2a9b1c.js.map",
    "main.3f2a9b1c.chunk.css",
]
NOT_HASHED = [
    "app.js",
    "jquery.min.js",
    "furo-extensions.js",
    "readme",
    "a.1.2.3.js",
    "overview.html",
    "3f2a.js",
]


def build(folder: Path, *paths: str) -> Path:
    """Write a folder of small files."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    return folder


def problems_of(folder: Path, *assets: str) -> list[str]:
    """Return the checks that a folder fails."""
    with pytest.raises(ProblemsError) as refused:
        read_site(folder, assets)
    assert all(problem.hint for problem in refused.value.problems)
    return sorted(problem.check for problem in refused.value.problems)


def test_reads_a_built_folder(tmp_path: Path) -> None:
    """A manifest holds every file with digest, size and content type, and the asset folders as its contract."""
    manifest = read_site(
        build(tmp_path, "index.html", "assets/app.3f2a9b1c.js", ".well-known/x"), ["assets/"]
    )
    assert manifest.kind is Kind.SITE
    assert manifest.contract == {"assets": ["assets/"]}
    assert [file.path for file in manifest.files] == [".well-known/x", "assets/app.3f2a9b1c.js", "index.html"]
    index = manifest.files[-1]
    assert (index.digest, index.size) == (digest_bytes(b"index.html"), 10)
    assert index.content_type == "text/html; charset=utf-8"


def test_the_release_depends_on_content_alone(tmp_path: Path) -> None:
    """Times, modes and the folder's name do not change the release's id; content and assets do."""
    one, two = build(tmp_path / "one", "index.html", "x/y"), build(tmp_path / "two", "x/y", "index.html")
    (two / "index.html").chmod(0o755)
    os.utime(two / "index.html", (1, 1))
    assert release_id(read_site(one, [])) == release_id(read_site(two, []))
    assert release_id(read_site(one, [])) != release_id(read_site(one, ["assets/"]))
    (two / "x/y").write_text("other")
    assert release_id(read_site(one, [])) != release_id(read_site(two, []))


def test_tells_all_problems_at_once(tmp_path: Path) -> None:
    """One bad folder, one list."""
    build(tmp_path, "Index.html", "a/B", "a/b", "assets/app.js", "bell\a", "a\\b")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("..")
    os.mkfifo(tmp_path / "pipe")
    assert problems_of(tmp_path, "assets/") == [
        "site-asset-name",
        "site-no-index",
        "site-path-case",
        "tree-name",
        "tree-name",
        "tree-special-file",
        "tree-symlink",
        "tree-symlink",
    ]


def test_refuses_an_empty_folder(tmp_path: Path) -> None:
    """A build that made nothing is no site."""
    (tmp_path / "inner").mkdir()
    assert problems_of(tmp_path) == ["site-empty"]


def test_empty_folders_leave_no_trace(tmp_path: Path) -> None:
    """A folder that holds nothing is no file, and changes no release."""
    before = read_site(build(tmp_path, "index.html"), [])
    (tmp_path / "empty/inner").mkdir(parents=True)
    assert read_site(tmp_path, []) == before


def test_refuses_a_missing_folder(tmp_path: Path) -> None:
    """A build that has not run is told as such."""
    assert problems_of(tmp_path / "missing") == ["tree-unreadable"]


def test_refuses_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    """An output that is a file is refused."""
    assert problems_of(build(tmp_path, "dist") / "dist") == ["tree-unreadable"]


def test_refuses_names_that_are_no_text(tmp_path: Path) -> None:
    """A name that is no UTF-8 is refused, and shown in characters that can be printed."""
    build(tmp_path, "index.html")
    (tmp_path / os.fsdecode(b"\xff.html")).write_text("x")
    with pytest.raises(ProblemsError) as refused:
        read_site(tmp_path, [])
    assert [problem.check for problem in refused.value.problems] == ["tree-name"]
    str(refused.value).encode()


def test_refuses_long_paths() -> None:
    """A path of a thousand characters fits no store, and is shown shortened."""
    path = "/".join(["x" * 99] * 10)
    problems = check_paths(Path("dist"), ["index.html", path], [])
    assert [problem.check for problem in problems] == ["site-path-long"]
    assert len(problems[0].where.file) < 150
    assert check_paths(Path("dist"), ["index.html", path[:900]], []) == []


@pytest.mark.parametrize(
    ("first", "second"), [("A.html", "a.html"), ("\u00e9", "e\u0301"), ("STRASSE", "straße")]
)
def test_refuses_names_that_differ_only_in_case(first: str, second: str) -> None:
    """Two names that some file system holds to be one are refused, by case or by spelling."""
    problems = check_paths(Path("dist"), ["index.html", first, second], [])
    assert [problem.check for problem in problems] == ["site-path-case"]


@pytest.mark.parametrize("name", HASHED)
def test_knows_hashed_names(name: str) -> None:
    """The names that bundlers give are taken as hashed."""
    assert check_paths(Path("dist"), ["index.html", f"assets/{name}"], ["assets/"]) == []


@pytest.mark.parametrize("name", NOT_HASHED)
def test_knows_names_without_hash(name: str) -> None:
    """A plain name in an asset folder is refused, and allowed outside."""
    problems = check_paths(Path("dist"), ["index.html", f"assets/{name}", name], ["assets/"])
    assert [problem.check for problem in problems] == ["site-asset-name"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.CSS", "text/css; charset=utf-8"),
        ("a.min.js", "text/javascript; charset=utf-8"),
        ("a.tar.gz", "application/gzip"),
        ("a.unheard-of", "application/octet-stream"),
        ("html", "application/octet-stream"),
        (".html", "application/octet-stream"),
        ("a.html/b", "application/octet-stream"),
    ],
)
def test_types_follow_the_extension(path: str, expected: str) -> None:
    """The last extension decides, in any case; what it does not say is a stream of bytes."""
    assert content_type(path) == expected
