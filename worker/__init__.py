"""Does the work: a pure session, an executor of task kinds, checkpoints, and a thin WebSocket shell around
them.
"""
