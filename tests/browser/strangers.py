"""Front ends that nobody here wrote: fetched from npm at test time, laid out as sites of a campaign."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system.campaign_up import CampaignUnderTest

_OPENAPI = {
    "openapi": "3.0.3",
    "info": {"title": "Handshake's own words", "version": "1"},
    "paths": {"/x": {"get": {"responses": {"200": {"description": "fine"}}}}},
}
_MONACO = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Monaco</title>
<div id="editor" style="height: 20em"></div>
<script src="vs/loader.js"></script>
<script>
require.config({ paths: { vs: "vs" } });
require(["vs/editor/editor.main"], () => monaco.editor.create(
  document.getElementById("editor"), { value: "print('hello')", language: "python" }));
</script>
"""


@dataclass(frozen=True, kw_only=True)
class Stranger:
    """A package and the site that it becomes."""

    name: str
    package: str
    """With its version."""
    folder: str
    """In the package, what is published."""
    adapt: Callable[[Path], None]
    """What its own documentation says to do before it is served below a path."""
    shows: str
    """A selector of what is there once the front end runs."""
    fewest_files: int = 1
    """So many of its own files a visit needs at least: chunks that are loaded when they are needed count."""


def _set_base(folder: Path) -> None:
    index = folder / "index.html"
    text = index.read_text().replace('<base href="/" />', '<base href="/altair/" />')
    begin = '<script type="module">AltairGraphQL.init({ endpointURL: "/graphql" })</script>'
    index.write_text(text.replace("</body>", f"{begin}</body>"))


def _point_at_description(folder: Path) -> None:
    (folder / "openapi.json").write_text(json.dumps(_OPENAPI))
    script = folder / "swagger-initializer.js"
    script.write_text(
        script.read_text().replace("https://petstore.swagger.io/v2/swagger.json", "openapi.json")
    )


def _write_index(folder: Path) -> None:
    (folder / "index.html").write_text(_MONACO)


STRANGERS = (
    Stranger(
        name="swagger",
        package="swagger-ui-dist@5.35.0",
        folder=".",
        adapt=_point_at_description,
        shows="text=Handshake's own words",
    ),
    Stranger(
        name="altair",
        package="altair-static@8.5.9",
        folder="build/dist",
        adapt=_set_base,
        shows="app-header",
        fewest_files=20,
    ),
    Stranger(
        name="monaco",
        package="monaco-editor@0.57.0",
        folder="min",
        adapt=_write_index,
        shows=".monaco-editor .view-line",
        fewest_files=6,
    ),
    Stranger(
        name="editor",
        package="swagger-editor-dist@4.14.8",
        folder=".",
        adapt=lambda _: None,
        shows="#swagger-editor .ace_content",
        fewest_files=4,
    ),
)


def add_strangers(system: CampaignUnderTest) -> None:
    """Make every stranger a site of the campaign; skips where npm is missing, but never in CI."""
    if shutil.which("npm") is None and not os.environ.get("CI"):
        pytest.skip("npm is missing: sudo apt-get install npm")
    settings = system.campaign / "handshake.toml"
    for stranger in STRANGERS:
        site = system.campaign / "sites" / stranger.name
        site.mkdir()
        _fetch(stranger, site)
        (site / "site.toml").write_text('output = "dist"\n')
        declared = (
            f'\n[sites.{stranger.name}]\nsource = "sites/{stranger.name}"\nmount = "/{stranger.name}"\n'
        )
        settings.write_text(settings.read_text() + declared)


def _fetch(stranger: Stranger, site: Path) -> None:
    command = ["npm", "pack", stranger.package, "--silent", "--pack-destination", str(site)]
    subprocess.run(command, check=True, timeout=120, cwd=site)
    archive = next(site.glob("*.tgz"))
    with tarfile.open(archive) as packed:
        packed.extractall(site)
    archive.unlink()
    shutil.move(site / "package" / stranger.folder, site / "dist")
    shutil.rmtree(site / "package", ignore_errors=True)
    stranger.adapt(site / "dist")
