"""The suite: the tests, then every scenario, each to an outcome with its reason, and one summary of all."""
