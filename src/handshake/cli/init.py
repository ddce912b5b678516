"""`handshake init`: writes starter files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from handshake.cli.screen import errors_explained, json_option, out, print_report
from handshake.core.atomic_file import write_atomically
from handshake.site.starter import PUBLISH, guess_site, write_starter

_HIDDEN = (".git", "node_modules")


@dataclass(frozen=True, kw_only=True)
class InitReport:
    """The files that exist afterwards."""

    folder: str
    written: tuple[str, ...]
    kept: tuple[str, ...]
    """Files that already existed and were not changed."""


@click.group()
def init() -> None:
    """Write starter files."""


@init.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), default=".")
@json_option
def site(folder: Path, *, as_json: bool) -> None:
    """Write site.toml for the site in FOLDER, and the files that publish it from GitHub Actions and Travis CI.

    Existing files are not changed. Build command, output and asset folders are guessed from the folder: review
    the result.
    """
    with errors_explained(as_json=as_json):
        package = folder / "package.json"
        guess = guess_site(_list(folder), package.read_text(encoding="utf-8") if package.is_file() else "")
        files = write_starter(guess)
        written = tuple(path for path, text in files.items() if _write(folder / path, text))
        kept = tuple(path for path in files if path not in written)
        report = InitReport(folder=str(folder), written=written, kept=kept)
        print_report(report, as_json=as_json, for_people=lambda: _print(report))


def _list(folder: Path) -> list[str]:
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return [path.as_posix() for path in paths if path.parts[0] not in _HIDDEN]


def _write(file: Path, text: str) -> bool:
    if file.exists():
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, text, mode=0o755 if file.match(PUBLISH) else 0o644)
    return True


def _print(report: InitReport) -> None:
    for path in report.written:
        out.print(f"wrote {path}", markup=False)
    for path in report.kept:
        out.print(f"kept {path}", markup=False)
    out.print("Next, for a campaign with [sites.NAME] in its handshake.toml:", markup=False)
    out.print("  handshake publish site/NAME FOLDER --promote     from this machine, or")
    out.print(
        "  handshake site credential NAME --key FILE.pub    on the campaign's machine, to publish from CI"
    )
