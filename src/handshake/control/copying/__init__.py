"""The fallback copy: pages of what runs, kept as files for the day on which nothing runs."""
