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
from tests.system.campaign_up import CampaignUnderTest
from tests.system.processes import wait_until

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


GH = """#!/bin/sh
echo "$*" >>{file}
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


def run_workflow(system: CampaignUnderTest, project: Path, tmp_path: Path, branch: str) -> str:
    """Clone the repository and run every step of the workflow's file on the clone, as a runner does.

    Return what GitHub was told: the words of every `gh`, empty where none was called.
    """
    clone = tmp_path / f"runner-{len(list(tmp_path.iterdir()))}"
    run_in(tmp_path, "git", "clone", "-q", "--branch", branch, str(project), str(clone))
    programs = tmp_path / "bin"
    programs.mkdir(exist_ok=True)
    command = f"{sys.executable} -m handshake.cli.main site receive calls"
    outputs, told = tmp_path / f"{clone.name}.outputs", tmp_path / f"{clone.name}.gh"
    for name, text in (("ssh", SSH.format(command=command)), ("gh", GH.format(file=told))):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HANDSHAKE_HOME": str(system.home),
        "HANDSHAKE_HOST": "campaign@node",
        "HANDSHAKE_KEY": "-----BEGIN OPENSSH PRIVATE KEY-----",
        "HANDSHAKE_DOMAIN": "campaign.example",
        "HANDSHAKE_KNOWN_HOSTS": "node ssh-ed25519 AAAA",
        "GITHUB_REF_NAME": branch,
        "GITHUB_SHA": run_in(clone, "git", "rev-parse", "HEAD").strip(),
        "GITHUB_REPOSITORY": "campaign/calls",
        "GITHUB_OUTPUT": str(outputs),
    }
    workflow = yaml.safe_load((clone / GITHUB).read_text())
    for step in workflow["jobs"]["site"]["steps"]:
        preview = outputs.read_text().strip().removeprefix("preview=") if outputs.exists() else ""
        if "run" in step and (preview or "if" not in step):
            run_in(clone, "bash", "-e", "-c", step["run"], PREVIEW=preview, **environment)
    return told.read_text() if told.exists() else ""


def test_a_commit_becomes_what_visitors_see(system: CampaignUnderTest, project: Path, tmp_path: Path) -> None:
    """A commit on a branch makes a release that is not live; the same on main is what the edge serves, and known by its commit."""
    system.handshake("init", "site", str(project))
    first = commit(project, "first words")
    assert not run_workflow(system, project, tmp_path, "main"), "what is live needs no preview"
    assert "first words" in system.get("/calls/").data.decode()

    run_in(project, "git", "checkout", "-q", "-b", "next")
    second = commit(project, "other words")
    told = run_workflow(system, project, tmp_path, "next")
    assert f"repos/campaign/calls/statuses/{second} " in told
    assert "target_url=https://next--calls.preview.campaign.example/" in told
    assert "first words" in system.get("/calls/").data.decode()

    host = f"next--calls.preview.localhost:{system.ingress.rpartition(':')[2]}"
    wait_until(lambda: system.get("/calls/", Host=host).status == 401, SOON_SECONDS)
    password = system.verb("site", "preview", "calls", "--as", "next")["password"]
    opened = {"Host": host, **urllib3.make_headers(basic_auth=f"preview:{password}")}
    wait_until(lambda: "other words" in system.get("/calls/", **opened).data.decode(), SOON_SECONDS)
    assert system.get("/calls/", **opened).headers["x-robots-tag"] == "noindex, nofollow"

    known = {each["commit"]: each for each in system.verb("site", "ls", "calls")["releases"]}
    assert known[first]["is_live"]
    assert not known[second]["is_live"]
    changed = system.verb("site", "diff", "calls", known[first]["release"], known[second]["release"])
    assert [each["path"] for each in changed["difference"]["changes"]] == ["index.html"]


def test_what_is_wrong_is_told_where_somebody_looks(
    system: CampaignUnderTest, project: Path, tmp_path: Path
) -> None:
    """A folder that cannot be published and a setting that is missing fail the step, in the log's own words."""
    system.handshake("init", "site", str(project))
    (project / "build.js").write_text(
        'require("fs").mkdirSync("dist"); require("fs").writeFileSync("dist/x", "")'
    )
    commit(project, "no index")
    with pytest.raises(AssertionError, match="site-no-index"):
        run_workflow(system, project, tmp_path, "main")
    bare = {name: value for name, value in os.environ.items() if not name.startswith("HANDSHAKE_")}
    said = subprocess.run(
        [project / "ci/publish", "main", "0123abc"], env=bare, capture_output=True, text=True, check=False
    )
    assert said.returncode != 0
    assert "HANDSHAKE_HOST: is not among the settings" in said.stderr


def test_a_credential_is_one_line_for_one_site(system: CampaignUnderTest, tmp_path: Path) -> None:
    """The line lets a key publish the site that it names and do nothing else; what is no key is refused."""
    pair = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(pair)], check=True)
    line = system.verb("site", "credential", "calls", "--key", f"{pair}.pub")["authorized_keys"]
    assert line.startswith('command="')
    assert 'site receive calls --campaign campaign",restrict ssh-ed25519 ' in line
    refused = system.handshake("site", "credential", "calls", "--key", str(pair), check=False)
    assert "bad-public-key" in refused.stderr
