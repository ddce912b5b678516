"""The dashboard, asked through its application."""
