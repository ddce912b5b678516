"""Keeps every promise."""

from tests.services.kit.service import Service, serve

serve(Service())
