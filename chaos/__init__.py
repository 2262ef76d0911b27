"""Faults, their targets, and the prober whose observations prove them.

It imports `wire` alone. Begin with fault.py, which defines a fault, and one file of faults/; catalogue.py
lists them, and prober/ observes the links.
"""
