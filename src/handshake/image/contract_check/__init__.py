"""The contract check: tests an image's promises before it is promoted."""
