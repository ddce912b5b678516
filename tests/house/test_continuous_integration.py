"""From a commit to the edge: what `init` writes is run as continuous integration runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3
import yaml

from handshake.site.starter import GITHUB
from tests.house.house import HouseUnderTest
from tests.house.processes import wait_until

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        not os.environ.get("CI") and not all(map(shutil.which, ("git", "npm", "ssh-keygen"))),
        reason="needs git, npm and ssh-keygen: sudo apt-get install git npm openssh-client",
    ),
]

SOON_SECONDS = 10.0
PACKAGE = {"name": "calls", "version": "1.0.0", "scripts": {"build": "node build.js", "test": "node -e 0"}}
BUILD = """
const fs = require("fs");
fs.mkdirSync("dist/assets", { recursive: true });
fs.writeFileSync("dist/index.html", "<!doctype html><title>Calls</title>" + fs.readFileSync("text.txt"));
fs.writeFileSync("dist/assets/one.3F2a9b1c.js", "1");
fs.writeFileSync("dist/assets/two.0C0ffee1.js", "2");
"""
SSH = """#!/bin/sh
# Stands for sshd with the site's line of authorized_keys: the key may run one thing, whatever was asked for.
while [ "$1" != campaign@node ]; do shift; done
shift
SSH_ORIGINAL_COMMAND="$*" exec {command}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a repository with one commit, as somebody who has just begun has it."""
    folder = tmp_path / "calls"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps(PACKAGE))
    (folder / "package-lock.json").write_text(
        json.dumps({**PACKAGE, "lockfileVersion": 3, "packages": {"": PACKAGE}})
    )
    (folder / "build.js").write_text(BUILD)
    (folder / "text.txt").write_text("first words")
    run_in(folder, "git", "init", "-q", "-b", "main")
    return folder


def run_in(folder: Path, *command: str, **environment: str) -> str:
    """Run a command and return what it printed."""
    run = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, f"{command}\n{run.stdout}\n{run.stderr}"
    return run.stdout


def commit(folder: Path, text: str) -> str:
    """Commit everything and return the commit."""
    (folder / "text.txt").write_text(text)
    run_in(folder, "git", "add", "-A")
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@campaign.example")
    run_in(folder, "git", *identity, "commit", "-q", "-m", text)
    return run_in(folder, "git", "rev-parse", "HEAD").strip()


def run_workflow(house: HouseUnderTest, project: Path, tmp_path: Path, branch: str) -> None:
    """Clone the repository and run every step of the workflow's file on the clone, as a runner does."""
    clone = tmp_path / f"runner-{len(list(tmp_path.iterdir()))}"
    run_in(tmp_path, "git", "clone", "-q", "--branch", branch, str(project), str(clone))
    programs = tmp_path / "bin"
    programs.mkdir(exist_ok=True)
    command = f"{sys.executable} -m handshake.cli.main site receive calls"
    (programs / "ssh").write_text(SSH.format(command=command))
    (programs / "ssh").chmod(0o755)
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HANDSHAKE_HOME": str(house.home),
        "HANDSHAKE_HOST": "campaign@node",
        "HANDSHAKE_KEY": "a private key",
        "HANDSHAKE_KNOWN_HOSTS": "node ssh-ed25519 AAAA",
        "GITHUB_REF_NAME": branch,
        "GITHUB_SHA": run_in(clone, "git", "rev-parse", "HEAD").strip(),
    }
    workflow = yaml.safe_load((clone / GITHUB).read_text())
    for step in workflow["jobs"]["site"]["steps"]:
        if "run" in step:
            run_in(clone, "bash", "-e", "-c", step["run"], **environment)


def test_a_commit_becomes_what_visitors_see(house: HouseUnderTest, project: Path, tmp_path: Path) -> None:
    """A commit on a branch makes a release that is not live; the same on main is what the edge serves, and known by its commit."""
    house.handshake("init", "site", str(project))
    first = commit(project, "first words")
    run_workflow(house, project, tmp_path, "main")
    assert "first words" in house.get("/calls/").data.decode()

    run_in(project, "git", "checkout", "-q", "-b", "next")
    second = commit(project, "other words")
    run_workflow(house, project, tmp_path, "next")
    assert "first words" in house.get("/calls/").data.decode()

    host = f"next--calls.preview.localhost:{house.door.rpartition(':')[2]}"
    wait_until(lambda: house.get("/calls/", Host=host).status == 401, SOON_SECONDS)
    password = house.verb("site", "preview", "calls", "--as", "next")["password"]
    opened = {"Host": host, **urllib3.make_headers(basic_auth=f"preview:{password}")}
    wait_until(lambda: "other words" in house.get("/calls/", **opened).data.decode(), SOON_SECONDS)
    assert house.get("/calls/", **opened).headers["x-robots-tag"] == "noindex, nofollow"

    known = {each["commit"]: each for each in house.verb("site", "ls", "calls")["releases"]}
    assert known[first]["is_live"]
    assert not known[second]["is_live"]
    changed = house.verb("site", "diff", "calls", known[first]["release"], known[second]["release"])
    assert [each["path"] for each in changed["difference"]["changes"]] == ["index.html"]


def test_a_credential_is_one_line_for_one_site(house: HouseUnderTest, tmp_path: Path) -> None:
    """The line lets a key publish the site that it names and do nothing else; what is no key is refused."""
    pair = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(pair)], check=True)
    line = house.verb("site", "credential", "calls", "--key", f"{pair}.pub")["authorized_keys"]
    assert line.startswith('command="')
    assert 'site receive calls --campaign campaign",restrict ssh-ed25519 ' in line
    refused = house.handshake("site", "credential", "calls", "--key", str(pair), check=False)
    assert "bad-public-key" in refused.stderr
