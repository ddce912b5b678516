"""hamm: the campaign's donations, each stored exactly once."""
