"""A folder of JSON files as documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from handshake.core.problem import ProblemsError
from handshake.renderer.content import read_documents

EXAMPLE = Path(__file__).parents[3] / "examples/campaign/content"


def test_a_file_is_named_by_its_path() -> None:
    """The file page/home.json is the document page:home."""
    documents = {document.key: document.fields for document in read_documents(EXAMPLE)}
    assert sorted(documents) == ["page:about", "page:donate", "page:home", "page:philadelphia"]
    assert documents["page:donate"]["title"] == "Donate"


def test_every_bad_file_is_named(tmp_path: Path) -> None:
    """Files that hold no JSON object are all reported, each at its place."""
    (tmp_path / "cut.json").write_text('{"title": ', encoding="utf-8")
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ProblemsError) as caught:
        read_documents(tmp_path)
    found = [(problem.check, problem.where.file) for problem in caught.value.problems]
    assert found == [("content-document", f"{tmp_path}/{name}.json") for name in ("cut", "list")]
