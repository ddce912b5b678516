"""A renderer says which template release it has loaded: freshness is read off it, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.core.digest import Digest, digest_bytes
from handshake.image.shake.finding import Finding, broken, kept, not_made
from handshake.image.shake.request import Request, read_object
from handshake.image.shake.trial import Trial

_OTHER = digest_bytes(b"a template release that nobody has published")


@dataclass(frozen=True, kw_only=True)
class TemplateRelease:
    """The right release is answered with 200, every other one with 503."""

    name: str = "template-release"
    sentence: str = "says 200 to the template release that it has loaded, and 503 to any other"

    def check(self, trial: Trial) -> Finding:
        """Ask for the release that it was given and for one that nobody has published."""
        if trial.templates is None:
            return not_made("it serves no templates")
        instance = trial.one()
        right, wrong = (instance.ask(_question(trial, release)) for release in (trial.templates, _OTHER))
        if right.status != 200:  # noqa: PLR2004 -- what the contract says
            return broken("the release that it was given is not answered with 200", str(right))
        if wrong.status != 503 or not read_object(wrong).get("reason"):  # noqa: PLR2004 -- what the contract says
            return broken("another release is not answered with 503 and a JSON reason", str(wrong))
        return kept("200 for its own release, 503 with a reason for another")


def _question(trial: Trial, release: Digest) -> Request:
    return Request(path=f"{trial.contract.health.path}?templateRelease={release}")
