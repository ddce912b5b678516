"""The pure parts of drills: schedules, judgements, summaries, reconciliation."""
