"""The leader's autoscaler: reads what nodes measured, and writes how many instances each service shall have."""

from __future__ import annotations

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entry import Held, Put
from handshake.catalog.keys import MEASURES, SCALE, scale_key
from handshake.control.campaign import CampaignSettings, ServiceSettings
from handshake.control.journal import journal_write
from handshake.control.nodes import Nodes
from handshake.core.outcome import Outcome
from handshake.fleet.scaling import AUTOSCALER, Load, NodeMeasures, Scale, add_load, choose_scale


class Scaler:
    """Moves every service's number towards its load."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def cycle(self, campaign: CampaignSettings, nodes: Nodes, fence: Held, now: float) -> tuple[Outcome, ...]:
        """Look at every service that has targets or a record; one outcome for each whose number changed."""
        measured = tuple(decode(NodeMeasures, entry.value) for entry in self._catalog.read(MEASURES).entries)
        records = {entry.key: entry for entry in self._catalog.read(SCALE).entries}
        outcomes: list[Outcome | None] = []
        for service, settings in sorted(campaign.services.items()):
            load = add_load(service, measured, nodes.answering, now)
            entry = records.get(scale_key(service))
            before, index = (decode(Scale, entry.value), entry.index) if entry else (None, 0)
            after = _choose(service, settings, before, load, now)
            if after and after != before:
                outcomes.append(self._write(before, after, index, fence))
        return tuple(filter(None, outcomes))

    def _write(self, before: Scale | None, after: Scale, index: int, fence: Held) -> Outcome | None:
        """Write the record; a new number is told and journalled, a new moment of a cool-down is not."""
        put = Put(key=scale_key(after.service), value=encode(after), if_index=index)
        if before and after.wanted == before.wanted:
            self._catalog.transact([fence, put])
            return None
        sentence = f"{after.service}: {after.wanted} instances: {after.reason}"
        self._catalog.transact([fence, put, journal_write(AUTOSCALER, sentence, after.moved_at)])
        return Outcome(sentence=sentence, changed=True)


def _choose(
    service: str, settings: ServiceSettings, before: Scale | None, load: Load | None, now: float
) -> Scale | None:
    """Return the record after one look; None where there is nothing to say about this service."""
    targets = settings.scaling.targets()
    if before is None and not targets.is_on:
        return None
    known = before or Scale(service=service, wanted=settings.floor)
    after = choose_scale(known, targets, load, floor=settings.floor, ceiling=settings.ceiling, now=now)
    return before if after == known else after
