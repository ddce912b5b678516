"""Texts that a policy may hold, each as narrow as what it becomes."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

Body = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F]*$")]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")]
FilledValue = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7E]([\x20-\x7E]*[\x21-\x7E])?$")]
"""A header's value as both programs send it: never empty, with no space at its ends."""
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7E]*$")]
Target = Annotated[str, StringConstraints(pattern=r"^(/|https?://[A-Za-z0-9])[\x21\x23-\x7E]*$")]
"""Where a redirect leads: a path, or an address with its scheme."""
PathText = Annotated[str, StringConstraints(pattern=r"^/[\x21\x23-\x3E\x40-\x7E]*$")]
"""A path without a query."""
Tag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,79}$")]
"""A label of cached objects; a space would end it."""
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""The name of a switch, a list or an arm: a hyphen would be a minus sign in a condition."""
