"""Engine on plain processes of this machine (Linux): no Docker, with or without root.

A *supervisor* (`supervisor`) holds one lab: it opens the published ports, enters namespaces of its own, and
starts a *fork server* (`fork_server`), the first process of the lab's process namespace. Each process of the
lab is a child of a *process init* (`process_init`), which a fork of the fork server runs. `process_engine`
implements the engine as a client of the supervisor; `requests` holds what both exchange.
"""
