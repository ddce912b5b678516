"""No credential gets into an image by mistake, and what is none gets in without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from handshake.core.problem import Location
from handshake.drivers.ed25519.scheme import Ed25519
from handshake.image.bake import check_secret

HERE = Location(file="service.toml", line=6, column=1)
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789"


def found(folder: Path, name: str, content: bytes, *, public: tuple[str, ...] = ()) -> list[str]:
    """Return what is said of a file."""
    source = folder / "source"
    source.write_bytes(content)
    return [problem.what for problem in check_secret(name, source, public, HERE)]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (Ed25519().make_pair().private.encode(), "a private key"),
        (b"key = '''\r\n" + Ed25519().make_pair().private.replace("\n", "\r\n").encode(), "a private key"),
        (b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n" + b"A" * 64, "a private key"),
        (b"aws_access_key_id = AKIA" + b"ABCDEFGHIJKLMNOP", "an AWS access key"),
        (f"credential: ghp_{LETTERS[:36]}".encode(), "a GitHub credential"),
        (f"github_pat_{LETTERS}{LETTERS}".encode(), "a GitHub credential"),
        (f"xoxb-{LETTERS}".encode(), "a Slack credential"),
        (f"//registry/:_authToken=npm_{LETTERS[:36]}".encode(), "an npm credential"),
        (f"sk_live_{LETTERS}".encode(), "a Stripe key"),
    ],
)
def test_what_looks_like_a_credential_is_found(tmp_path: Path, content: bytes, what: str) -> None:
    """Keys and well-known credentials are found by their content, wherever in a file they stand."""
    assert found(tmp_path, "app/notes.txt", b"first line\n" + content) == [f"app/notes.txt looks like {what}"]


@pytest.mark.parametrize("name", [".env", ".netrc", "id_ed25519", ".pgpass", ".npmrc"])
def test_files_that_hold_credentials_are_found_by_name(tmp_path: Path, name: str) -> None:
    """Files whose only use is to hold credentials are found whatever they hold."""
    assert found(tmp_path, f"app/{name}", b"x") == [
        f"app/{name} looks like credentials, because of its name {name}"
    ]


@pytest.mark.parametrize(
    "content",
    [
        Ed25519().make_pair().public.encode(),
        b'_START = b"-----BEGIN OPENSSH PRIVATE KEY-----"\n_END = b"-----END OPENSSH PRIVATE KEY-----"\n',
        b"AKIAABC npm_config_cache ghp_short sk_live_",
        b"",
    ],
)
def test_what_only_speaks_of_credentials_is_not_found(tmp_path: Path, content: bytes) -> None:
    """Public keys, and programs that name the first line of a key, may be in an image."""
    assert found(tmp_path, "app/notes.txt", content) == []


def test_what_is_public_may_be_inside(tmp_path: Path) -> None:
    """A file that the recipe calls public may look as it likes; another file may not."""
    private = Ed25519().make_pair().private.encode()
    assert found(tmp_path, "tests/demo.pem", private, public=("tests/demo.pem",)) == []
    assert found(tmp_path, "other/demo.pem", private, public=("tests/demo.pem",)) != []
