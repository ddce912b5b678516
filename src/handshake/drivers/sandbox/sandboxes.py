"""Launches, finds, observes and stops the instances of one node, as the fleet's InstanceHost."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from handshake.core.errors import RefusedError
from handshake.drivers.process.command import Need
from handshake.drivers.process.identity import processor_seconds
from handshake.drivers.process.processes import Processes
from handshake.drivers.process.program import Observation, Program, ProgramState
from handshake.drivers.sandbox.cgroup import Cgroups
from handshake.drivers.sandbox.confinement import Confinement, uid_for
from handshake.drivers.sandbox.sandbox import Limits, Sandbox, sandbox_program
from handshake.fleet.instances.launch import HostedInstance, LaunchOrder, Limiter

NEEDS = (
    Need(program="bwrap", reason="to confine instances in sandboxes", package="bubblewrap"),
    Need(program="setpriv", reason="to start instances without root's rights", package="util-linux"),
    Need(program="prlimit", reason="to limit the memory of instances", package="util-linux"),
    Need(program="setsid", reason="to let instances outlive the agent", package="util-linux"),
)
_ROOT_LINKS = ("/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin")


class Sandboxes:
    """The instances of one node: one supervised program each, never restarted in place.

    All that must be known of a running instance lies in its folder under `root`: a new agent finds it by
    its name, and needs no secret to go on with it.
    """

    def __init__(self, root: Path, *, confinement: Confinement, cgroups: Cgroups | None = None) -> None:
        """Without `cgroups` rlimits alone hold instances to their limits."""
        self._processes = Processes(root)
        self._cgroups = cgroups
        self._confinement = confinement

    @property
    def limited_by(self) -> Limiter:
        """What holds the instances to their limits."""
        return Limiter.CGROUP if self._cgroups else Limiter.RLIMIT

    def launch(self, sandbox: Sandbox, *, secrets: Mapping[str, str]) -> Observation:
        """Start an instance unless it runs already, and return what is seen of it; idempotent.

        `secrets` become files under /run/secrets. Raises RefusedError where the instance's user cannot
        reach a tree, or where the instance has ended before: it is replaced, never started again.
        """
        seen = self.observe(sandbox.instance)
        if seen.state is ProgramState.RUNNING:
            return seen
        if seen.state is ProgramState.EXITED:
            raise RefusedError(
                f"{sandbox.instance} has ended ({seen.evidence}); an instance cannot be started twice",
                hint="Launch a new one with a new name.",
            )
        uid = self._uid(sandbox.service)
        self._check_trees(sandbox, uid)
        # Secrets travel in anonymous memory that only the supervisor and bubblewrap inherit: no file that could be
        # left behind on disk, no argv, no environment. bubblewrap copies them into the sandbox and closes them.
        with memory_files({**_accounts(uid), **_secret_files(secrets)}) as files:
            program = self._program(sandbox, uid, files, self._make_groups(sandbox))
            return self._processes.start(program, inherit=tuple(files.values()))

    def observe(self, instance: str) -> Observation:
        """Return what is seen of one instance."""
        return self._processes.observe(instance)

    def observe_all(self) -> tuple[Observation, ...]:
        """Return what is seen of every instance that was launched here and not forgotten."""
        return self._processes.observe_all()

    def processor_seconds(self) -> dict[str, float]:
        """Return the processor time that each running instance has used, with all of its processes."""
        seen = self._processes.observe_all()
        return processor_seconds({each.name: each.process.pid for each in seen if each.process})

    def ask_to_end(self, instance: str) -> Observation:
        """Send SIGTERM to the application itself, once, and return at once; `ending_since` then tells when."""
        return self._processes.ask_to_end(instance)

    def stop(self, instance: str, *, drain_seconds: float) -> Observation:
        """End an instance: SIGTERM to the application itself, SIGKILL once it had time to drain; idempotent."""
        return self._processes.stop(instance, deadline_seconds=drain_seconds)

    def log_tail(self, instance: str, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines that an instance wrote."""
        return self._processes.log_tail(instance, lines)

    def forget(self, instance: str) -> None:
        """Remove an ended instance's folder with its log; RefusedError while it runs."""
        self._processes.forget(instance)

    def _uid(self, service: str) -> int:
        return os.getuid() if self._confinement is Confinement.PERSON else uid_for(service)

    def _make_groups(self, sandbox: Sandbox) -> tuple[Path, ...]:
        if self._cgroups is None:
            return ()
        limits = sandbox.limits
        return self._cgroups.make(
            sandbox.instance, memory_megabytes=limits.group_megabytes, processes=limits.processes
        )

    def _program(
        self, sandbox: Sandbox, uid: int, files: Mapping[str, int], groups: tuple[Path, ...]
    ) -> Program:
        return sandbox_program(
            sandbox,
            confinement=self._confinement,
            uid=uid,
            links=_links_of(sandbox.base) if sandbox.base else _links_here(),
            files=files,
            groups=groups,
        )

    def _check_trees(self, sandbox: Sandbox, uid: int) -> None:
        if self._confinement is not Confinement.DROPPED:
            return
        for tree in filter(None, (sandbox.tree, sandbox.base, sandbox.templates)):
            for folder in (tree, *tree.parents):
                if not folder.stat().st_mode & stat.S_IXOTH:
                    raise RefusedError(
                        f"{sandbox.instance} runs as uid {uid}, which cannot enter {folder}, to {tree}",
                        hint=f"Run `chmod o+x {folder}`, or keep the trees elsewhere.",
                    )


