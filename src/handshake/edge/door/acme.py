"""ACME's challenges (RFC 8555, 8.3): whoever renews the certificates is reached whatever the policy says."""

from __future__ import annotations

from handshake.edge.door.surroundings import DoorSurroundings
from handshake.syntax.haproxy import Line, Section, line

_IF_CHALLENGE = ("if", "{", "path_beg", "/.well-known/acme-challenge/", "}")


def let_challenges_in(surroundings: DoorSurroundings) -> tuple[Line, ...]:
    """Return the line that lets a challenge pass all rules: authorities ask from anywhere."""
    return (line("http-request", "allow", *_IF_CHALLENGE),) if surroundings.acme else ()


def route_challenges(surroundings: DoorSurroundings) -> tuple[Line, ...]:
    """Return the line that sends a challenge to whoever can answer it."""
    return (line("use_backend", "acme", *_IF_CHALLENGE),) if surroundings.acme else ()


def answer_challenges(surroundings: DoorSurroundings) -> tuple[Section, ...]:
    """Return the backend of the program that renews; it runs only while it does."""
    if not surroundings.acme:
        return ()
    return (Section(words=("backend", "acme"), lines=(line("server", "acme", surroundings.acme),)),)
