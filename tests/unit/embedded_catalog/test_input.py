"""What clients send: understood, or refused with a sentence."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handshake.core.errors import RefusedError
from handshake.drivers.embedded_catalog.access import CredentialRole, load_credentials
from handshake.drivers.embedded_catalog.blocking import parse_patience
from handshake.drivers.embedded_catalog.checks import Status
from handshake.drivers.embedded_catalog.fields import (
    MalformedError,
    OversizedError,
    RefusalError,
    parse_duration,
)
from handshake.drivers.embedded_catalog.requests import (
    VALUE_LIMIT,
    parse_operations,
    parse_service,
    parse_session,
)
from handshake.drivers.embedded_catalog.sessions import Behavior

FIELD = st.sampled_from(
    [
        "Name",
        "ID",
        "Port",
        "Tags",
        "Meta",
        "Check",
        "Checks",
        "TTL",
        "Status",
        "LockDelay",
        "Behavior",
        "KV",
        "Verb",
    ]
)
TEXT = st.sampled_from(["", "a", "10s", "set", "delete", "passing", "aGk=", "\ud800"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELD, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("1m30s", 90), ("250ms", 0.25), ("1.5h", 5400), ("0s", 0), (".5s", 0.5)],
)
def test_durations(text: str, seconds: float) -> None:
    """Durations are read as Go reads them."""
    assert parse_duration(text, name="wait") == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "-1s", "10 s", "1d", "10s!", "\u0661s"])
def test_malformed_durations(text: str) -> None:
    """What is no duration is refused by the name of its field."""
    with pytest.raises(MalformedError, match="wait"):
        parse_duration(text, name="wait")


@pytest.mark.parametrize(
    ("wait", "seconds"), [({}, 300), ({"wait": "0s"}, 300), ({"wait": "5s"}, 5), ({"wait": "1h"}, 600)]
)
def test_a_wait_has_consuls_limits(wait: dict[str, str], seconds: float) -> None:
    """A blocking query waits 5 minutes unless told, and never longer than 10."""
    assert parse_patience(wait).seconds == seconds


def test_names_match_in_any_case() -> None:
    """Fields are found in any case, as Consul's own clients write them."""
    definition, checks = parse_service(
        b'{"name": "web", "PORT": 80, "check": {"ttl": "10s", "status": "passing"}}'
    )
    assert (definition.id, definition.port) == ("web", 80)
    assert [(check.id, check.initial) for check in checks] == [("service:web", Status.PASSING)]


def test_several_checks_are_numbered() -> None:
    """Checks without ids are numbered when there are several; a check starts critical."""
    _, checks = parse_service(b'{"Name": "web", "Checks": [{"TTL": "1s"}, {"TTL": "1s"}]}')
    assert [check.id for check in checks] == ["service:web:1", "service:web:2"]
    assert checks[0].initial is Status.CRITICAL


def test_deregistration_takes_a_minute_at_least() -> None:
    """A shorter time until deregistration is raised to Consul's minimum."""
    body = b'{"Name": "web", "Check": {"TTL": "1s", "DeregisterCriticalServiceAfter": "5s"}}'
    assert parse_service(body)[1][0].deregister_after == 60


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "decode"),
        (b"[" * 100_000, "decode"),
        (b"[]", "JSON object"),
        (b"{}", "Name"),
        (b'{"Name": ""}', "Name"),
        (b'{"Name": "\\ud800"}', "Name"),
        (b'{"Name": 7}', "Name"),
        (b'{"Name": "web", "Port": "80"}', "Port"),
        (b'{"Name": "web", "Port": 65536}', "Port"),
        (b'{"Name": "web", "Port": true}', "Port"),
        (b'{"Name": "web", "Tags": "a"}', "Tags"),
        (b'{"Name": "web", "Meta": {"a": 1}}', "Meta"),
        (b'{"Name": "web", "Checks": {}}', "Checks"),
        (b'{"Name": "web", "Check": {}}', "TTL"),
        (b'{"Name": "web", "Check": {"TTL": "0s"}}', "TTL"),
        (b'{"Name": "web", "Check": {"TTL": "soon"}}', "TTL"),
        (b'{"Name": "web", "Check": {"HTTP": "http://x", "Interval": "1s"}}', "HTTP"),
        (b'{"Name": "web", "Check": {"TTL": "1s", "Status": "fine"}}', "fine"),
    ],
)
def test_malformed_registrations(body: bytes, words: str) -> None:
    """A registration that cannot be understood is refused, and the sentence names what is wrong."""
    with pytest.raises(MalformedError, match=words):
        parse_service(body)


