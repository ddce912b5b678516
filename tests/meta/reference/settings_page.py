"""The page of all settings, printed from the models that read the files."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from handshake.campaign.settings import CampaignSettings
from handshake.config.settings import Settings
from handshake.edge.policy.settings import EdgeSettings
from handshake.edge.simulate.cases import CasesSettings
from handshake.gateway.policy import GatewayPolicy
from handshake.image.bases import BaseRecipe
from handshake.image.recipe import Recipe
from handshake.renderer.page import TemplateReleaseSettings
from handshake.site.settings import SiteSettings

FILES: dict[str, type[Settings]] = {
    "handshake.toml": CampaignSettings,
    "edge.toml": EdgeSettings,
    "edge_tests.toml": CasesSettings,
    "gateway.toml": GatewayPolicy,
    "service.toml": Recipe,
    "base.toml": BaseRecipe,
    "site.toml": SiteSettings,
    "templates.toml": TemplateReleaseSettings,
}
"""Every file that an operator writes, and the model that reads it."""

_HEAD = """\
<!-- Printed from the code by script/reference. -->
# Settings

`handshake.toml`, `edge.toml`, `edge_tests.toml` and `gateway.toml` stand in the campaign's folder; `service.toml`, `site.toml` and
`templates.toml` beside the source that they describe; `base.toml` in a base's folder. A key that is not listed here is refused.
"""

_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "minItems": "at least {} of them",
    "pattern": "like `{}`",
}
_WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "null": "nothing",
}

Schema = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of a file: where it stands, and what may stand in it."""

    heading: str
    """As TOML writes it: `[services.NAME]`; empty for the file's top."""
    schema: Schema
    definitions: Schema


def print_settings() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *(_print_file(name, model) for name, model in FILES.items())])


def walk_tables(model: type[Settings]) -> Iterator[Table]:
    """Yield a file's tables, the top first, each before those within it."""
    schema = model.model_json_schema(by_alias=True)
    yield from _walk((), schema, schema.get("$defs", {}), "[{}]")


def _walk(path: tuple[str, ...], schema: Schema, definitions: Schema, brackets: str) -> Iterator[Table]:
    yield Table(
        heading=brackets.format(".".join(path)) if path else "", schema=schema, definitions=definitions
    )
    for name, field in schema["properties"].items():
        for steps, inner, form in _tables_within(field, definitions):
            yield from _walk((*path, name, *steps), inner, definitions, form)


def _tables_within(field: Schema, definitions: Schema) -> Iterator[tuple[tuple[str, ...], Schema, str]]:
    """Yield the tables that a field holds: itself, one of each name, or one of each element."""
    for choice in field.get("anyOf", [field]):
        resolved = _resolve(choice, definitions)
        if "properties" in resolved:
            yield (), resolved, "[{}]"
        for element, steps, form in (
            (_values(choice), ("NAME",), "[{}]"),
            (choice.get("items"), (), "[[{}]]"),
        ):
            within = _resolve(element, definitions)
            if "properties" in within:
                yield steps, within, form


def _values(schema: Schema) -> Schema:
    """Return what a table of any names holds under each of them."""
    by_pattern: Schema = schema.get("patternProperties") or {}
    values: Schema = schema.get("additionalProperties") or next(iter(by_pattern.values()), {})
    return values


def _resolve(schema: Any, definitions: Schema) -> Schema:
    if not isinstance(schema, dict):
        return {}
    reference = schema.get("$ref", "").rpartition("/")[2]
    return definitions[reference] if reference else schema


def _print_file(name: str, model: type[Settings]) -> str:
    return "\n".join([f"## {name}", "", *(_print_table(table) for table in walk_tables(model))])


def _print_table(table: Table) -> str:
    heading = [f"### `{table.heading}`", ""] if table.heading else []
    required = set(table.schema.get("required", ()))
    rows = [
        f"| `{name}` | {_print_type(field, table)} | {_print_default(name, field, required)} | {field['description']} |"
        for name, field in table.schema["properties"].items()
    ]
    return "\n".join([*heading, "| key | type | default | meaning |", "|---|---|---|---|", *rows, ""])


def _print_type(field: Schema, table: Table) -> str:
    choices = [choice for choice in field.get("anyOf", [field]) if choice.get("type") != "null"]
    return " or ".join(_print_choice(choice, table) for choice in choices)


def _print_choice(schema: Schema, table: Table) -> str:
    resolved = _resolve(schema, table.definitions)
    if "enum" in resolved:
        return ", ".join(f"`{value}`" for value in resolved["enum"])
    match resolved.get("type"):
        case "object":
            return "table" if "properties" in resolved else _print_mapping(resolved, table)
        case "array":
            return _limited(f"list of {_plural(_print_choice(resolved['items'], table))}", resolved)
        case kind:
            return _limited(_WORDS[str(kind)], resolved)


def _print_mapping(schema: Schema, table: Table) -> str:
    return f"names, each with a {_print_choice(_values(schema), table)}"


def _plural(word: str) -> str:
    return f"{word}s" if word in {"text", "number", "table"} else word


def _limited(word: str, schema: Schema) -> str:
    limits = [
        text.format(str(schema[key]).replace("|", "\\|")) for key, text in _LIMITS.items() if key in schema
    ]
    return ", ".join([word, *limits])


def _print_default(name: str, field: Schema, required: set[str]) -> str:
    if name in required:
        return "required"
    default = field.get("default")
    if default in (None, {}, [], "") or isinstance(default, dict):
        return ""
    return f"`{json.dumps(default, ensure_ascii=False)}`"
