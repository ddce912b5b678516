"""What the campaign's services share: problems, bodies, the ledger, health, logs and the server."""
