"""A new site: guesses the build from its folder, and writes the starter files."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from handshake.site.paths import has_hash

# What a folder says of how its site is built, and which of its folders could be assets.

_OUTPUTS = ("dist", "build", "out", "public", "_site")
_LOCKS = {
    "package-lock.json": ("npm", "ci"),
    "pnpm-lock.yaml": ("npx", "--yes", "pnpm", "install", "--frozen-lockfile"),
    "yarn.lock": ("npx", "--yes", "yarn", "install", "--frozen-lockfile"),
}
"""Package managers by lock file: one beside package.json installs the packages."""
_UNLOCKED = ("npm", "install")
_FEWEST = 2
"""A folder is proposed only with at least this many files: a single name may look hashed by chance."""


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A guess of how a site is built."""

    build: tuple[str, ...]
    """Empty if there is no build."""
    output: str
    assets: tuple[str, ...]
    install: tuple[str, ...] = ()
    """The command that installs the dependencies; empty if there is none."""


def guess_site(paths: Iterable[str], package: str) -> Guess:
    """Return a guess from the paths in a folder and the text of its package.json, empty if it has none."""
    known = tuple(paths)
    scripts = _scripts(package)
    build = ("npm", "run", "build") if "build" in scripts else ()
    output = next((name for name in _OUTPUTS if any(path.startswith(f"{name}/") for path in known)), "")
    output = output or ("dist" if build else "public")
    install = next((its for lock, its in _LOCKS.items() if lock in known), _UNLOCKED) if package else ()
    built = (path.removeprefix(f"{output}/") for path in known if path.startswith(f"{output}/"))
    return Guess(build=build, output=output, assets=propose_assets(built), install=install)


