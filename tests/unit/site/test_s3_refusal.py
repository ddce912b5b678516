"""What an S3's answers mean."""

import pytest

from handshake.core.errors import HandshakeError, RefusedError, UnavailableError
from handshake.drivers.s3.store import parse_credential, translate
from handshake.release.regions import Bucket

BUCKET = Bucket(endpoint="https://s3.example:8443", name="site", prefix="campaign")

MEANINGS: dict[str, tuple[type[HandshakeError], str]] = {
    "<Code>RequestTimeTooSkewed</Code>": (RefusedError, "rejects this machine's clock"),
    "<Code>AccessDenied</Code>": (RefusedError, "does not let this access key"),
    "status code: 403 Forbidden": (RefusedError, "does not let this access key"),
    "<Code>NoSuchBucket</Code>": (UnavailableError, "has no bucket site"),
    "<Code>KeyTooLongError</Code>": (RefusedError, "cannot store this object"),
    "<Code>NoSuchKey</Code>": (RefusedError, "no such object"),
    "<Code>SlowDown</Code> status code: 503": (UnavailableError, "does not answer"),
    "error sending request": (UnavailableError, "does not answer"),
}


@pytest.mark.parametrize("said", MEANINGS)
def test_every_answer_has_a_meaning_and_a_hint(said: str) -> None:
    """What trying again cannot change is a refusal, everything else is unavailable; the S3's words are details."""
    kind, what = MEANINGS[said]
    error = translate(f"Generic S3 error: {said}\n\nDebug source: secret", BUCKET, "west")
    assert type(error) is kind
    assert what in error.what
    assert "region west" in error.what
    assert error.hint
    assert said in error.details
    assert "Debug" not in error.details


def test_a_bucket_tells_the_ingress_where_it_is() -> None:
    """Address, host and path of a bucket are those that the ingress asks; a port is there, named or not."""
    assert (BUCKET.address, BUCKET.host, BUCKET.path) == (
        "s3.example:8443",
        "s3.example:8443",
        "/site/campaign",
    )
    plain = Bucket(endpoint="http://s3.example", name="site")
    assert (plain.address, plain.host, plain.path, plain.is_tls) == (
        "s3.example:80",
        "s3.example",
        "/site",
        False,
    )


def test_a_credential_is_one_line() -> None:
    """An id, a colon and a secret; whatever else stands there is refused, and not shown."""
    key = parse_credential("AKIA1:s/e+c=\n", "west")
    assert (key.id, key.secret) == ("AKIA1", "s/e+c=")
    assert "s/e+c=" not in repr(key)
    for text in ("", "AKIA1", ":secret", "AKIA1:"):
        with pytest.raises(RefusedError) as refused:
            parse_credential(text, "west")
        assert "AKIA1" not in str(refused.value)
