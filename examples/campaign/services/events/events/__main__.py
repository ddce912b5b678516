"""Start the service."""

from kit.ledger import connect_ledger
from kit.server import serve

from events.app import build_events

serve(build_events(connect_ledger()))
