"""Reference pages that are printed from the code: `script/reference` writes them, a test says when they are stale."""
