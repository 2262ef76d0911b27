"""`pip install .` must bring all that Compose and the image builds read."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
PREFIX = "driver/bundle/"


def bundled() -> dict[str, str]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    forced: dict[str, str] = config["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    return {source: target for source, target in forced.items() if target.startswith(PREFIX)}


def test_what_the_images_copy_is_in_the_wheel_at_the_same_place() -> None:
    wanted = {".dockerignore", "compose.yaml", "scenarios", "chaos"}
    for dockerfile in (*ROOT.glob("*/Dockerfile"), *ROOT.glob("chaos/prober/Dockerfile")):
        wanted |= {source.rstrip("/") for source in _copied(dockerfile.read_text())}
    assert wanted <= set(bundled())
    assert all(target == PREFIX + source for source, target in bundled().items())


def _copied(dockerfile: str) -> list[str]:
    """The sources of every COPY from the build context."""
    return re.findall(r"^COPY (?!--from)(?:--\S+ )*(\S+) \S+$", dockerfile, flags=re.MULTILINE)
