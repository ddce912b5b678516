"""Read a JSON body, and say everything that is wrong with it at once."""

import json
import re
from http import HTTPStatus
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request

from kit.problem import Fault, ProblemError

Value = TypeVar("Value", int, str)

LARGEST_BODY_BYTES = 16 * 1024

# Thirteen digits or more, however they are grouped: nobody's name, but many a card's number.
_CARD_NUMBER = re.compile(r"(?:\d[ .-]?){13,}")
# Control characters, and halves of characters, which JSON can spell but UTF-8 cannot carry.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_EMAIL = re.compile(r"[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+")


async def read_json_object(request: Request) -> dict[str, object]:
    """Read the request's body, which must be one JSON object of at most 16 KiB."""
    try:
        body = json.loads(await _read_bytes(request))
    except (ValueError, RecursionError) as error:
        raise _bad_body("The body is not JSON.") from error
    if not isinstance(body, dict):
        raise _bad_body("The body must be a JSON object.")
    return body


async def _read_bytes(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BODY_BYTES:
                detail = f"The body may have {LARGEST_BODY_BYTES} bytes at most."
                raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", detail)
    except ClientDisconnect as error:
        raise _bad_body("The body ended early.") from error
    return bytes(body)


def _bad_body(detail: str, faults: tuple[Fault, ...] = ()) -> ProblemError:
    return ProblemError(HTTPStatus.BAD_REQUEST, "bad-body", detail, faults=faults)


class Form:
    """A body's fields. Reading notes every fault; `finish` refuses the body if there was one.

    A field with a fault reads as 0 or "", which no caller ever sees: `finish` raises first.
    """

    def __init__(self, body: dict[str, object]) -> None:
        self._unread = dict(body)
        self._faults: list[Fault] = []

    def integer(self, name: str, *, lowest: int, highest: int) -> int:
        """Read a required whole number."""
        value = self._take(name)
        # JSON's true is an int to Python, but nobody's amount.
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        return self._fault(name, f"must be a whole number from {lowest} to {highest}", 0)

    def text(self, name: str, *, longest: int) -> str:
        """Read a required line of text, without the blanks around it."""
        value = self._take(name)
        if not isinstance(value, str) or not value.strip():
            return self._fault(name, "must be a text that is not empty", "")
        return self._line(name, value.strip(), longest)

    def optional_text(self, name: str, *, longest: int) -> str:
        """Read a line of text that may be absent, and is then empty."""
        return self.text(name, longest=longest) if name in self._unread else ""

    def email(self, name: str) -> str:
        """Read a required e-mail address."""
        value = self.text(name, longest=254)
        if value and not _EMAIL.fullmatch(value):
            return self._fault(name, "must be an e-mail address", "")
        return value

    def finish(self) -> None:
        """Refuse the body if a field was bad, missing or unknown."""
        for name in self._unread:
            shown = _UNPRINTABLE.sub("?", name[:64])
            self._faults.append(Fault(field=shown, detail="is not a field that this service knows"))
        if self._faults:
            raise _bad_body(f"The body has {len(self._faults)} problem(s).", tuple(self._faults))

    def _line(self, name: str, value: str, longest: int) -> str:
        if len(value) > longest:
            return self._fault(name, f"may have {longest} characters at most", "")
        if _UNPRINTABLE.search(value):
            return self._fault(name, "must be one line of printable characters", "")
        if _CARD_NUMBER.search(value):
            return self._fault(name, "looks like a card number, which has no place here", "")
        return value

    def _take(self, name: str) -> object:
        return self._unread.pop(name, None)

    def _fault(self, name: str, detail: str, stand_in: Value) -> Value:
        self._faults.append(Fault(field=name, detail=detail))
        return stand_in
