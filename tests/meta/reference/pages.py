"""Which pages are generated, and their text as of now."""

from pathlib import Path

from tests.meta.reference.settings_page import print_settings
from tests.meta.reference.verbs_page import print_verbs
from tests.meta.sources import REPOSITORY

_FOLDER = REPOSITORY / "docs" / "reference"


def generated_pages() -> dict[Path, str]:
    """Return each generated page's file and text."""
    return {_FOLDER / "settings.md": print_settings(), _FOLDER / "verbs.md": print_verbs()}
