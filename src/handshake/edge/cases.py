"""edge_tests.toml as the operator writes it: requests, and what is expected of the policy that stands beside it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from handshake.config.settings import Settings
from handshake.edge.texts import HeaderName, Word
from handshake.edge.variables import UNKNOWN_COUNTRY, UNKNOWN_NETWORK

Country = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}|unknown)$")]
Name = Annotated[str, StringConstraints(min_length=1)]


class CaseRequest(Settings):
    """`[case.request]`: the request, as the client sends it."""

    ip: str = Field(default="192.0.2.1", description="The address that the connection comes from.")
    country: Country = Field(
        default=UNKNOWN_COUNTRY, description='Two capital letters (ISO 3166), or "unknown".'
    )
    asn: int = Field(default=UNKNOWN_NETWORK, ge=0, description="The number of the client's network.")
    rate: int = Field(default=1, ge=0, description="The client's requests in the last ten seconds.")
    method: Name = Field(default="GET", description="The method.")
    host: str = Field(default="", description="The Host header.")
    path: Name = Field(default="/", description="The path; what follows a `?` is the query.")
    headers: dict[HeaderName, str] = Field(default_factory=dict, description="Further headers.")
    cookies: dict[str, str] = Field(default_factory=dict, description="Cookies.")


class Expectation(Settings):
    """`[case.expect]`: what must become of the request; what is not named may be anything."""

    rule: str | None = Field(default=None, description='The rule that answers; "" where none may.')
    matched: tuple[str, ...] = Field(default=(), description="Rules that must match, among others.")
    not_matched: tuple[str, ...] = Field(default=(), description="Rules that must not match.")
    refused: str | None = Field(
        default=None,
        description='What the door refuses before any rule, such as `strict-path`; "" where nothing.',
    )
    status: int | None = Field(
        default=None,
        description="The status that a rule answers, or that the edge answers without asking anybody; one of a decoy's.",
    )
    headers: dict[HeaderName, str] = Field(
        default_factory=dict, description='Headers of the answer; "" for one that must not be there.'
    )
    body: str | None = Field(default=None, description="A part of the answer's body.")
    goes_on: bool | None = Field(default=None, description="Whether the request passes all rules.")
    to: str | None = Field(
        default=None,
        description="Where it goes on to: `site calls`, `service hamm`, `gateway` or `nobody`.",
    )
    path: str | None = Field(default=None, description="The path as it goes on.")
    request_headers: dict[HeaderName, str] = Field(
        default_factory=dict, description='Request headers as it goes on; "" for one that must not be there.'
    )
    cached: bool | None = Field(default=None, description="Whether the gateway's answer may be kept.")
    cached_seconds: int | None = Field(default=None, description="How long a rule wants it to be fresh.")
    tags: tuple[str, ...] | None = Field(default=None, description="Its tags, in order.")
    key: dict[str, str] = Field(
        default_factory=dict, description="Variables that tell it apart, and their values."
    )
    limits: tuple[str, ...] | None = Field(default=None, description="The rules that count the request.")
    arms: dict[str, str] = Field(
        default_factory=dict, description="By rule with `split`: the visitor's arm, by the cookie."
    )


class Case(Settings):
    """`[[case]]`: one request under certain circumstances, and what is expected."""

    name: Name = Field(description="What is promised, as a sentence; unique.")
    request: CaseRequest = Field(default_factory=CaseRequest, description="The request.")
    switches: dict[Word, bool] = Field(
        default_factory=dict, description="Switches that are not as the policy begins."
    )
    lists: dict[Word, tuple[str, ...]] = Field(
        default_factory=dict, description="Entries of lists, beside those that the policy begins with."
    )
    exceeded: tuple[str, ...] = Field(
        default=(), description="Rules with `limit` for which there is too much."
    )
    expect: Expectation = Field(description="What must become of it.")


class CasesSettings(Settings):
    """The file as a whole."""

    case: tuple[Case, ...] = Field(default=(), description="Cases, in any order.")
