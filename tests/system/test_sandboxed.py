"""What an instance may not do, tried from inside: as its own user, with its own eyes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system.campaign_up import CampaignUnderTest

pytestmark = pytest.mark.live

_SCRATCH = {"/tmp", "/proc", "/dev/pts"}
"""Where a sandbox may be written to: its private folder, and what the kernel keeps for it."""


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A running instance, seen from outside."""

    name: str
    pid: int

    @property
    def uid(self) -> int:
        """Its user, as the machine knows it."""
        return int(self.status["Uid"].split()[0])

    @property
    def status(self) -> dict[str, str]:
        """What the kernel says of it."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    def mounts(self) -> Iterator[tuple[str, set[str]]]:
        """Yield each of its mounts: where, and the options of the mount."""
        for line in Path(f"/proc/{self.pid}/mountinfo").read_text().splitlines():
            yield line.split()[4], set(line.split()[5].split(","))

    def try_inside(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a shell script among its mounts and processes, as its user and without any right."""
        enter = ["nsenter", "--target", str(self.pid), "--mount", "--pid"]
        drop = [
            *("setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups"),
            *("--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"),
        ]
        if os.geteuid() != 0:
            enter, drop = [*enter, "--user", "--preserve-credentials"], []
        return subprocess.run(
            [*enter, "--", *drop, "sh", "-c", script], capture_output=True, text=True, check=False, timeout=20
        )


@pytest.fixture(scope="module")
def instances(system: CampaignUnderTest) -> list[Instance]:
    """All instances of the example campaign."""
    names = sorted(folder.name for folder in (system.run / "instances").iterdir())
    assert {name.rpartition("-")[0] for name in names} == {"events", "hamm", "secretary"}
    return [Instance(name=name, pid=system.pid_of(name)) for name in names]


def test_an_instance_writes_nowhere_but_in_its_tmp(instances: list[Instance]) -> None:
    """Every folder that an instance sees refuses a new file, but for its own /tmp."""
    for instance in instances:
        tried = instance.try_inside(
            "for folder in $(find / -xdev -type d) /app /app/lib /usr /usr/bin /etc/ssl /run/secrets /dev /dev/shm;"
            " do touch $folder/intruder && echo $folder && rm $folder/intruder; done; true"
        )

        assert tried.stdout == "/tmp\n", (instance, tried.stdout)


def test_every_mount_but_its_own_is_read_only(instances: list[Instance]) -> None:
    """All that is mounted in a sandbox is read-only, but for its scratch places and harmless devices."""
    for instance in instances:
        writable = {where for where, options in instance.mounts() if "rw" in options}

        assert {where for where in writable if not is_device(where)} <= _SCRATCH


def test_an_instance_cannot_change_its_image(instances: list[Instance]) -> None:
    """An instance can neither write to a file of its image, nor remove it, nor give itself the right to."""
    for instance in instances:
        tried = instance.try_inside(
            'file=$(find /app -type f | head -1); test -n "$file" || exit 9;'
            " (echo x >> $file) && echo wrote; rm -f $file && echo removed;"
            " chmod u+w $file && echo chmod; mount -o remount,rw /app && echo remounted; true"
        )

        assert (tried.returncode, tried.stdout) == (0, ""), (instance, tried.stdout)


def test_an_image_on_disk_is_nobodys_to_write(system: CampaignUnderTest, instances: list[Instance]) -> None:
    """No file and no folder of a release on this machine's disk is writable, and where root runs the campaign, none belongs to an instance."""
    trees = system.home / "data" / "campaign" / "trees"
    uids = {instance.uid for instance in instances}
    paths = [path for tree in trees.iterdir() for path in (tree, *tree.rglob("*")) if not path.is_symlink()]

    assert len(paths) > 100
    assert [path for path in paths if path.stat().st_mode & 0o222] == []
    if os.geteuid() == 0:
        assert [path for path in paths if path.stat().st_uid in uids] == []


def test_an_instance_is_not_root(instances: list[Instance]) -> None:
    """Outside of its sandbox an instance is an unprivileged user without any capability, one per service."""
    for instance in instances:
        assert instance.uid != 0
        assert int(instance.status["CapEff"], 16) == int(instance.status["CapBnd"], 16) == 0
        assert instance.status["NoNewPrivs"] == "1"
    if os.geteuid() == 0:
        users = {instance.name.rpartition("-")[0]: instance.uid for instance in instances}
        assert len(set(users.values())) == len(users)


def test_an_instance_sees_no_other_process(instances: list[Instance]) -> None:
    """Inside of a sandbox the application is process 1, and nothing of the machine is visible."""
    for instance in instances:
        seen = instance.try_inside("ls -d /proc/[0-9]* | wc -l; tr '\\0' ' ' </proc/1/cmdline")

        count, command = seen.stdout.split("\n", 1)
        assert int(count) < 8
        assert "python3 -m" in command


def test_status_says_what_limits_instances(system: CampaignUnderTest, instances: list[Instance]) -> None:
    """Status names for each node what holds its instances to their limits, and the kernel says the same of each."""
    (node,) = system.verb("status")["nodes"]
    groups = [Path(f"/proc/{instance.pid}/cgroup").read_text() for instance in instances]

    assert [
        f"handshake-{instance.name}" in group for instance, group in zip(instances, groups, strict=True)
    ] == [node["limited_by"] == "cgroup"] * len(instances)
    assert f"n1 {node['limited_by']}" in system.handshake("status").stdout


def is_device(where: str) -> bool:
    """Whether a mount is one of the devices that every program may use."""
    return where in {f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty")}
