"""The images of `examples/`. `python -m driver.machine.example_images` builds them where no registry answers.

Their Compose files name official images as defaults of variables. Without a registry, images from Debian's
packages take their place (`examples/images/`), and a `.env` beside each Compose file names them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from driver.machine.base_images import PYTHON
from driver.machine.setup import prepare
from driver.machine.shell import MachineError, Say, run
from driver.paths import project_root

VARIABLES = {
    "PYTHON_IMAGE": "stormlab/example-python:trixie",
    "REDIS_IMAGE": "stormlab/example-redis:trixie",
    "POSTGRES_IMAGE": "stormlab/example-postgres:trixie",
    "NATS_IMAGE": "stormlab/example-nats:trixie",
    "NODE_IMAGE": "stormlab/example-node:trixie",
    "RABBITMQ_IMAGE": "stormlab/example-rabbitmq:trixie",
}
MARK = "# Written by `make examples`, which writes it again; delete this line to keep your own."
BUILD_LIMIT_S = 900.0


def ensure_example_images(say: Say, root: Path) -> dict[str, str]:
    """Return the variables of the examples' Compose files: none where a registry has the official images.

    Builds what is missing or out of date of the checkout at `root`. Raises MachineError.
    """
    return ensure_stand_ins(root / "examples" / "images" / "compose.yaml", VARIABLES, say)


def ensure_stand_ins(file: Path, variables: Mapping[str, str], say: Say) -> dict[str, str]:
    """Return `variables`, whose images a Compose file builds from packages; none where a registry answers.

    Raises MachineError.
    """
    machine = prepare(say)
    if machine.bases[PYTHON.arg] == PYTHON.official:
        return {}
    if not file.is_file():
        raise MachineError(f"{file} is missing: its images are built from a checkout.")
    build = ["docker", "compose", "-f", str(file), "build"]
    run(build, say, f"building the images of {file.parents[1].name}/", BUILD_LIMIT_S, machine.environment())
    return dict(variables)


def write_env_files(folder: Path, variables: Mapping[str, str]) -> list[Path]:
    """Write `.env` beside each example's Compose file; return those that a person wrote, which stay."""
    text = "\n".join([MARK, *(f"{name}={value}" for name, value in variables.items())]) + "\n"
    kept = []
    for file in _env_files(folder):
        if file.is_file() and not file.read_text().startswith(MARK):
            kept.append(file)
        elif variables:
            file.write_text(text)
        else:
            file.unlink(missing_ok=True)
    return kept


def _env_files(folder: Path) -> Iterator[Path]:
    for compose in sorted(folder.glob("*/compose.yaml")):
        if compose.parent.name != "images":
            yield compose.with_name(".env")


def main() -> int:
    """Return 0 with the images, the error's exit code without."""

    def say(text: str) -> None:
        print(f"stormlab: {text}", flush=True)

    root = project_root()
    try:
        variables = ensure_example_images(say, root)
    except MachineError as error:
        print(f"stormlab: {error}", file=sys.stderr)
        return error.exit_code
    for kept in write_env_files(root / "examples", variables):
        say(f"{kept.relative_to(root)} is your own and stays as it is")
    say("the examples use images from Debian's packages" if variables else "the examples use official images")
    return 0


if __name__ == "__main__":
    sys.exit(main())
