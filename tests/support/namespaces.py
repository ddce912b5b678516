"""Machines for tests: network namespaces on a switch of their own, whose cables can be pulled."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A network namespace with one cable into the switch."""

    namespace: str
    address: str
    switch: str
    port: str
    """The cable's end at the switch."""

    @property
    def entry(self) -> tuple[str, ...]:
        """The words in front of a command that shall run on this machine."""
        return ("ip", "netns", "exec", self.namespace)

    def pull_cable(self) -> None:
        """Cut this machine off from all others."""
        _ip("-n", self.switch, "link", "set", self.port, "down")

    def plug_cable(self) -> None:
        """Connect this machine again."""
        _ip("-n", self.switch, "link", "set", self.port, "up")


def why_no_namespaces() -> str:
    """Return why no network namespace can be made here; empty where one can."""
    if os.geteuid() != 0:
        return "only root can make network namespaces"
    name = f"hs-{token_hex(3)}"
    try:
        _ip("netns", "add", name)
        _ip("netns", "del", name)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no network namespace can be made: {error}"
    return ""


@contextmanager
def machines_up(count: int) -> Iterator[tuple[Machine, ...]]:
    """Make machines with the addresses 10.77.0.1 and on, which nobody else can reach; they go whatever happens."""
    mark = token_hex(3)
    switch = f"hs-{mark}-switch"
    machines = tuple(_machine(mark, switch, number) for number in range(1, count + 1))
    try:
        _make_switch(switch)
        for machine in machines:
            _make_machine(machine)
        yield machines
    finally:
        for namespace in (*(machine.namespace for machine in machines), switch):
            _remove(namespace)


def _machine(mark: str, switch: str, number: int) -> Machine:
    return Machine(
        namespace=f"hs-{mark}-n{number}", address=f"10.77.0.{number}", switch=switch, port=f"port{number}"
    )


def _make_switch(switch: str) -> None:
    _ip("netns", "add", switch)
    _ip("-n", switch, "link", "add", "lan", "type", "bridge")
    _ip("-n", switch, "link", "set", "lan", "up")


def _make_machine(machine: Machine) -> None:
    inside = machine.namespace
    _ip("netns", "add", inside)
    _ip("-n", machine.switch, "link", "add", machine.port, "type", "veth", "peer", "eth0", "netns", inside)
    _ip("-n", machine.switch, "link", "set", machine.port, "master", "lan", "up")
    _ip("-n", inside, "address", "add", f"{machine.address}/24", "dev", "eth0")
    for link in ("lo", "eth0"):
        _ip("-n", inside, "link", "set", link, "up")


def _remove(namespace: str) -> None:
    """End what still runs in a namespace, then remove it; one that was never made is no error."""
    listed = _run(("ip", "netns", "pids", namespace))
    for pid in listed.stdout.split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            continue
    _run(("ip", "netns", "del", namespace))


def _ip(*words: str) -> None:
    _run(("ip", *words)).check_returncode()


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
