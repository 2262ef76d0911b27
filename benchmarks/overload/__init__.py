"""A storm under a virtual clock: the cores that ship, and a model of the one core that the coordinator runs
on.
"""