def _links_here() -> dict[str, str]:
    return {link: os.readlink(link) for link in _ROOT_LINKS if Path(link).is_symlink()}  # noqa: PTH115 -- text


def _links_of(base: Path) -> dict[str, str]:
    """Return the root's links over a base, in which everything is merged into /usr."""
    return {link: f"usr{link}" for link in _ROOT_LINKS if (base / f"usr{link}").is_dir()}


def _accounts(uid: int) -> dict[str, bytes]:
    """Return the few files of /etc that programs look themselves and their host up in."""
    return {
        "/etc/passwd": f"app:x:{uid}:{uid}::/tmp:/usr/sbin/nologin\n".encode(),
        "/etc/group": f"app:x:{uid}:\n".encode(),
        "/etc/hosts": b"127.0.0.1 localhost\n::1 localhost\n",
    }


def _secret_files(secrets: Mapping[str, str]) -> dict[str, bytes]:
    return {f"/run/secrets/{name}": content.encode() for name, content in secrets.items()}


# Sandboxes as the fleet's InstanceHost.


class SandboxHost:
    """Runs instances in sandboxes on this node."""

    def __init__(self, sandboxes: Sandboxes) -> None:
        self._sandboxes = sandboxes

    def launch(self, order: LaunchOrder) -> None:
        """Start an instance unless it runs."""
        sandbox = Sandbox(
            instance=order.instance,
            service=order.service,
            command=order.command,
            tree=order.tree,
            base=order.base,
            templates=order.templates,
            environment=order.environment,
            limits=Limits(memory_megabytes=order.memory_megabytes),
        )
        self._sandboxes.launch(sandbox, secrets=order.secrets)

    def observe(self) -> dict[str, HostedInstance]:
        """Return every instance that was launched here and not forgotten."""
        return {
            seen.name: HostedInstance(
                instance=seen.name,
                is_running=seen.state is ProgramState.RUNNING,
                evidence=seen.evidence,
                started_at=seen.started_at,
            )
            for seen in self._sandboxes.observe_all()
        }

    def stop(self, instance: str, *, drain_seconds: float) -> None:
        """SIGTERM, then SIGKILL after `drain_seconds`; returns once it has ended."""
        self._sandboxes.stop(instance, drain_seconds=drain_seconds)

    def log_tail(self, instance: str, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines that an instance wrote."""
        return self._sandboxes.log_tail(instance, lines)

    def forget(self, instance: str) -> None:
        """Drop an ended instance's record and log."""
        self._sandboxes.forget(instance)


# Files that exist in memory only, handed to a child process by descriptor.

_LOWEST = 20
"""A shell uses the descriptors up to 9 for itself, and its script's from 10 on."""


@contextmanager
def memory_files(contents: Mapping[str, bytes]) -> Iterator[dict[str, int]]:
    """Hold each content in a file without a name, and yield the descriptors, ready to be read."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(_memory_file(content)) for name, content in contents.items()}


@contextmanager
def _memory_file(content: bytes) -> Iterator[int]:
    low = os.memfd_create("handshake", os.MFD_CLOEXEC)
    try:
        high = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, _LOWEST)
    finally:
        os.close(low)
    try:
        os.write(high, content)
        os.lseek(high, 0, os.SEEK_SET)
        yield high
    finally:
        os.close(high)
