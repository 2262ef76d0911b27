"""The prober: observes every link from the clients' side, on connections of its own, so that faults can be
proved.

It imports `wire` alone. Begin with link_prober.py, which observes one link; __main__.py runs one for each.
"""
