"""What combines the rooms: verbs' transactions, reconcilers of agent and leader, reports."""
