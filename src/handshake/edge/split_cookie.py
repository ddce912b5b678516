"""The cookie that keeps a visitor's arm."""

from __future__ import annotations

_SECONDS_OF_A_DAY = 86_400


def cookie_of(rule: str) -> str:
    """Return the name of the cookie in which a visitor keeps the rule's arm."""
    return f"hs_arm_{rule.replace('-', '_')}"


def cookie_attributes(days: int) -> str:
    """Return what stands behind the cookie's value."""
    return f"Path=/; Max-Age={days * _SECONDS_OF_A_DAY}; SameSite=Lax"
