"""A sandbox: what an instance runs in, and the command that builds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from handshake.drivers.process.program import Program
from handshake.drivers.sandbox.cgroup import join_groups
from handshake.drivers.sandbox.confinement import Confinement, drop_to

_MEBIBYTE = 1 << 20
_TMP_BYTES = 64 * _MEBIBYTE
_STACK_BYTES = 2 * _MEBIBYTE
"""A thread's stack counts as data from its start; with the usual 8 MiB, 32 threads would fill 256 MiB."""
_NAMED_ON = "9"
"""The descriptor on which the supervisor listens for the program's pid."""
_ENVIRONMENT = {"HOME": "/tmp", "LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin"}  # noqa: S108 -- private
_DROP_ALL = ("--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one instance may use up. They end runaways; they are no fair shares."""

    memory_megabytes: int
    """Of data (heap, stacks, private mappings), per process; of all processes together where groups limit them."""
    open_files: int = 4096
    processes: int = 512
    """Processes and threads together."""

    @property
    def group_megabytes(self) -> int:
        """What a control group allows: all of its data, and a /tmp that is full, which lies in memory too."""
        return self.memory_megabytes + _TMP_BYTES // _MEBIBYTE


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """One instance's sandbox. It holds no secret: those are given at the launch, and only to the launch."""

    instance: str
    service: str
    command: tuple[str, ...]
    tree: Path
    """The image's files, seen as /app."""
    base: Path | None = None
    """The base's files, whose usr is seen as /usr; None for the host's own."""
    templates: Path | None
    """The template release's files, seen as /templates; None for a service that renders none."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """All that the command gets, beside HOME, LANG and PATH."""
    limits: Limits


def sandbox_program(
    sandbox: Sandbox,
    *,
    confinement: Confinement,
    uid: int,
    links: Mapping[str, str],
    files: Mapping[str, int],
    groups: tuple[Path, ...] = (),
) -> Program:
    """Return the program that builds the sandbox and runs the command in it, as its supervisor should run it."""
    command = sandbox_command(sandbox, confinement=confinement, uid=uid, links=links, files=files)
    return Program(
        name=sandbox.instance,
        argv=(*join_groups(groups), *command),
        groups=groups,
        is_named_by_monitor=True,
    )


def sandbox_command(
    sandbox: Sandbox,
    *,
    confinement: Confinement,
    uid: int,
    links: Mapping[str, str],
    files: Mapping[str, int],
) -> tuple[str, ...]:
    """Return the argv that builds the sandbox and runs the command in it as PID 1.

    `links` are the symbolic links that stand in the base's root, such as /lib -> usr/lib. `files` are paths
    inside of the sandbox and the inherited descriptors that hold their contents: so no secret is ever in an
    argv, an environment or a file on disk. The sandbox does not die with its parent: it outlives its agent.
    """
    inner = (*_limits(sandbox.limits), *sandbox.command)
    bubblewrap = ("bwrap", *_rights(confinement), *_namespaces(sandbox.instance), *_environment(sandbox))
    outer = (
        *bubblewrap,
        *_root(sandbox.base or Path("/"), links),
        *_files(files, confinement),
        *_trees(sandbox),
        "--",
    )
    match confinement:
        case Confinement.PERSON:
            return (*outer, *inner)
        case Confinement.DROPPED:
            return (*drop_to(uid), *outer, *inner)
        case Confinement.ROOT:
            *drop, end = drop_to(uid)
            return (*outer, *drop, *_DROP_ALL, end, *inner)


def _rights(confinement: Confinement) -> tuple[str, ...]:
    if confinement is not Confinement.ROOT:
        return ("--unshare-user", "--disable-userns")
    needed = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")  # setpriv uses them to give them up
    return ("--cap-drop", "ALL", *(word for name in needed for word in ("--cap-add", name)))


def _namespaces(hostname: str) -> tuple[str, ...]:
    spaces = ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
    return (*spaces, "--hostname", hostname, "--as-pid-1", "--new-session", "--info-fd", _NAMED_ON)


def _environment(sandbox: Sandbox) -> Iterator[str]:
    yield "--clearenv"
    for name, value in sorted({**_ENVIRONMENT, **sandbox.environment}.items()):
        yield from ("--setenv", name, value)


def _root(base: Path, links: Mapping[str, str]) -> Iterator[str]:
    yield from ("--ro-bind", str(base / "usr"), "/usr")
    for link, target in sorted(links.items()):
        yield from ("--symlink", target, link)
    yield from ("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev")
    yield from ("--perms", "1777", "--size", str(_TMP_BYTES), "--tmpfs", "/tmp")  # noqa: S108 -- private
    yield from ("--perms", "0755", "--dir", "/etc", "--ro-bind-try", str(base / "etc/ssl"), "/etc/ssl")


def _files(files: Mapping[str, int], confinement: Confinement) -> Iterator[str]:
    for folder in ("/run", "/run/secrets"):
        yield from ("--perms", "0755", "--dir", folder)
    # Built by root, the files are root's, and the instance could not read them; nobody else sees them either.
    mode = "0444" if confinement is Confinement.ROOT else "0400"
    for path, descriptor in sorted(files.items()):
        yield from ("--perms", mode, "--file", str(descriptor), path)


def _trees(sandbox: Sandbox) -> Iterator[str]:
    yield from ("--ro-bind", str(sandbox.tree), "/app")
    if sandbox.templates:
        yield from ("--ro-bind", str(sandbox.templates), "/templates")
    yield from ("--remount-ro", "/", "--chdir", "/app")


def _limits(limits: Limits) -> tuple[str, ...]:
    return (
        "prlimit",
        f"--data={limits.memory_megabytes * _MEBIBYTE}",
        f"--stack={_STACK_BYTES}",
        f"--nofile={limits.open_files}",
        f"--nproc={limits.processes}",
        "--core=0",
        "--",
    )
