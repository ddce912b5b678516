"""The command that builds a sandbox, computed without building one."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from handshake.drivers.sandbox.confinement import FIRST_UID, LAST_UID, Confinement, uid_for
from handshake.drivers.sandbox.sandbox import Limits, Sandbox, sandbox_command

EVERY_WAY = pytest.mark.parametrize("confinement", list(Confinement))


def command(
    confinement: Confinement, *, templates: Path | None = None, base: Path | None = None
) -> tuple[str, ...]:
    """Return the command for a sandbox with one secret, held by descriptor 20."""
    sandbox = Sandbox(
        instance="hamm-1",
        service="hamm",
        command=("python3", "-m", "hamm"),
        tree=Path("/trees/image"),
        base=base,
        templates=templates,
        environment={"PORT": "20001"},
        limits=Limits(memory_megabytes=256),
    )
    files = {"/run/secrets/ledger": 20}
    return sandbox_command(
        sandbox, confinement=confinement, uid=50001, links={"/bin": "usr/bin"}, files=files
    )


@EVERY_WAY
def test_instance_does_not_die_with_its_parent(confinement: Confinement) -> None:
    """A sandbox outlives whoever started it, and its program is PID 1, whom signals reach."""
    words = command(confinement)
    assert "--die-with-parent" not in words
    assert "--as-pid-1" in words


@EVERY_WAY
def test_everything_of_the_host_is_read_only(confinement: Confinement) -> None:
    """No path of the host is bound for writing, and the root is closed when everything stands in it."""
    words = command(confinement, templates=Path("/trees/templates"))
    assert not {"--bind", "--bind-try", "--dev-bind", "--dev-bind-try"} & set(words)
    assert words[words.index("/trees/templates") - 1 :][:3] == ("--ro-bind", "/trees/templates", "/templates")
    assert ("--remount-ro", "/") in pairwise(words[words.index("/app") :])


@EVERY_WAY
def test_a_base_stands_in_for_the_host(confinement: Confinement) -> None:
    """Over a base, its /usr and its certificates are bound, and neither of the host's."""
    words = command(confinement, base=Path("/trees/base"))
    bound = {
        inside: outside
        for way, outside, inside in zip(words, words[1:], words[2:], strict=False)
        if "bind" in way
    }
    assert bound == {"/usr": "/trees/base/usr", "/etc/ssl": "/trees/base/etc/ssl", "/app": "/trees/image"}


@EVERY_WAY
def test_no_templates_no_mount(confinement: Confinement) -> None:
    """A service that renders nothing has no /templates."""
    assert "/templates" not in command(confinement)


def test_root_gives_up_its_rights_before_the_sandbox_is_built() -> None:
    """Where user namespaces are allowed, bubblewrap itself runs as the service's user already."""
    words = command(Confinement.DROPPED)
    assert words[0] == "setpriv"
    assert {"--reuid=50001", "--regid=50001", "--clear-groups", "--no-new-privs"} <= set(
        words[: words.index("bwrap")]
    )
    assert "--unshare-user" in words


def test_root_gives_up_its_rights_inside_where_it_must() -> None:
    """Where they are forbidden, the last thing before the program is to become the service's user, for good."""
    words = command(Confinement.ROOT)
    assert words[0] == "bwrap"
    assert "--unshare-user" not in words
    drop = words[words.index("setpriv") : words.index("prlimit")]
    assert {"--reuid=50001", "--clear-groups", "--no-new-privs", "--bounding-set=-all"} <= set(drop)
    assert drop[-1] == "--"


@EVERY_WAY
def test_secret_is_only_a_descriptor(confinement: Confinement) -> None:
    """Of a secret the command knows a descriptor and a path, and only its owner may read the file."""
    words = command(confinement)
    at = words.index("/run/secrets/ledger")
    mode = "0444" if confinement is Confinement.ROOT else "0400"
    assert words[at - 4 : at + 1] == ("--perms", mode, "--file", "20", "/run/secrets/ledger")


@EVERY_WAY
def test_limits_come_before_the_program(confinement: Confinement) -> None:
    """The program is limited by what runs last before it, and comes at the very end."""
    words = command(confinement)
    assert words[-3:] == ("python3", "-m", "hamm")
    assert f"--data={256 << 20}" in words[words.index("prlimit") :]


@pytest.mark.parametrize("service", ["hamm", "events", "secretary", "a", "z" * 40])
def test_uid_is_unprivileged(service: str) -> None:
    """A service's uid lies in the documented range."""
    assert FIRST_UID <= uid_for(service) <= LAST_UID


def test_services_of_the_example_have_users_of_their_own() -> None:
    """The campaign's services do not share a user; hamm's is written here, since it may never change by an upgrade."""
    assert len({uid_for(service) for service in ("hamm", "events", "secretary")}) == 3
    assert uid_for("hamm") == 53_139
