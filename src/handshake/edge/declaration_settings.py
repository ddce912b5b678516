"""The part of edge.toml that declares what operators change without a release: switches and lists."""

from __future__ import annotations

from pydantic import Field

from handshake.config.settings import Settings
from handshake.edge.lists.kind import ListKind
from handshake.edge.texts import Word


class SwitchSettings(Settings):
    """`[switches.NAME]`: a named setting that operators turn on and off without a release."""

    default: bool = Field(default=False, description="Whether the switch is on until an operator sets it.")
    description: str = Field(description="What it does when on, for the person who turns it at 3 am.")


class ListSettings(Settings):
    """`[lists.NAME]`: a named set of clients or texts that operators change without a release."""

    kind: ListKind = Field(
        description="`address`: single addresses only; `network`: addresses and networks; `text`: whole texts, "
        "such as user agents."
    )
    description: str = Field(default="", description="Whom it holds.")
    entries: tuple[str, ...] = Field(default=(), description="What it holds at first, without an end.")
    protected: tuple[str, ...] = Field(
        default=(), description="What counts as not listed, whatever the list says."
    )


class DeclarationSettings(Settings):
    """The tables of switches and lists."""

    switches: dict[Word, SwitchSettings] = Field(default_factory=dict, description="Switches by name.")
    lists: dict[Word, ListSettings] = Field(default_factory=dict, description="Lists by name.")
