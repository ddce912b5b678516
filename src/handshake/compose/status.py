"""The status of a campaign, with the notes that `handshake status` and the dashboard show below it."""

from __future__ import annotations

from collections.abc import Iterator

from handshake.campaign.status import StatusReport, read_status
from handshake.compose.campaign import CampaignParts
from handshake.core.errors import HandshakeError
from handshake.core.subject import Kind
from handshake.edge.ingress.access_log import AccessLog, AccessLogAnalyzer
from handshake.image.contract_check.report import ContractResults
from handshake.image.recipe import HOST_BASE
from handshake.site.copy.schedule import describe_age, read_record


def read_campaign_status(campaign: CampaignParts) -> StatusReport:
    """Return the status of a campaign, with its notes."""
    live_data = campaign.live_data
    return read_status(
        live_data.catalog,
        campaign.clock,
        campaign=campaign.paths.name,
        nodes=live_data.read_nodes(),
        notes=tuple(_note(campaign)),
        has_fastly=live_data.has_fastly,
    )


def compose_log_analyzer(campaign: CampaignParts) -> AccessLogAnalyzer:
    """Return the analyzer of this node's access log by the live policy; raise RefusedError if there is none."""
    log = AccessLog(campaign.paths.programs / "ingress" / "log")
    return AccessLogAnalyzer(log=log, clock=campaign.clock, policy=campaign.require_live().policy.edge)


def _note(campaign: CampaignParts) -> Iterator[str]:
    catalog = campaign.live_data.catalog
    images = {
        subject.name: pointer.release
        for subject, pointer in sorted(campaign.live_data.pointers.all().items())
        if subject.kind is Kind.IMAGE
    }
    on_host = []
    for name, release in images.items():
        try:
            is_on_host = campaign.manifest_of(release).base == HOST_BASE
        except HandshakeError as error:
            yield f"{name}: {error.what}; {error.hint}"
        else:
            on_host += [name] * is_on_host
    if on_host:
        yield f'{", ".join(on_host)}: base = "host", this machine\'s own /usr: only for laptops'
    if unchecked := [name for name in images if not ContractResults(catalog).has_passed(images[name])]:
        yield f"{', '.join(unchecked)}: live without a passed contract check: run `handshake contract check NAME`"
    live = campaign.live()
    if live and (alarm := compose_log_analyzer(campaign).alarm()):
        yield alarm
    copy = live.policy.campaign.fallback_copy if live else None
    if copy and copy.pages:
        record = read_record(catalog)
        yield from filter(None, (describe_age(record, campaign.clock.now(), every_hours=copy.every_hours),))
