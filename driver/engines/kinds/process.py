"""Processes of this machine in namespaces of the lab's own (Linux): no Docker, with or without root."""

from __future__ import annotations

from driver.engines.process_kind import process_kind

ENGINE = process_kind("process", 200, "processes in Linux namespaces, without Docker", isolated=True)
