"""Decoys at the ingress: chosen by a keyed digest, and sent by a backend with the response time of an origin."""

from __future__ import annotations

from collections.abc import Iterator

from handshake.edge.ingress.compile.answers import answer_from, tell_rule
from handshake.edge.policy.actions import Decoy, DecoyAnswer
from handshake.edge.policy.decoy_templates import FieldKind, TemplateField, find_places, split_text
from handshake.edge.policy.policy import EdgePolicy, Rule
from handshake.syntax.haproxy import Line, Section, line

_SUBJECT = "%[src] %[date,div(3600)] %[req.body,sha2(256),hex]"
"""Client, hour and body: replaying a request reveals nothing."""
_TIMES = "decoy-times"


def deceive(rule: Rule, decoy: Decoy, condition: tuple[str, ...]) -> tuple[Line, ...]:
    """Return the lines that leave a request that meets the rule to one of the decoy's backends, by lot."""
    delay = f"%[rand({len(decoy.latency_ms)})]" if decoy.latency_ms else "0"
    return answer_from(f"{_name(rule)}.{delay}", *condition, because=rule.because)


def keep_decoys(policy: EdgePolicy, key: str) -> tuple[Section, ...]:
    """Return a backend for each decoy and each time that it may take, and the table of when each was first seen."""
    decoys = policy.select_decoys()
    needs_times = any(TemplateField(kind=FieldKind.NOW) in find_places(_texts(decoy)) for _, decoy in decoys)
    kind = ("type", "string", "len", "64", "size", "100k", "expire", "1h", "store", "gpt0")
    times = (Section(words=("backend", _TIMES), lines=(line("stick-table", *kind),)),) if needs_times else ()
    return (
        *times,
        *(
            _answer(f"{_name(rule)}.{number}", decoy, delay, _prepare(rule, decoy, key))
            for rule, decoy in decoys
            for number, delay in enumerate(decoy.latency_ms or (0,))
        ),
    )


def _prepare(rule: Rule, decoy: Decoy, key: str) -> tuple[Line, ...]:
    """Return the lines that find out what to answer: the body is awaited first, since an origin does that too."""
    # Fastly cuts the digest in the same way, so both give the same answer.
    coin = f"var(txn.digest),bytes(0,7),hex2i,mod({len(decoy.answers)})"
    return (
        tell_rule(rule.name),
        line("http-request", "wait-for-body", "time", "10s"),
        line("http-request", "set-var-fmt(txn.subject)", f"{_SUBJECT} {rule.name}"),
        line("http-request", "set-var(txn.digest)", f"var(txn.subject),hmac(sha256,{key}),hex"),
        line("http-request", "set-var(txn.coin)", coin),
        *(fill for place in find_places(_texts(decoy)) for fill in _fill(place, key)),
    )


def _answer(name: str, decoy: Decoy, delay: int, prepare: tuple[Line, ...]) -> Section:
    """HAProxy waits before an answer in one way only, which is meant as a tarpit: of each backend's own depth."""
    after = (line("timeout", "tarpit", f"{delay}ms"),) if delay else ()
    act = "tarpit" if delay else "return"
    replies = (
        line("http-request", act, *_print(answer), "if", *_is_chosen(number))
        for number, answer in enumerate(decoy.answers)
    )
    order = (
        statement
        for number, answer in enumerate(decoy.answers)
        for statement in _put_in_order(number, answer, decoy.order)
    )
    return Section(words=("backend", name), lines=(*after, *prepare, *replies, *order))


def _print(answer: DecoyAnswer) -> tuple[str, ...]:
    payload = ("content-type", answer.content_type, "lf-string", _print_text(answer.body))
    body = payload if answer.body else ()
    return ("status", str(answer.status), *body, "hdr", "Date", "%[date,http_date]")


def _put_in_order(number: int, answer: DecoyAnswer, order: tuple[str, ...]) -> Iterator[Line]:
    """Put each header at the end in turn, a line each: HAProxy itself puts lengths and types behind all others."""
    names = [*(["Content-Type"] if answer.body else []), *answer.headers, "Content-Length"]
    own = {name: _print_text(its) for name, its in answer.headers.items()}
    places = {name.lower(): place for place, name in enumerate(order)}
    for name in sorted(names, key=lambda name: places.get(name.lower(), len(order))):
        value = own.get(name, f"%[res.fhdr({name})]")
        yield line("http-after-response", "set-header", name, value, "if", *_is_chosen(number))


def _is_chosen(number: int) -> tuple[str, ...]:
    return ("{", "var(txn.coin)", "-m", "int", str(number), "}")


def _print_text(text: str) -> str:
    """Return a text as a log format that means it."""
    parts = split_text(text)
    return "".join(part.replace("%", "%%") if isinstance(part, str) else _read(part) for part in parts)


def _read(place: TemplateField) -> str:
    its = f"var(txn.decoy_{_word(place)})"
    match place.kind:
        case FieldKind.NOW:
            return "%[var(txn.since),utime(%Y-%m-%dT%H:%M:%S)]"
        case FieldKind.BODY:
            return f"%[{its},json(utf8s)]"
        case FieldKind.DIGITS:
            # The number has one digit more, a one, which keeps zeros at the beginning.
            return f"%[{its},concat(),bytes(1,{place.length})]"
        case FieldKind.HEX:
            return f"%[{its},bytes(0,{place.length})]"
        case FieldKind.UUID:
            first, second, third, last = (
                f"%[{its},bytes({start},{length})]" for start, length in ((0, 8), (8, 4), (12, 3), (16, 12))
            )
            variant = f"%[{its},bytes(15,3)]"
            return f"{first}-{second}-4{third}-a{variant}-{last}"


def _fill(place: TemplateField, key: str) -> tuple[Line, ...]:
    """Return the lines that find out what stands at a place."""
    its = f"txn.decoy_{_word(place)}"
    if place.kind is FieldKind.NOW:
        return _remember_time()
    if place.kind is FieldKind.BODY:
        return (line("http-request", f"set-var({its})", f"req.body,json_query('$.{place.label}')"),)
    digest = f"var({its}),hmac(sha256,{key}),hex,lower"
    if place.kind is FieldKind.DIGITS:
        above = 10**place.length
        digest += f",bytes(0,15),hex2i,mod({above}),add({above})"
    return (
        line("http-request", f"set-var-fmt({its})", f"{_word(place)} %[var(txn.digest)]"),
        line("http-request", f"set-var({its})", digest),
    )


def _remember_time() -> tuple[Line, ...]:
    """A replayed request is told the time of the first one, as by a service that stores what it was sent once."""
    seen = f"sc_get_gpt0(2,{_TIMES})"
    return (
        line("http-request", "track-sc2", "var(txn.digest)", "table", _TIMES),
        line("http-request", "sc-set-gpt0(2)", "date()", "if", "{", seen, "eq", "0", "}"),
        line("http-request", "set-var(txn.since)", "date()"),
        line("http-request", "set-var(txn.since)", seen, "if", "{", seen, "gt", "0", "}"),
    )


def _texts(decoy: Decoy) -> tuple[str, ...]:
    return tuple(text for answer in decoy.answers for text in (answer.body, *answer.headers.values()))


def _word(place: TemplateField) -> str:
    return "_".join(filter(None, (place.kind, str(place.length or ""), place.label)))


def _name(rule: Rule) -> str:
    return f"decoy.{rule.name}"
