"""What a new site begins with."""

import pytest
import yaml

from handshake.config.reader import parse_settings
from handshake.site.settings import SiteSettings, check_site
from handshake.site.starter import (
    GITHUB,
    PUBLISH,
    SETTINGS,
    TRAVIS,
    Guess,
    guess_site,
    propose_assets,
    write_starter,
)

PACKAGE = '{"scripts": {"build": "vite build"}}'
BUILT = ("package.json", "dist/index.html", "dist/assets/index-Bk_3xZ1a.js", "dist/assets/style-C0ffee12.css")


def test_a_node_project_is_recognised() -> None:
    """Build, output and assets are read off the folder."""
    assert guess_site(BUILT, PACKAGE) == Guess(
        build=("npm", "run", "build"), output="dist", assets=("assets/",), install=("npm", "install")
    )


@pytest.mark.parametrize(
    ("lock", "install"),
    [
        ("package-lock.json", "npm ci"),
        ("pnpm-lock.yaml", "npx --yes pnpm install --frozen-lockfile"),
        ("yarn.lock", "npx --yes yarn install --frozen-lockfile"),
    ],
)
def test_what_wrote_the_lock_file_installs(lock: str, install: str) -> None:
    """A project keeps the program with which it pinned its packages."""
    assert " ".join(guess_site((*BUILT, lock), PACKAGE).install) == install


def test_what_nothing_builds_lies_in_a_folder_of_its_own() -> None:
    """Beside site.toml and the files of continuous integration, which are no part of the site."""
    guess = guess_site(("index.html", "style.css"), "")
    assert guess == Guess(build=(), output="public", assets=())


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
    assert steps[-2].startswith(PUBLISH)
    assert travis["deploy"]["script"].startswith(PUBLISH)
    assert all((" ".join(command) in steps) == bool(command) for command in (guess.build, guess.install))
    assert guess.output in files[PUBLISH]


def test_a_tag_publishes_nothing_and_only_one_step_knows_the_key() -> None:
    """A tag may have the live branch's name; tests and build scripts run without the key and without git's token."""
    files = write_starter(guess_site(BUILT, PACKAGE))
    github = yaml.load(files[GITHUB], Loader=yaml.BaseLoader)
    assert github["on"] == {"push": {"branches": ["**"]}}
    steps = github["jobs"]["site"]["steps"]
    assert [step["id"] for step in steps if "secrets." in str(step)] == ["publish"]
    assert steps[0]["with"] == {"persist-credentials": "false"}
    travis = yaml.load(files[TRAVIS], Loader=yaml.BaseLoader)
    assert travis["deploy"]["on"] == {"all_branches": "true", "condition": '-z "$TRAVIS_TAG"'}
