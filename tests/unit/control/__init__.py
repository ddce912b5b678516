"""Control: what combines the features."""
