"""The fallback copy: made through the ingress, tested on a cache with nothing behind it."""

from __future__ import annotations

import http.client
from dataclasses import replace
from functools import partial
from pathlib import Path

import urllib3

from handshake.campaign.live_policy import LivePolicy
from handshake.catalog.loop import Loop
from handshake.compose.routers import Routing
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
_TICK_SECONDS = 60.0


class Copying(Routing):
    """Makes the copy, and tests it."""

    def copier(self, who: str) -> Copier:
        """Return somebody who makes the copy."""
        campaign = self._require_live().policy.campaign
        return Copier(
            who=who,
            catalog=self.catalog,
            clock=self.clock,
            pointers=self.pointers,
            stores=self.stores,
            ask=self._ask_ingress,
            mounts=tuple(site.mount for site in campaign.sites.values()),
            work=self.paths.cache / "copies",
        )

    def copy_pages(self) -> tuple[str, ...]:
        """Return the pages that the live policy wants copied."""
        return self._require_live().policy.campaign.fallback_copy.pages

    def daily_copy(self) -> DailyCopy:
        """Return what makes the copy when it is due."""
        return DailyCopy(
            catalog=self.catalog,
            clock=self.clock,
            read_settings=self._read_settings,
            make=lambda pages: self.copier("the daily copy").make(pages, lambda _: None),
        )

    def copy_service(self) -> Loop:
        """Return the daily copy, ready to run."""
        return Loop("copy", self.daily_copy().cycle, tick_seconds=_TICK_SECONDS)

    def prove_copy(self) -> tuple[PageProof, ...]:
        """Serve the pages from the copy alone, by a cache of its own whose gateway leads nowhere."""
        pointer = self.pointers.get(SUBJECT)
        if pointer is None:
            raise RefusedError("no copy was made yet", hint="Run `handshake copy make`.")
        with workplace(self.paths.run / "proofs") as folder:
            program = VarnishProgram(
                directory=folder / "cache", socket=folder / "cache.sock", storage_megabytes=_PROOF_MEGABYTES
            )
            processes = Processes(folder / PROGRAMS)
            cache = SupervisedCache("cache", program=program, processes=processes, clock=self.clock)
            cache.ensure()
            surroundings = replace(
                self.cache_surroundings(),
                gateway_socket=str(folder / "nobody.sock"),
                storage_megabytes=_PROOF_MEGABYTES,
            )
            manifest = self.manifest_of(pointer.release)
            copied = route_copy(pointer.release, manifest)
            text = print_vcl(compile_cache(self._require_live().policy.edge, surroundings, (), copy=copied))
            cache.prepare(_PROOF, text)
            cache.flip(_PROOF)
            return prove_copy(self.copy_pages(), manifest, partial(_ask_cache, program.socket))

    def _read_settings(self) -> CopySettings:
        live = self.live()
        return live.policy.campaign.fallback_copy if live else CopySettings()

    def _require_live(self) -> LivePolicy:
        live = self.live()
        if live is None:
            raise RefusedError("no policy was applied yet", hint="`handshake up FOLDER` applies it.")
        return live

    def _ask_ingress(self, path: str) -> CopiedPage:
        try:
            answer = urllib3.request(
                "GET",
                f"http://{self.paths.ingress}{path}",
                redirect=False,
                retries=False,
                timeout=_TIMEOUT_SECONDS,
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
