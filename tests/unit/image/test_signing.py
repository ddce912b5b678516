"""Signatures: who may vouch for a release, and what a node says where nobody does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock

from handshake.campaign.secret_rotation import revoke_key
from handshake.catalog.journal import read_journal
from handshake.config.secrets import Secrets
from handshake.core.digest import Digest, digest_bytes
from handshake.core.errors import ConflictError, RefusedError, UnavailableError
from handshake.core.subject import Kind, Subject
from handshake.drivers.ed25519.scheme import Ed25519
from handshake.pointers.pointer import Pointer
from handshake.release.signature import KeyId, Signature, signed_text
from handshake.release.signing import KeyState, SignatureVerifier, Signer, SigningKeys

RELEASE = digest_bytes(b"a release")
HAMM = Subject(kind=Kind.IMAGE, name="hamm")


class Desk:
    """A campaign's keys, and the signatures that its regions hold."""

    def __init__(self, folder: Path) -> None:
        self.catalog = MemoryCatalog()
        self.clock = FakeClock()
        self.secrets = Secrets(folder)
        self.keys = SigningKeys(self.catalog, self.clock)
        self.signer = Signer(self.keys, self.secrets, Ed25519())
        self.held: dict[Digest, list[Signature]] = {}
        self.is_reachable = True
        self.signature_verifier = SignatureVerifier(
            read_ring=self.keys.ring, read_signatures=self.read, scheme=Ed25519()
        )

    def read(self, release: Digest) -> list[Signature]:
        """Return what the regions hold."""
        if not self.is_reachable:
            raise UnavailableError("no region answers")
        return self.held.get(release, [])

    def publish(self, release: Digest = RELEASE) -> Signature:
        """Sign a release and let the regions hold the signature."""
        signature = self.signer.sign(release)
        self.held.setdefault(release, []).append(signature)
        return signature

    def revoke(self, key: KeyId, *, even_live: bool = False) -> None:
        """Revoke a key while the release is live."""
        pointer = Pointer(
            subject=HAMM,
            release=RELEASE,
            revision=1,
            stable=None,
            moved_by="eve",
            moved_at=1.0,
            reason="published",
        )
        revoke_key(
            key,
            signer=self.signer,
            signature_verifier=self.signature_verifier,
            read_pointers=lambda: {HAMM: pointer},
            who="eve",
            reason="it leaked",
            even_live=even_live,
        )

    def refusal(self) -> str:
        """Return why the release is not believed."""
        with pytest.raises(RefusedError) as caught:
            self.signature_verifier.require_signed(RELEASE)
        return caught.value.what


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "secrets")
    desk.signer.make_first(who="adam", reason="first start")
    return desk


def test_what_is_signed_is_believed(desk: Desk) -> None:
    """A release that the active key signed may be launched; the private half is a file of mode 0600."""
    signature = desk.publish()
    desk.signature_verifier.require_signed(RELEASE)
    (secret,) = desk.secrets._folder.glob("signing-*")
    assert secret.name == f"signing-{signature.key}"
    assert secret.stat().st_mode & 0o777 == 0o600


def test_openssl_agrees(desk: Desk, tmp_path: Path) -> None:
    """A signature is plain Ed25519: OpenSSL verifies it with the public half that the catalogue holds."""
    signature = desk.publish()
    active = desk.keys.ring().active
    assert active is not None
    for name, content in (
        ("public.pem", active.public.encode()),
        ("text", signed_text(RELEASE)),
        ("signature", signature.value),
    ):
        (tmp_path / name).write_bytes(content)
    words = "pkeyutl -verify -pubin -inkey public.pem -rawin -in text -sigfile signature"
    said = subprocess.run(["openssl", *words.split()], cwd=tmp_path, capture_output=True, check=True)
    assert said.stdout == b"Signature Verified Successfully\n"


def test_a_release_without_signature_is_refused(desk: Desk) -> None:
    """Where the regions hold no signature, that is what is said."""
    assert "has no signature" in desk.refusal()


def test_an_unknown_key_is_refused(desk: Desk, tmp_path: Path) -> None:
    """What a stranger signed is refused, and the stranger's key is named."""
    stranger = Desk(tmp_path / "elsewhere")
    stranger.signer.make_first(who="mallory", reason="mine")
    signature = stranger.signer.sign(RELEASE)
    desk.held[RELEASE] = [signature]
    assert f"key {signature.key} is unknown here" in desk.refusal()


@pytest.mark.parametrize("fault", ["other release", "damaged", "cut", "empty"])
def test_a_signature_of_something_else_is_refused(desk: Desk, fault: str) -> None:
    """A known key's name on a signature that it did not make of this release is no signature."""
    good = desk.signer.sign(RELEASE)
    values = {
        "other release": desk.signer.sign(digest_bytes(b"another release")).value,
        "damaged": bytes([good.value[0] ^ 1]) + good.value[1:],
        "cut": good.value[:-1],
        "empty": b"",
    }
    desk.held[RELEASE] = [Signature(key=good.key, value=values[fault])]
    assert f"not made by key {good.key}" in desk.refusal()


