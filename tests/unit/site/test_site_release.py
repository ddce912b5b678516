"""A built folder and its settings become a release's manifest with its contract."""

from pathlib import Path

import pytest

from handshake.core.problem import ProblemsError
from handshake.release.manifest import Encoding, SiteContract
from handshake.site.contract import parse_contract, print_contract
from handshake.site.release import read_release
from handshake.site.settings import SiteSettings


def build(folder: Path, **files: str) -> Path:
    """Write a folder of files; a name's double underline is its dot."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def test_the_contract_is_part_of_the_release(tmp_path: Path) -> None:
    """Rules, pages and settings lie in the manifest, the files that they were read from do not."""
    folder = build(
        tmp_path,
        index__html="i",
        **{"404__html": "n", "_redirects": "/old /new\n", "_headers": "/*\n  X-A: b\n"},
    )
    manifest = read_release(folder, SiteSettings(output=".", query=("page", "lang")))
    assert [file.path for file in manifest.files] == ["404.html", "index.html"]
    contract = parse_contract(manifest.contract)
    assert (contract.not_found, contract.is_pretty, contract.query) == ("404.html", True, ("lang", "page"))
    assert contract.encodings == tuple(Encoding)
    assert contract.redirects[0].is_forced
    assert contract.headers[0].sets == (("X-A", "b"),)
    assert print_contract(contract) == manifest.contract


def test_an_older_contract_is_read() -> None:
    """What a release does not say has its default; what this program does not know is refused."""
    assert parse_contract({"assets": ["assets/"]}) == SiteContract(assets=("assets/",))
    with pytest.raises(ValueError, match="unknown fields: planets"):
        parse_contract({"assets": [], "planets": 9})
    with pytest.raises(ValueError, match="site contract"):
        parse_contract({"assets": "assets/"})


@pytest.mark.parametrize(
    "said",
    [
        {"assets": ["../"]},
        {"not_found": "a\n.html"},
        {"query": ["a|b"]},
        {"redirects": [{"pattern": "/a", "target": "//evil.org", "status": 301, "is_forced": True}]},
        {"redirects": [{"pattern": "/a", "target": "https://a.org", "status": 200, "is_forced": True}]},
        {"redirects": [{"pattern": '/"', "target": "/a", "status": 301, "is_forced": True}]},
        {"redirects": [{"pattern": "/a", "target": '/"', "status": 301, "is_forced": True}]},
        {"headers": [{"pattern": "/*", "sets": [["Set-Cookie", "a=b"]]}]},
        {"headers": [{"pattern": "/*", "sets": [["X-A", "b\r\nX-B: c"]]}]},
    ],
)
def test_a_forged_contract_is_refused(said: dict[str, object]) -> None:
    """What `publish` would not have written reaches no edge: there it would be part of everybody's program."""
    with pytest.raises(ValueError, match="site contract"):
        parse_contract(said)


def test_tells_everything_at_once(tmp_path: Path) -> None:
    """Faults of the folder, of the rules and of the pages that settings name come in one list."""
    folder = build(tmp_path, about__html="a", about="b", _redirects="old /new\n", _headers="  X: y\n")
    with pytest.raises(ProblemsError) as refused:
        read_release(folder, SiteSettings(output=".", fallback="app.html"))
    assert {problem.check for problem in refused.value.problems} == {
        "site-no-index",
        "redirect-syntax",
        "header-syntax",
    }
    (folder / "index.html").write_text("i")
    (folder / "_redirects").unlink()
    (folder / "_headers").unlink()
    with pytest.raises(ProblemsError) as refused:
        read_release(folder, SiteSettings(output=".", fallback="app.html"))
    found = {problem.check for problem in refused.value.problems}
    assert found == {"site-no-fallback", "site-pretty-collision"}
