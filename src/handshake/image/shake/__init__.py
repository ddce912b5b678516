"""The contract check: what a service promises, and how each promise is put to the test."""
