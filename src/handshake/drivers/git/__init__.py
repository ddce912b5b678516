"""Git, asked where a source comes from."""
