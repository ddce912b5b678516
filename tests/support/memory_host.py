"""A machine in memory: instances that boot, answer, crash and end as they were told to, by a clock that tests move."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from handshake.core.clock import Clock
from handshake.core.errors import RefusedError
from handshake.fleet.instance import Evidence
from handshake.fleet.instances.launch import HostedInstance, LaunchOrder

_OK, _STALE, _ILL = 200, 503, 500


def always_well(age_seconds: float) -> bool:
    """Answer 200 at every age."""
    return age_seconds >= 0


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How an instance lives, told by its age in seconds."""

    boot_seconds: float = 3.0
    """Until then it accepts no connection."""
    is_well: Callable[[float], bool] = always_well
    """Whether its health check answers 200 at an age; else it answers 500."""
    ends_after_seconds: float = math.inf
    """When it ends by itself."""
    ending: str = "exit status 1"
    """How it ends by itself."""
    last_words: tuple[str, ...] = ()
    """What it has written to its log by then."""
    heeds_sigterm: bool = True


@dataclass(kw_only=True)
class _Box:
    order: LaunchOrder
    behaviour: Behaviour
    started_at: float
    ended: str = field(default="")
    """How it was ended by somebody else; empty where nobody did."""


class MemoryHost:
    """Keeps `handshake.fleet.instances.launch.InstanceHost`, and answers the probes of its instances."""

    def __init__(self, clock: Clock, behaviour_of: Callable[[LaunchOrder], Behaviour]) -> None:
        self._clock = clock
        self._behaviour_of = behaviour_of
        self._boxes: dict[str, _Box] = {}
        self._lock = threading.Lock()

    # The Protocol

    def launch(self, order: LaunchOrder) -> None:
        """Start an instance unless it runs; RefusedError where it has ended before."""
        with self._lock:
            box = self._boxes.get(order.instance)
            if box is None:
                self._boxes[order.instance] = _Box(
                    order=order, behaviour=self._behaviour_of(order), started_at=self._clock.now()
                )
            elif ended := self._ending(box):
                raise RefusedError(
                    f"{order.instance} has ended ({ended}); an instance cannot be started twice"
                )

    def observe(self) -> dict[str, HostedInstance]:
        """Return every instance that was launched here and not forgotten."""
        with self._lock:
            return {name: self._see(name, box) for name, box in self._boxes.items()}

    def stop(self, instance: str, *, drain_seconds: float) -> None:
        """End an instance; nothing is in flight here, so that takes no time."""
        del drain_seconds
        with self._lock:
            box = self._boxes.get(instance)
            if box and not self._ending(box):
                box.ended = "exit status 0" if box.behaviour.heeds_sigterm else "signal 9"

    def log_tail(self, instance: str, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines that an instance wrote."""
        with self._lock:
            box = self._boxes.get(instance)
            return box.behaviour.last_words[-lines:] if box else ()

    def forget(self, instance: str) -> None:
        """Drop an ended instance's record; RefusedError while it runs."""
        with self._lock:
            box = self._boxes.get(instance)
            if box and not self._ending(box):
                raise RefusedError(f"{instance} still runs")
            self._boxes.pop(instance, None)

    # What happens to its instances

    def crash(self, instance: str) -> None:
        """Send SIGKILL, as the kernel does when memory runs out."""
        with self._lock:
            box = self._boxes[instance]
            box.ended = self._ending(box) or "signal 9"

    def ask(self, host: str, port: int, path: str) -> Evidence:
        """Answer a probe as the instance at a port does."""
        with self._lock:
            status, body = self._answer({"HOST": host, "PORT": str(port)}, path)
        return Evidence(status=status, body=body, latency_seconds=0.001, at=self._clock.now())

    def _answer(self, address: Mapping[str, str], path: str) -> tuple[int, str]:
        for box in self._boxes.values():
            if address.items() <= box.order.environment.items() and not self._ending(box):
                return self._say(box, path)
        return 0, "connection refused"

    def _say(self, box: _Box, path: str) -> tuple[int, str]:
        age = self._clock.now() - box.started_at
        if age < box.behaviour.boot_seconds:
            return 0, "connection refused"
        if not box.behaviour.is_well(age):
            return _ILL, "no database"
        _, _, asked = path.partition("?templateRelease=")
        loaded = box.order.environment.get("HANDSHAKE_TEMPLATES_RELEASE", "")
        return (_OK, "ok") if asked in {"", loaded} else (_STALE, f"loaded {loaded}")

    def _see(self, name: str, box: _Box) -> HostedInstance:
        ended = self._ending(box)
        return HostedInstance(
            instance=name, is_running=not ended, evidence=ended or "runs", started_at=box.started_at
        )

    def _ending(self, box: _Box) -> str:
        """Return how an instance ended; empty while it runs."""
        lives_until = box.started_at + box.behaviour.ends_after_seconds
        return box.ended or (box.behaviour.ending if self._clock.now() >= lives_until else "")
