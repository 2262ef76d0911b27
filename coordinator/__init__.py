"""The coordinator: assigns tasks to workers and records them durably. Pure core (core.py, ledger.py,
session_manager.py), a durable store, and thin shells around them (server.py, control_api.py); it imports
`wire` only. Begin with core.py, which lists every input, then ledger.py.
"""
