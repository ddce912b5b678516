"""The basic types that every room uses: subjects, digests, problems, errors, outcomes. Standard library only."""
