"""`python -m handshake.renderer`: serves a template release and a content store on a port."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from handshake.core.clock import SystemClock
from handshake.core.digest import parse_digest, short
from handshake.core.problem import Problem, ProblemsError
from handshake.drivers.redis.content import connect_content
from handshake.renderer.app import build_app
from handshake.renderer.server import end_on_sigterm, serve, start_logs
from handshake.renderer.templates import load_templates

log = logging.getLogger("secretary")


def main(environment: Mapping[str, str]) -> None:
    """Run an instance until SIGTERM; exit with 1 where its template release cannot be loaded."""
    end_on_sigterm()
    start_logs(environment.get("HANDSHAKE_INSTANCE", ""))
    release = parse_digest(environment["HANDSHAKE_TEMPLATES_RELEASE"])
    try:
        templates = load_templates(Path(environment["HANDSHAKE_TEMPLATES"]), short(release))
    except ProblemsError as error:
        _log_problems(error.problems)
        sys.exit(1)
    clock = SystemClock()
    source = connect_content(_read_secret(environment, "content"), clock)
    log.info("%d pages loaded from template release %s", len(templates.pages), short(release))
    app = build_app(templates=templates, release=release, source=source, clock=clock)
    serve(app, environment.get("HOST", "127.0.0.1"), int(environment["PORT"]))


def _log_problems(problems: Sequence[Problem]) -> None:
    for problem in problems:
        log.error("%s", problem, extra={"fields": {"check": problem.check}})


def _read_secret(environment: Mapping[str, str], name: str) -> str:
    """Return a secret: a file in /run/secrets, or in the folder HANDSHAKE_SECRETS outside of a sandbox."""
    folder = Path(environment.get("HANDSHAKE_SECRETS", "/run/secrets"))
    return (folder / name).read_text(encoding="utf-8").strip()


if __name__ == "__main__":
    main(os.environ)
