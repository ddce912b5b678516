"""nginx as the static file server in front of one region's directory."""
