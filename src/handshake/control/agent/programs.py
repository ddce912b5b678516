"""The programs beside the routers: stores and regions' servers, started, adopted, restarted in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from handshake.control.acks import AckWriter
from handshake.control.live import LivePolicy
from handshake.core.outcome import Outcome


class LocalProgram(Protocol):
    """One program that the agent keeps running."""

    @property
    def name(self) -> str:
        """What it is called in logs and in status."""
        ...

    def ensure(self) -> bool:
        """Start it unless it runs, fill it where it is filled from a source; True where something was done."""
        ...

    def answers(self) -> bool:
        """Whether the running program answers a question."""
        ...


def keep_programs(live: LivePolicy, programs: Sequence[LocalProgram], acks: AckWriter) -> Outcome:
    """Keep every program running; the node serves the policy once all of them answer."""
    done = [program.name for program in programs if program.ensure()]
    silent = [program.name for program in programs if not program.answers()]
    if silent:
        sentence = f"waits for {', '.join(silent)} to answer"
        return Outcome(sentence=sentence, changed=bool(done), is_waiting=True)
    names = ", ".join(program.name for program in programs) or "no programs beside the routers: they"
    acks.serve(str(live.pointer.subject), live.pointer.revision, f"{names} answer")
    if done:
        return Outcome(sentence=f"started {', '.join(done)}", changed=True)
    return Outcome(sentence=f"{names} run", changed=False)
