"""The API gateway: what operators wrote about routes, compiled for a router, and who is in its pools."""
