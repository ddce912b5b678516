"""The Protocol that every driver of a gateway keeps."""

from __future__ import annotations

from typing import Protocol

from handshake.gateway.member import RouterState
from handshake.gateway.step import PoolStep


class Router(Protocol):
    """A running gateway on this node.

    Every method raises UnavailableError where the program does not answer; nothing was changed then, or
    OutcomeUnknownError where that cannot be told. All methods may be called from several threads.
    """

    def observe(self) -> RouterState:
        """Return what the running program says of itself; takes milliseconds, changes nothing."""
        ...

    def apply(self, step: PoolStep) -> None:
        """Carry out one step; one that has been carried out already is no error.

        Returning says nothing about what the program serves now: observe. A member that cannot be removed
        yet, because a connection to it has not quite ended, stays, and is planned again. RefusedError where
        the program does not accept the step at all.
        """
        ...

    def reconfigure(self, text: str, digest: str) -> None:
        """Make the program serve another configuration, without losing a request; seconds.

        Returns once a new worker has read back `digest`. The text must hold the present members: those
        that only the running program knows are lost. RefusedError, with the program's words as details,
        where the text is not valid; the old configuration, running and on disk, stays in force then.
        UnavailableError where nothing runs: keep the text, and start the program.
        """
        ...

    def keep(self, text: str) -> None:
        """Put a configuration where the next start finds it, and change nothing that runs.

        For members: a program that is restarted after a crash finds those of now. RefusedError as above.
        """
        ...
