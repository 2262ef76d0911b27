"""The command line: a module for each command, with the options that they share.

Imports every other package of the driver; no package imports it. `main` imports a command's module only when
the command is called. Begin with `main` (catalogue, errors, exit codes) and `scenario`.
"""
