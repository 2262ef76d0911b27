"""`python -m driver.machine`: make this machine ready."""

import sys

from driver.errors import LabError
from driver.machine.setup import prepare
from driver.machine.shell import say_on_stderr

try:
    machine = prepare(say_on_stderr)
except LabError as error:
    sys.exit(f"stormlab: {error}")
found = machine.engine
print(f"ready: Docker {found.engine}, Compose {found.compose}, {', '.join(machine.bases.values())}")
