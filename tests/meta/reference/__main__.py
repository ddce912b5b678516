"""Writes every generated page of docs/reference."""

from tests.meta.reference.pages import generated_pages

for page, text in generated_pages().items():
    page.write_text(text, encoding="utf-8")
