"""Processes of this machine on loopback addresses of their own (Linux): no namespaces, no isolation, no
unplug.
"""

from __future__ import annotations

from driver.engines.process_kind import process_kind

ENGINE = process_kind("plain", 300, "processes on the loopback network, without isolation", isolated=False)
