"""What is counted and told about the house while it runs."""
