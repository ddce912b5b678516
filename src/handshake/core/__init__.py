"""The words that every room shares: releases, pointers, acks, instances, steps, problems. Standard library only."""
