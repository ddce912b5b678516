"""The files that a new site begins with: its settings, and what turns a commit into a release.

Continuous integration has no key to the campaign. It hands the built site over an SSH connection that can do one
thing: `handshake site receive NAME`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from handshake.site.guess import Guess

SETTINGS = "site.toml"
PUBLISH = "ci/publish"
GITHUB = ".github/workflows/handshake.yml"
TRAVIS = ".travis.yml"

_PUBLISH_TEXT = """\
#!/bin/sh
# Hands the built site to the campaign: a preview for every commit, and on the main branch the site itself.
# HANDSHAKE_HOST: user@host; HANDSHAKE_KEY: the private key; HANDSHAKE_KNOWN_HOSTS: the host's line of known_hosts.
# Usage: ci/publish BRANCH COMMIT
set -eu
cd "$(dirname "$0")/.."
branch=$1 commit=$2
secrets=$(mktemp -d)
trap 'rm -rf "$secrets"' EXIT
(umask 077 && printf '%s\\n' "$HANDSHAKE_KEY" >"$secrets/key" && printf '%s\\n' "$HANDSHAKE_KNOWN_HOSTS" >"$secrets/known")
word=preview
[ "$branch" != main ] || word=promote
tar -c site.toml @OUTPUT@ | ssh -i "$secrets/key" -o IdentitiesOnly=yes -o UserKnownHostsFile="$secrets/known" \\
    "$HANDSHAKE_HOST" "$word" "$branch" "$commit"
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
        "# How this site is built, and what of the result is published; docs/sites.md explains every setting."
    ]
    if guess.build:
        lines.append(f"build = {json.dumps(list(guess.build))}")
    lines.append(f"output = {json.dumps(guess.output)}")
    if guess.assets:
        lines.append(
            "# Every name in there carries a hash of its content: kept for a year, shared by all releases."
        )
        lines.append(f"assets = {json.dumps(list(guess.assets))}")
    return "\n".join(lines) + "\n"


def _write_github(guess: Guess) -> str:
    node = """\
      - uses: actions/setup-node@v4
        with:
          node-version: 20
"""
    steps = "".join(f"      - run: {command}\n" for command in _commands(guess))
    return f"""\
name: handshake
on: push
jobs:
  site:
    runs-on: ubuntu-latest
    # Two pushes publish one after the other, in their order.
    concurrency: handshake-${{{{ github.ref }}}}
    steps:
      - uses: actions/checkout@v4
{node if guess.is_node else ""}{steps}\
      - run: ci/publish "$GITHUB_REF_NAME" "$GITHUB_SHA"
        env:
          HANDSHAKE_HOST: ${{{{ vars.HANDSHAKE_HOST }}}}
          HANDSHAKE_KNOWN_HOSTS: ${{{{ vars.HANDSHAKE_KNOWN_HOSTS }}}}
          HANDSHAKE_KEY: ${{{{ secrets.HANDSHAKE_KEY }}}}
"""


def _write_travis(guess: Guess) -> str:
    language = "language: node_js\nnode_js: 20\n" if guess.is_node else "language: minimal\n"
    commands = _commands(guess)
    install = "install: npm ci\n" if guess.is_node else ""
    script = [command for command in commands if command != "npm ci"]
    steps = "script:\n" + "".join(f"  - {command}\n" for command in script) if script else "script: true\n"
    return f"""\
# HANDSHAKE_HOST, HANDSHAKE_KNOWN_HOSTS and HANDSHAKE_KEY are settings of the repository.
{language}{install}{steps}\
deploy:
  provider: script
  script: ci/publish "$TRAVIS_BRANCH" "$TRAVIS_COMMIT"
  cleanup: false
  on:
    all_branches: true
"""


def _commands(guess: Guess) -> tuple[str, ...]:
    install = ("npm ci", "npm test --if-present") if guess.is_node else ()
    build = (" ".join(guess.build),) if guess.build else ()
    return (*install, *build)
