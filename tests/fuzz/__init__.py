"""Hostile input by the million: against the codec, the handshake and both cores in memory, and against a live
coordinator.
"""
