"""Engines: what starts, stops, limits, connects and inspects the processes of a lab.

Imports of the driver only `errors`, `host_ports` and `histories.journal_folder`; beside it `chaos.targets`.
`docker_sdk` alone imports the Docker SDK. Begin with `engine` (the interface), then
`compose_engine` (Docker Compose behind it).
"""
