"""The generation that a service's pointers ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from handshake.core.digest import Digest, short
from handshake.core.errors import HandshakeError, RefusedError
from handshake.core.subject import Kind, Subject
from handshake.fleet.instance import Generation
from handshake.pointers.pointer import Pointer
from handshake.release.image_contract import Contract


class GenerationReader:
    """Reads target generations from the pointers."""

    def __init__(
        self,
        *,
        contract_of: Callable[[Digest], Contract],
        secrets_digest: Callable[[tuple[str, ...]], str],
    ) -> None:
        self._contract_of = contract_of
        self._secrets_digest = secrets_digest

    def contract(self, service: str, pointers: Mapping[Subject, Pointer]) -> Contract | None:
        """Return the contract of a service's live image, None if it has none yet.

        RefusedError where there is no such image, UnavailableError where it cannot be read now.
        """
        image = pointers.get(Subject(kind=Kind.IMAGE, name=service))
        return self._read(image) if image else None

    def _read(self, image: Pointer) -> Contract:
        try:
            return self._contract_of(image.release)
        except ValueError as error:
            what = f"{image.subject} names {short(image.release)}, which is not an image"
            raise RefusedError(what, details=str(error)) from error

    def templates(self, contract: Contract, pointers: Mapping[Subject, Pointer]) -> Pointer | None:
        """Return the pointer of the templates that an image serves, None if there is none."""
        if not contract.templates:
            return None
        return pointers.get(Subject(kind=Kind.TEMPLATES, name=contract.templates))

    def secrets(self, contract: Contract) -> str:
        """Return the keyed digest of the secrets that an image asks for."""
        return self._secrets_digest(contract.stores)

    def generation(self, service: str, pointers: Mapping[Subject, Pointer]) -> Generation | None:
        """Return what each instance of a service should be, None while a release is still missing."""
        contract = self.contract(service, pointers)
        if contract is None:
            return None
        templates = self.templates(contract, pointers)
        if contract.templates and templates is None:
            return None
        return Generation(
            image=pointers[Subject(kind=Kind.IMAGE, name=service)].release,
            templates=templates.release if templates else None,
            secrets=self.secrets(contract),
        )

    def find_generation(self, service: str, pointers: Mapping[Subject, Pointer] | None) -> Generation | None:
        """Return the same for those who go on with what runs: None too where it cannot be known now."""
        if pointers is None:
            return None
        try:
            return self.generation(service, pointers)
        except HandshakeError:
            return None
