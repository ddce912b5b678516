"""The contract check as it is carried out: an image's instances in their sandboxes, with stores of their own."""
