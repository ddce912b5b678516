"""The API gateway: its policy, compiled for a router, and the members of its pools."""
