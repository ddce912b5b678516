"""Redis, as the content store: documents that can be rebuilt from their source at any time."""
