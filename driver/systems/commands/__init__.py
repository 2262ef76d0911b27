"""Systems whose services are commands of this machine, run as processes in namespaces, behind the same doors.

`command_file` reads their file, `command_plan` plans their processes, `command_lab` starts them; engine,
prober and access are those of a system that is up.
"""
