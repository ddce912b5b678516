"""The example sites, as their own build commands make them."""

import hashlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

REPOSITORY = Path(__file__).parents[3]
SITES = ["calls", "docs", "api-explorer"]

# What makes a browser fetch: a link that a reader may click is no fetch.
FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|audio|video|embed)\b[^>]*\bsrc=["']([^"']+)"""
    r"""|<link\b[^>]*\bhref=["']([^"']+)"""
    r"""|@import\s+["']?([^"')\s;]+)"""
    r"""|\burl\(["']?([^"')\s]+)"""
    r"""|^import\b[^"']*["']([^"']+)"""
    r"""|\bnew URL\(["']([^"']+)["'], import\.meta""",
    re.MULTILINE,
)


def read_recipe(site: str) -> dict[str, object]:
    text = (REPOSITORY / "examples/campaign/sites" / site / "site.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def build(site: str, repository: Path) -> Path:
    """Copy a site and the pages to a fresh repository, build there, and return what was built."""
    folder = repository / "examples/campaign/sites" / site
    source = REPOSITORY / "examples/campaign/sites" / site
    copytree(source, folder, ignore=ignore_patterns("dist", "__pycache__"))
    copytree(REPOSITORY / "docs", repository / "docs")
    words = read_recipe(site)["build"]
    assert isinstance(words, list)
    assert words[0] == "python3"
    subprocess.run([sys.executable, *words[1:]], cwd=folder, check=True)
    return folder / "dist"


def read_tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture(scope="module", params=SITES)
def site(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def dist(site: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(site, tmp_path_factory.mktemp("first"))


def find_fetched(text: str) -> list[str]:
    """Find the addresses that a browser would fetch for a file, without fragments and queries."""
    found = (next(filter(None, groups)) for groups in FETCHED.findall(text))
    return [re.sub(r"[?#].*", "", address) for address in found if not address.startswith(("data:", "#"))]


def list_fetches(folder: Path) -> list[tuple[Path, str]]:
    """List what each page, style sheet and module of our own fetches."""
    files = [path for path in folder.rglob("*") if path.suffix in {".html", ".css", ".js", ".svg"}]
    return [
        (path, address)
        for path in sorted(files)
        for address in find_fetched(path.read_text(encoding="utf-8"))
    ]


def test_builds_are_deterministic(site: str, dist: Path, tmp_path: Path) -> None:
    """The same sources give the same bytes, wherever they are built."""
    assert read_tree(dist) == read_tree(build(site, tmp_path))


def test_nothing_external(dist: Path) -> None:
    """No built page makes a browser fetch anything from elsewhere."""
    fetches = list_fetches(dist)
    assert fetches
    assert [fetch for fetch in fetches if re.match(r"\w+:|//", fetch[1])] == []


def test_references_resolve(dist: Path) -> None:
    """Whatever a built page fetches is relative, and lies in the site."""
    for path, address in list_fetches(dist):
        assert not address.startswith("/"), (path.name, address)
        target = path.parent / address
        assert target.is_file() or (target / "index.html").is_file(), (path.name, address)


@pytest.mark.parametrize("site", ["calls", "api-explorer"], indirect=True)
def test_assets_are_named_by_content(site: str, dist: Path) -> None:
    """Every file under an asset prefix carries its content's hash, and nothing is left unused."""
    files = read_tree(dist)
    assets = {name: content for name, content in files.items() if name.startswith("assets/")}
    assert read_recipe(site)["assets"] == ["assets/"]
    for name, content in assets.items():
        assert f".{hashlib.sha256(content).hexdigest()[:10]}." in name
    used = {Path(address).name for _, address in list_fetches(dist)}
    assert used >= {Path(name).name for name in assets}


def test_a_change_renames_its_dependents(tmp_path: Path) -> None:
    """When a module changes, so do its name and the names of all that load it, and of nothing else."""
    calls = tmp_path / "calls"
    copytree(REPOSITORY / "examples/campaign/sites/calls", calls, ignore=ignore_patterns("dist"))

    def build_names() -> dict[str, str]:
        subprocess.run([sys.executable, "build.py"], cwd=calls, check=True)
        return {path.name.split(".")[0]: path.name for path in (calls / "dist/assets").iterdir()}

    before = build_names()
    storage = calls / "src/assets/storage.js"
    storage.write_text(storage.read_text(encoding="utf-8") + "// changed\n", encoding="utf-8")
    after = build_names()
    assert {name for name in before if before[name] != after[name]} == {"storage", "app"}


def test_no_page_left_behind(tmp_path: Path) -> None:
    """A build leaves nothing of the build before."""
    calls = tmp_path / "calls"
    copytree(REPOSITORY / "examples/campaign/sites/calls", calls, ignore=ignore_patterns("dist"))
    (calls / "dist").mkdir()
    (calls / "dist/old.html").touch()
    subprocess.run([sys.executable, "build.py"], cwd=calls, check=True)
    assert not (calls / "dist/old.html").exists()
