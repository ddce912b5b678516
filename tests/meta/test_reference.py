"""The reference pages say what the code says."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from handshake.cli.main import VERBS, main
from tests.meta.check_ids import check_ids
from tests.meta.counters import counter_names
from tests.meta.reference.pages import generated_pages
from tests.meta.reference.settings_page import FILES, walk_tables
from tests.meta.reference.verbs_page import walk_verbs
from tests.meta.sources import REPOSITORY

_VERBS = dict(walk_verbs())
_REFERENCE = REPOSITORY / "docs" / "reference"


@pytest.mark.parametrize("page", generated_pages(), ids=lambda page: str(page.name))
def test_generated_pages_are_what_the_code_says(page: Path) -> None:
    """Verbs, options and settings are documented as they are: `script/reference` renews the pages."""
    text = generated_pages()[page]
    assert page.read_text(encoding="utf-8") == text, f"{page.name} is stale: run script/reference"


@pytest.mark.parametrize("path", _VERBS)
def test_verbs_explain_themselves(path: str) -> None:
    """Every verb and every option of it has a help text that ends as a sentence does."""
    options = [option for option in _VERBS[path].params if isinstance(option, click.Option)]
    told = {path: _VERBS[path].help, **{str(option.name): option.help for option in options}}
    assert not {name for name, text in told.items() if not (text or "").strip().endswith((".", "`"))}


@pytest.mark.parametrize("file", FILES)
def test_settings_explain_themselves(file: str) -> None:
    """Every setting has a description that ends as a sentence does."""
    silent = {
        f"{table.heading} {name}"
        for table in walk_tables(FILES[file])
        for name, field in table.schema["properties"].items()
        if not field.get("description", "").endswith(".")
    }
    assert not silent


def test_every_check_has_its_entry() -> None:
    """An id that a problem can carry is a heading of checks.md, and a heading is an id that a problem can carry."""
    page = (_REFERENCE / "checks.md").read_text(encoding="utf-8")
    entries = re.findall(r"^### (\S+)$", page, re.MULTILINE)
    assert len(entries) == len(set(entries))
    assert set(entries) == check_ids()


def test_entries_of_checks_are_sentences() -> None:
    """No check's entry is empty."""
    page = (_REFERENCE / "checks.md").read_text(encoding="utf-8")
    assert not re.findall(r"^### (\S+)\n+(?=#|\Z)", page, re.MULTILINE)


def test_every_counter_has_its_entry() -> None:
    """A counter that is sent stands in counters.md, and nothing else does."""
    page = (_REFERENCE / "counters.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)) == counter_names()


def test_no_page_names_a_check_that_does_not_exist() -> None:
    """A link to a check leads to its entry."""
    linked = {
        anchor
        for page in (REPOSITORY / "docs").rglob("*.md")
        for anchor in re.findall(r"checks(?:\.md)?#([a-z0-9-]+)", page.read_text(encoding="utf-8"))
    }
    headings = re.findall(r"^#+ (.+)$", (_REFERENCE / "checks.md").read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") for heading in headings}
    assert linked <= anchors


def test_hidden_verbs_have_no_sentence_in_the_help() -> None:
    """The program's help has a sentence for every verb that is for people, and shows no other."""
    context = click.Context(main)
    for name, sentence in VERBS.items():
        verb = main.get_command(context, name)
        assert verb is not None, name
        assert verb.name == name
        assert bool(sentence) is not verb.hidden, name


def test_help_imports_no_verb() -> None:
    """Who asks for help, or completes a verb's name, does not wait for what the verbs need."""
    script = (
        "import sys; from click.testing import CliRunner; from handshake.cli.main import main;"
        " print(CliRunner().invoke(main, ['--help']).exit_code,"
        " [name for name in sys.modules if name.startswith(('handshake.compose', 'handshake.campaign', 'pydantic'))])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "0 []\n"
