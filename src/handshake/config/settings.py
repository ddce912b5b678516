"""Settings: typed tables of a configuration file, and addresses. Each field's description is its entry in the reference."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


class Settings(BaseModel):
    """A table of a configuration file: immutable, and unknown keys are problems."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, hide_input_in_errors=True)


# An address as operators write it.

_ADDRESS = re.compile(r"(127(?:\.\d{1,3}){3}|\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})")


def _address(text: str) -> str:
    found = _ADDRESS.fullmatch(text)
    if not found or not 0 < int(found[2]) < 1 << 16:
        raise ValueError(
            f"{text!r} is not a valid address: write an IPv4 address, a colon and a port (127.0.0.1:8080)"
        )
    return text


Address = Annotated[str, AfterValidator(_address)]
