"""Start the service."""

from kit.ledger import connect_ledger
from kit.server import serve

from hamm.app import build_hamm

serve(build_hamm(connect_ledger()))
