"""Two policies over the same requests of an access log: what would have changed, and for whom."""
