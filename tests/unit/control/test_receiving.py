"""A site that arrives as a tar stream."""

import io
import tarfile
from pathlib import Path

import pytest

from handshake.core.problem import ProblemsError
from handshake.site.tar_import import TarImport, parse_wish, unpack_site


def archive(*members: tarfile.TarInfo, content: bytes = b"x") -> io.BytesIO:
    """Return a tar stream."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for member in members:
            member.size = len(content) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content))
    stream.seek(0)
    return stream


def link(name: str, target: str) -> tarfile.TarInfo:
    """Return a symbolic link."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


def test_a_wish_is_one_of_two() -> None:
    """The word, the branch and the commit are read."""
    assert parse_wish("promote main 0123abc\n") == TarImport(
        is_promoted=True, branch="main", commit="0123abc"
    )
    assert not parse_wish("preview feature/x 0123abc").is_promoted


@pytest.mark.parametrize(
    "text", ["", "rm -rf /", "promote main", "promote main abc123; sh", "shell main 0123abc"]
)
def test_nothing_else_is_done(text: str) -> None:
    """Whatever else is asked for is refused, and told what is possible."""
    with pytest.raises(ProblemsError, match="not a command of this connection"):
        parse_wish(text)


def test_files_arrive_where_they_belong(tmp_path: Path) -> None:
    """Plain files are written below the folder."""
    unpack_site(archive(tarfile.TarInfo("site.toml"), tarfile.TarInfo("dist/a/index.html")), tmp_path)
    assert (tmp_path / "dist" / "a" / "index.html").read_bytes() == b"x"


@pytest.mark.parametrize(
    "member", [tarfile.TarInfo("../out"), tarfile.TarInfo("/etc/out"), link("dist/a", "/etc/passwd")]
)
def test_nothing_leads_out_of_the_folder(tmp_path: Path, member: tarfile.TarInfo) -> None:
    """A path that leaves the folder, and a link, are refused by name."""
    with pytest.raises(ProblemsError) as caught:
        unpack_site(archive(member), tmp_path)
    assert caught.value.problems[0].check == "bad-archive"
    assert not list(tmp_path.iterdir())


def test_a_stream_that_breaks_off_is_refused(tmp_path: Path) -> None:
    """Half an archive is no site."""
    whole = archive(tarfile.TarInfo("index.html"), content=b"x" * 10_000).getvalue()
    with pytest.raises(ProblemsError):
        unpack_site(io.BytesIO(whole[:4000]), tmp_path)
