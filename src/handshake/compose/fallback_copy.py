"""The fallback copy: made through the ingress, tested on a cache with nothing behind it."""

from __future__ import annotations

import http.client
from dataclasses import replace
from functools import partial
from pathlib import Path

import urllib3

from handshake.compose.campaign import CampaignParts
from handshake.compose.routers import describe_cache_target
from handshake.core.errors import RefusedError, UnavailableError
from handshake.core.hop_header import Hop
from handshake.drivers.process.processes import Processes
from handshake.drivers.process.workplace import PROGRAMS, workplace
from handshake.drivers.varnish.cache import SupervisedCache
from handshake.drivers.varnish.program import VarnishProgram
from handshake.drivers.varnish.purging import UnixConnection
from handshake.edge.cache.compile.vcl import compile_cache
from handshake.edge.cache.routing import route_copy
from handshake.site.copy.copier import CopiedPage, Copier, PageProof, prove_copy
from handshake.site.copy.schedule import SUBJECT, CopySettings, DailyCopy
from handshake.syntax.vcl import print_vcl

_TIMEOUT_SECONDS = 10.0
_NOBODY = "127.0.0.1"
_PROOF = "proof"
_PROOF_MEGABYTES = 32


def find_copied_pages(campaign: CampaignParts) -> tuple[str, ...]:
    """Return the pages that the live policy wants copied."""
    return campaign.require_live().policy.campaign.fallback_copy.pages


def compose_copier(campaign: CampaignParts, who: str) -> Copier:
    """Return the maker of the copy, in an operator's name."""
    sites = campaign.require_live().policy.campaign.sites
    return Copier(
        who=who,
        catalog=campaign.live_data.catalog,
        clock=campaign.clock,
        pointers=campaign.live_data.pointers,
        stores=campaign.live_data.stores,
        ask=partial(_ask_ingress, campaign.paths.ingress),
        mounts=tuple(site.mount for site in sites.values()),
        work=campaign.paths.cache / "copies",
    )


def compose_daily_copy(campaign: CampaignParts) -> DailyCopy:
    """Return the loop that makes the copy when it is due."""

    def read_settings() -> CopySettings:
        live = campaign.live()
        return live.policy.campaign.fallback_copy if live else CopySettings()

    return DailyCopy(
        catalog=campaign.live_data.catalog,
        clock=campaign.clock,
        read_settings=read_settings,
        make=lambda pages: compose_copier(campaign, "the daily copy").make(pages, lambda _: None),
    )


def prove_fallback_copy(campaign: CampaignParts) -> tuple[PageProof, ...]:
    """Serve the pages from the copy alone, by a separate cache whose gateway does not exist."""
    pointer = campaign.live_data.pointers.get(SUBJECT)
    if pointer is None:
        raise RefusedError("no copy was made yet", hint="Run `handshake copy make`.")
    manifest = campaign.manifest_of(pointer.release)
    with workplace(campaign.paths.run / "proofs") as folder:
        program = VarnishProgram(
            directory=folder / "cache", socket=folder / "cache.sock", storage_megabytes=_PROOF_MEGABYTES
        )
        processes = Processes(folder / PROGRAMS)
        cache = SupervisedCache("cache", program=program, processes=processes, clock=campaign.clock)
        cache.ensure()
        target = replace(
            describe_cache_target(campaign.paths),
            gateway_socket=str(folder / "nobody.sock"),
            storage_megabytes=_PROOF_MEGABYTES,
        )
        edge = campaign.require_live().policy.edge
        copied = route_copy(pointer.release, manifest)
        cache.prepare(_PROOF, print_vcl(compile_cache(edge, target, (), copy=copied)))
        cache.flip(_PROOF)
        return prove_copy(find_copied_pages(campaign), manifest, partial(_ask_cache, program.socket))


def _ask_ingress(address: str, path: str) -> CopiedPage:
    try:
        answer = urllib3.request(
            "GET", f"http://{address}{path}", redirect=False, retries=False, timeout=_TIMEOUT_SECONDS
        )
    except urllib3.exceptions.HTTPError as error:
        raise UnavailableError(f"the ingress does not answer {path}", details=str(error)) from error
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return CopiedPage(status=answer.status, headers=headers, body=answer.data)


def _ask_cache(socket: Path, path: str) -> CopiedPage:
    connection = UnixConnection(socket)
    try:
        connection.request("GET", path, headers={Hop.CLIENT: _NOBODY})
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return CopiedPage(status=answer.status, headers=headers, body=answer.read())
    except (OSError, http.client.HTTPException) as error:
        raise UnavailableError(f"the cache does not answer {path}", details=str(error)) from error
    finally:
        connection.close()
