"""Static sites: their settings, releases, rules, previews and splits, and their upload."""