def propose_assets(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the outermost folders of a built site in which every file's name carries a hash."""
    hashed: dict[str, list[bool]] = defaultdict(list)
    for path in paths:
        *folders, name = path.split("/")
        for depth in range(1, len(folders) + 1):
            hashed["/".join(folders[:depth]) + "/"].append(has_hash(name))
    found = [folder for folder, names in hashed.items() if len(names) >= _FEWEST and all(names)]
    return tuple(
        sorted(each for each in found if not any(each != outer and each.startswith(outer) for outer in found))
    )


def _scripts(package: str) -> Mapping[str, object]:
    try:
        scripts = json.loads(package).get("scripts", {})
    except (ValueError, AttributeError):
        return {}
    return scripts if isinstance(scripts, dict) else {}


SETTINGS = "site.toml"
PUBLISH = "ci/publish"
GITHUB = ".github/workflows/handshake.yml"
TRAVIS = ".travis.yml"

_PUBLISH_TEXT = """\
#!/bin/sh
# Hands the built site to the campaign: the site itself on the live branch, a preview on every other one.
# HANDSHAKE_HOST: user@host; HANDSHAKE_KNOWN_HOSTS: the host's line of known_hosts, from ssh-keyscan.
# HANDSHAKE_KEY: the private key, as it is or in base64. HANDSHAKE_DOMAIN, if set: previews have hosts below it.
# Usage: ci/publish BRANCH COMMIT
set -eu
cd "$(dirname "$0")/.."
live=main # the branch that visitors see
: "${HANDSHAKE_HOST:?is not among the settings of the repository}"
: "${HANDSHAKE_KNOWN_HOSTS:?is not among the settings of the repository}"
: "${HANDSHAKE_KEY:?is not among the secrets of the repository}"
branch=$(printf '%s' "$1" | tr -c 'A-Za-z0-9._/-' - | cut -c 1-100) commit=$2
secrets=$(mktemp -d)
trap 'rm -rf "$secrets"' EXIT
umask 077
printf '%s\\n' "$HANDSHAKE_KNOWN_HOSTS" >"$secrets/known"
case $HANDSHAKE_KEY in
-----BEGIN*) printf '%s\\n' "$HANDSHAKE_KEY" ;;
*) printf '%s' "$HANDSHAKE_KEY" | base64 -d ;;
esac >"$secrets/key" || { echo "HANDSHAKE_KEY is no private key, and none in base64" >&2; exit 1; }
word=preview status=0
[ "$1" != "$live" ] || word=promote
tar -cz site.toml @OUTPUT@ | ssh -i "$secrets/key" -o IdentitiesOnly=yes -o BatchMode=yes \\
    -o UserKnownHostsFile="$secrets/known" "$HANDSHAKE_HOST" "$word" "$branch" "$commit" >"$secrets/said" || status=$?
cat "$secrets/said"
[ "$status" = 0 ] || exit "$status"
link=$(sed -n "s|^preview: \\(.*\\)DOMAIN|\\1${HANDSHAKE_DOMAIN:-}|p" "$secrets/said")
if [ -n "${HANDSHAKE_DOMAIN:-}" ] && [ -n "$link" ]; then
    echo "preview: $link"
    [ -z "${GITHUB_OUTPUT:-}" ] || echo "preview=$link" >>"$GITHUB_OUTPUT"
fi
"""
_GITHUB_TEXT = """\
name: handshake
on:
  push:
    branches: ["**"] # and no tags: one that is named as the live branch must not be taken for it
permissions:
  contents: read
  statuses: write # the link to a preview stands beside its commit, and so in the pull request
jobs:
  site:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    # Two pushes publish one after the other, in their order.
    concurrency: handshake-${{ github.ref }}
    steps:
      - uses: actions/checkout@v6
        with:
          persist-credentials: false
@STEPS@      - id: publish
        run: ci/publish "$GITHUB_REF_NAME" "$GITHUB_SHA"
        env:
          HANDSHAKE_HOST: ${{ vars.HANDSHAKE_HOST }}
          HANDSHAKE_KNOWN_HOSTS: ${{ vars.HANDSHAKE_KNOWN_HOSTS }}
          HANDSHAKE_DOMAIN: ${{ vars.HANDSHAKE_DOMAIN }}
          HANDSHAKE_KEY: ${{ secrets.HANDSHAKE_KEY }}
      - if: steps.publish.outputs.preview
        run: >-
          gh api "repos/$GITHUB_REPOSITORY/statuses/$GITHUB_SHA" --silent
          -f state=success -f context=preview -f target_url="$PREVIEW"
        env:
          GH_TOKEN: ${{ github.token }}
          PREVIEW: ${{ steps.publish.outputs.preview }}
"""
_GITHUB_NODE = """\
      - uses: actions/setup-node@v6
        with:
          node-version: lts/*
"""


def write_starter(guess: Guess) -> Mapping[str, str]:
    """Return every file by its path; `ci/publish` is to be executable."""
    return {
        SETTINGS: _write_settings(guess),
        PUBLISH: _PUBLISH_TEXT.replace("@OUTPUT@", guess.output),
        GITHUB: _write_github(guess),
        TRAVIS: _write_travis(guess),
    }


def _write_settings(guess: Guess) -> str:
    lines = [
        "# How this site is built, and what of the output is published; docs/reference/site-files.md explains every setting."
    ]
    if guess.build:
        lines.append(f"build = {json.dumps(list(guess.build))}")
    lines.append(f"output = {json.dumps(guess.output)}")
    if guess.assets:
        lines.append(
            "# Every file name in these folders contains a content hash: cached for a year, shared by all releases."
        )
        lines.append(f"assets = {json.dumps(list(guess.assets))}")
    return "\n".join(lines) + "\n"


def _write_github(guess: Guess) -> str:
    steps = "".join(f"      - run: {command}\n" for command in (*_install(guess), *_test_and_build(guess)))
    return _GITHUB_TEXT.replace("@STEPS@", (_GITHUB_NODE if guess.install else "") + steps)


def _write_travis(guess: Guess) -> str:
    language = "language: node_js\nnode_js: lts/*\n" if guess.install else "language: minimal\n"
    install = "".join(f"install: {command}\n" for command in _install(guess))
    script = _test_and_build(guess)
    steps = "script:\n" + "".join(f"  - {command}\n" for command in script) if script else "script: true\n"
    return f"""\
# HANDSHAKE_HOST, HANDSHAKE_KNOWN_HOSTS and HANDSHAKE_KEY (in base64) are settings of the repository. Let one build
# run at a time there, so that two pushes publish in their order.
{language}{install}{steps}\
deploy:
  provider: script
  script: ci/publish "$TRAVIS_BRANCH" "$TRAVIS_COMMIT"
  skip_cleanup: true # what was built stays
  on:
    all_branches: true
    condition: -z "$TRAVIS_TAG"
"""


def _install(guess: Guess) -> tuple[str, ...]:
    return (" ".join(guess.install),) if guess.install else ()


def _test_and_build(guess: Guess) -> tuple[str, ...]:
    test = ("npm test --if-present",) if guess.install else ()
    build = (" ".join(guess.build),) if guess.build else ()
    return (*test, *build)
