"""Small working stand-ins for tests: they pass the same contract suites as the real drivers."""
