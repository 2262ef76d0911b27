"""Sets a machine up for the lab: engine, base images, build secrets; and the checks of `lab.py doctor`.

Imports of the driver only `errors`, `paths`, `subprocesses` and `host_ports`.
Begin with `setup` and `doctor`.
"""
