"""Images: a recipe beside a service's source, baked into a file tree and a manifest whose digest is the release."""
