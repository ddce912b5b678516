"""The contract check: an image's promises, put to the test before it is promoted."""