def test_a_session_has_defaults() -> None:
    """A session created with no body is released on its end, has no TTL and a lock-delay of 15 seconds."""
    draft = parse_session(b"")
    assert (draft.behavior, draft.ttl, draft.lock_delay) == (Behavior.RELEASE, "", 15)


@pytest.mark.parametrize(
    ("given_delay", "seconds"), [('"5s"', 5), ("5", 5), ("5000000000", 5), ('"0s"', 0), ('"1h"', 60)]
)
def test_lock_delay_notations(given_delay: str, seconds: float) -> None:
    """A lock-delay is a duration, seconds or nanoseconds, and a minute at most."""
    assert parse_session(f'{{"LockDelay": {given_delay}}}'.encode()).lock_delay == seconds


@pytest.mark.parametrize(
    "body", [b'{"TTL": "9s"}', b'{"TTL": "25h"}', b'{"Behavior": "keep"}', b'{"LockDelay": []}']
)
def test_malformed_sessions(body: bytes) -> None:
    """A TTL outside of Consul's bounds, an unknown behaviour or a lock-delay of another type is refused."""
    with pytest.raises(MalformedError):
        parse_session(body)


@pytest.mark.parametrize(
    "content",
    [
        {},
        [1],
        [{"KV": {"Verb": "rename", "Key": "a"}}],
        [{"KV": {"Verb": "set", "Key": ""}}],
        [{"KV": {"Verb": "set", "Key": "a", "Value": "***"}}],
        [{"KV": {"Verb": "set", "Key": "a", "Flags": -1}}],
        [{"KV": {"Verb": "set", "Key": "a", "Flags": 2**64}}],
        [{"Service": {"Verb": "get"}}],
    ],
)
def test_malformed_transactions(content: object) -> None:
    """An operation that cannot be understood is refused before any is applied."""
    with pytest.raises(MalformedError):
        parse_operations(json.dumps(content).encode())


def test_a_transaction_has_limits() -> None:
    """128 operations are allowed and 129 are not; nor is a value over the limit of a key."""
    one = {"KV": {"Verb": "set", "Key": "a"}}
    assert len(parse_operations(json.dumps([one] * 128).encode())) == 128
    with pytest.raises(OversizedError, match="129"):
        parse_operations(json.dumps([one] * 129).encode())
    large = {"KV": {"Verb": "set", "Key": "a", "Value": "AAAA" * (VALUE_LIMIT // 3 + 1)}}
    with pytest.raises(OversizedError, match="too large"):
        parse_operations(json.dumps([large]).encode())


@given(content=st.dictionaries(FIELD, JSON))
def test_no_body_breaks_a_parser(content: dict[str, object]) -> None:
    """Whatever JSON arrives, it is parsed or refused; nothing else is raised."""
    for parse, body in [
        (parse_service, content),
        (parse_session, content),
        (parse_operations, [{"KV": content}]),
    ]:
        try:
            parse(json.dumps(body).encode())
        except RefusalError as refusal:
            assert refusal.sentence


def write_credentials(path: Path, content: str, mode: int = 0o600) -> Path:
    path.write_text(content)
    path.chmod(mode)
    return path


def test_credentials_have_roles(tmp_path: Path) -> None:
    """The two secrets read and write; anything else is nobody."""
    credentials = load_credentials(write_credentials(tmp_path / "c", '{"write": "w", "read": "r"}'))
    secrets = ["w", "r", "", "x", "ü"]
    expected = [
        CredentialRole.WRITER,
        CredentialRole.READER,
        CredentialRole.NOBODY,
        CredentialRole.NOBODY,
        CredentialRole.NOBODY,
    ]
    assert [credentials.role_of(secret) for secret in secrets] == expected


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_credentials_that_others_can_read_are_refused(tmp_path: Path, mode: int) -> None:
    """A credentials file that more than its owner can read is not used."""
    with pytest.raises(RefusedError, match="others can read it"):
        load_credentials(write_credentials(tmp_path / "c", '{"write": "w", "read": "r"}', mode))


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"write": "w"}', '{"write": "x", "read": "x"}', '{"write": "", "read": "r"}']
)
def test_incomplete_credentials_are_refused(tmp_path: Path, content: str) -> None:
    """A credentials file without two different secrets is not used, and the hint says what to write."""
    with pytest.raises(RefusedError) as caught:
        load_credentials(write_credentials(tmp_path / "c", content))
    assert "chmod 600" in caught.value.hint