def test_a_good_signature_outweighs_bad_ones(desk: Desk) -> None:
    """One believed signature is enough, whatever lies beside it."""
    desk.held[RELEASE] = [Signature(key=KeyId("0123456789abcdef"), value=b"scribble")]
    desk.publish()
    desk.signature_verifier.require_signed(RELEASE)


def test_a_rotated_key_is_believed_until_it_is_revoked(desk: Desk) -> None:
    """Rotation changes who signs, not what is believed; revocation ends the belief and names who ended it."""
    old = desk.publish()
    new = desk.signer.rotate(who="adam", reason="yearly")
    assert [key.state for key in desk.keys.ring().keys] == [KeyState.RETIRED, KeyState.ACTIVE]
    assert desk.signer.sign(RELEASE).key == new.id != old.key
    desk.signature_verifier.require_signed(RELEASE)
    desk.revoke(old.key, even_live=True)
    assert f"eve revoked key {old.key}: it leaked" in desk.refusal()


def test_a_private_half_lives_as_long_as_its_key_signs(desk: Desk) -> None:
    """A key that signs nothing more leaves no private half behind."""
    first = desk.publish().key
    second = desk.signer.rotate(who="adam", reason="yearly").id
    assert not desk.secrets.has(f"signing-{first}")
    desk.revoke(second, even_live=True)
    assert not desk.secrets.has(f"signing-{second}")


def test_a_key_that_the_live_image_needs_is_kept(desk: Desk) -> None:
    """A key is revoked only once another one vouches for what is live, or by the force's name."""
    old = desk.publish()
    desk.signer.rotate(who="adam", reason="yearly")
    with pytest.raises(RefusedError, match="no other key signed image/hamm"):
        desk.revoke(old.key)
    desk.publish()
    desk.revoke(old.key)
    desk.signature_verifier.require_signed(RELEASE)


def test_without_a_key_nothing_is_signed(desk: Desk) -> None:
    """After the last key was revoked nothing can be published, until somebody makes one."""
    desk.revoke(desk.publish().key, even_live=True)
    with pytest.raises(RefusedError, match="no key to sign with"):
        desk.signer.sign(RELEASE)
    desk.signer.make_first(who="adam", reason="anew")
    desk.publish()
    desk.signature_verifier.require_signed(RELEASE)


def test_a_machine_without_the_private_half_says_so(desk: Desk, tmp_path: Path) -> None:
    """Where the key that signs is another machine's, the error says where to publish."""
    elsewhere = Signer(desk.keys, Secrets(tmp_path / "elsewhere"), Ed25519())
    with pytest.raises(RefusedError, match="is not on this machine"):
        elsewhere.sign(RELEASE)


def test_a_second_first_key_is_refused(desk: Desk) -> None:
    """While a key signs, another one is made by rotation only."""
    with pytest.raises(RefusedError, match="is already active"):
        desk.signer.make_first(who="adam", reason="again")


def test_revoking_twice_and_revoking_strangers_is_refused(desk: Desk) -> None:
    """Only a known key can be revoked, and only once."""
    signature = desk.publish()
    desk.revoke(signature.key, even_live=True)
    with pytest.raises(RefusedError, match="eve already revoked key"):
        desk.revoke(signature.key, even_live=True)
    with pytest.raises(RefusedError, match="there is no key 0123"):
        desk.revoke(KeyId("0123"), even_live=True)


def test_every_change_of_keys_is_journalled(desk: Desk) -> None:
    """Who made, rotated and revoked a key, and why, is in the journal."""
    old = desk.publish().key
    desk.clock.advance(1)
    new = desk.signer.rotate(who="adam", reason="yearly").id
    desk.clock.advance(1)
    desk.revoke(old, even_live=True)
    told = [(record.who, record.what) for record in read_journal(desk.catalog)]
    assert told == [
        ("eve", f"key {old} is revoked: it leaked"),
        ("adam", f"key {new} signs instead of {old}: yearly"),
        ("adam", f"key {old} signs: first start"),
    ]


def test_two_keys_never_sign_at_once(desk: Desk) -> None:
    """Of two rotations that begin together, one is told that it came second."""
    ring, index = desk.keys._read()
    desk.signer.rotate(who="adam", reason="yearly")
    with pytest.raises(ConflictError):
        desk.keys._write(ring, index, "eve", "also")


def test_what_was_seen_is_believed_while_no_region_answers(desk: Desk) -> None:
    """A node that has seen a signature goes on launching without regions; one that has not says so; revocation counts."""
    desk.publish()
    desk.signature_verifier.require_signed(RELEASE)
    desk.is_reachable = False
    desk.signature_verifier.require_signed(RELEASE)
    with pytest.raises(UnavailableError):
        desk.signature_verifier.require_signed(digest_bytes(b"never seen"))
    active = desk.keys.ring().active
    assert active is not None
    desk.keys.revoke(active.id, who="eve", reason="it leaked")
    assert "eve revoked" in desk.refusal()
