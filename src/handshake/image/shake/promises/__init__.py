"""All promises of the contract, in the order in which a check that wastes no time goes through them."""

from __future__ import annotations

from handshake.image.shake.promise import Promise
from handshake.image.shake.promises.answers import Answers
from handshake.image.shake.promises.drain import Drain
from handshake.image.shake.promises.health import Health
from handshake.image.shake.promises.idempotency import Idempotency
from handshake.image.shake.promises.likeness import Likeness
from handshake.image.shake.promises.logs import Logs
from handshake.image.shake.promises.memory import Memory
from handshake.image.shake.promises.port import Port
from handshake.image.shake.promises.read_only import ReadOnly
from handshake.image.shake.promises.stated_secrets import StatedSecrets
from handshake.image.shake.promises.template_release import TemplateRelease
from handshake.image.shake.promises.twin import Twin

PROMISES: tuple[Promise, ...] = (
    Answers(),
    Health(),
    TemplateRelease(),
    Likeness(),
    Idempotency(),
    Memory(),
    Logs(),
    ReadOnly(),
    Port(),
    StatedSecrets(),
    # These two end an instance: what comes after them waits for another one.
    Twin(),
    Drain(),
)
