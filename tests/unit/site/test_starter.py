"""What a new site begins with."""

import pytest
import yaml

from handshake.config.reader import parse_settings
from handshake.site.guess import Guess, guess_site, propose_assets
from handshake.site.settings import SiteSettings, check_site
from handshake.site.starter import GITHUB, PUBLISH, SETTINGS, TRAVIS, write_starter

PACKAGE = '{"scripts": {"build": "vite build"}}'
BUILT = ("package.json", "dist/index.html", "dist/assets/index-Bk_3xZ1a.js", "dist/assets/style-C0ffee12.css")


def test_a_node_project_is_recognised() -> None:
    """Build, output and assets are read off the folder."""
    assert guess_site(BUILT, PACKAGE) == Guess(
        build=("npm", "run", "build"), output="dist", assets=("assets/",), is_node=True
    )


def test_what_nothing_builds_lies_in_a_folder_of_its_own() -> None:
    """Beside site.toml and the files of continuous integration, which are no part of the site."""
    guess = guess_site(("index.html", "style.css"), "")
    assert guess == Guess(build=(), output="public", assets=(), is_node=False)


@pytest.mark.parametrize("package", ["[]", "{", '{"scripts": []}'])
def test_a_broken_package_file_is_no_reason_to_fail(package: str) -> None:
    """What cannot be read is not guessed from."""
    assert guess_site(("package.json",), package).build == ()


def test_only_folders_of_hashed_names_alone_are_proposed() -> None:
    """One name without a hash, or a single file, keeps a folder out; of nested ones the outer is proposed."""
    paths = (
        "a/x.3f2a9b1c.js",
        "a/b/y.1A2b3c4d.css",
        "c/z.3f2a9b1c.js",
        "c/plain.js",
        "d/w.3f2a9b1c.js",
        "index.html",
    )
    assert propose_assets(paths) == ("a/",)


@pytest.mark.parametrize("guess", [guess_site(BUILT, PACKAGE), guess_site(("index.html",), "")])
def test_what_is_written_can_be_read(guess: Guess) -> None:
    """The settings pass their own checks, and both systems' files run the build, then the one script."""
    files = write_starter(guess)
    loaded = parse_settings(SiteSettings, files[SETTINGS], shown_as=SETTINGS)
    assert not check_site(loaded)
    assert (loaded.model.build, loaded.model.output, loaded.model.assets) == (
        guess.build,
        guess.output,
        guess.assets,
    )

    github = yaml.safe_load(files[GITHUB])
    steps = [step["run"] for step in github["jobs"]["site"]["steps"] if "run" in step]
    travis = yaml.safe_load(files[TRAVIS])
    assert steps[-1].startswith(PUBLISH)
    assert travis["deploy"]["script"].startswith(PUBLISH)
    assert (" ".join(guess.build) in steps) == bool(guess.build)
    assert guess.output in files[PUBLISH]
