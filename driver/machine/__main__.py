"""`sudo .venv/bin/python -m driver.machine`: the part of the set-up that needs root.

It installs and starts the engine and builds the base images; it writes nothing into the checkout.
"""

import sys

from driver.errors import LabError
from driver.machine.base_images import ensure_bases
from driver.machine.engine_install import ensure_engine
from driver.machine.shell import say_on_stderr

try:
    found = ensure_engine(say_on_stderr)
    bases = ensure_bases(say_on_stderr)
except LabError as error:
    print(f"stormlab: {error}", file=sys.stderr)
    sys.exit(error.exit_code)
print(f"ready: Docker {found.engine}, Compose {found.compose}, {', '.join(bases.values())}")
