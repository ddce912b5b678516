"""Sandboxes as the fleet's InstanceHost."""

from __future__ import annotations

from handshake.drivers.process.program import State
from handshake.drivers.sandbox.sandbox import Limits, Sandbox
from handshake.drivers.sandbox.sandboxes import Sandboxes
from handshake.fleet.host import HostedInstance, LaunchOrder


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
                is_running=seen.state is State.RUNNING,
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
