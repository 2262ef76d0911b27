"""Builds base images from Debian's packages, for machines without a registry."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from driver.machine import apt
from driver.machine.debian import ARCHIVE_KEYRING
from driver.machine.setup_lock import CACHE
from driver.machine.shell import MachineError, Say, run
from driver.subprocesses import ask

SUITE = "trixie"
LABEL = "stormlab.base"
LIMIT_S = 900.0
TRIES = 5
# Builds need no package caches, manuals or translations.
EXCLUDED = (
    *("./proc/*", "./sys/*", "./dev/*", "./tmp/*", "./var/cache/*", "./var/lib/apt/lists/*", "./var/log/*"),
    *("./usr/share/doc/*", "./usr/share/man/*", "./usr/share/locale/*", "./usr/share/info/*"),
)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Recipe:
    """One base image by debootstrap: its tag, packages beyond Debian's minimum, and ENV lines."""

    tag: str
    packages: tuple[str, ...]
    env: tuple[str, ...] = ()

    def digest(self) -> str:
        """Return the recipe's digest, which the image has as its label."""
        text = repr((SUITE, self.packages, self.env, EXCLUDED))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


# python-is-python3 adds `python` beside `python3`, as in the official image.
PYTHON = Recipe(
    "stormlab/base-python:trixie", ("ca-certificates", "python3", "python3-venv", "python-is-python3")
)
# Without `local`, go downloads another toolchain where a module requires a newer one.
GO = Recipe("stormlab/base-go:trixie", ("ca-certificates", "golang-go"), ("GOTOOLCHAIN=local",))


def is_present(recipe: Recipe) -> bool:
    """Whether the engine has an image of exactly this recipe."""
    label = "{{index .Config.Labels " + f'"{LABEL}"' + "}}"
    outcome = ask(["docker", "image", "inspect", "--format", label, recipe.tag])
    return outcome.ok and outcome.text == recipe.digest()


def make(recipe: Recipe, say: Say) -> None:
    """Build the recipe's image with debootstrap. Needs root and a Debian mirror. Raises MachineError."""
    if shutil.which("debootstrap") is None:
        apt.install_own(("debootstrap",), say)
    mirror = apt.host_mirror().uri
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="base-", dir=CACHE))
    try:
        say(f"building {recipe.tag} from Debian's packages (about a minute)")
        root = _bootstrap(recipe, folder, mirror, say)
        tar = folder / "root.tar"
        leave_out = [f"--exclude={pattern}" for pattern in EXCLUDED]
        pack = ["tar", "-C", str(root), "--one-file-system", *leave_out, "-cf", str(tar), "."]
        run(pack, say, f"packing {recipe.tag}", LIMIT_S)
        run(_import(recipe, tar), say, f"importing {recipe.tag}", LIMIT_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say(f"{recipe.tag} is ready")


def _bootstrap(recipe: Recipe, folder: Path, mirror: str, say: Say) -> Path:
    """Run debootstrap, up to TRIES times: it fails at the first download that fails."""
    downloaded = folder / "downloaded"
    downloaded.mkdir()
    for attempt in range(1, TRIES + 1):
        root = folder / f"root-{attempt}"
        command = [
            # Its own mount namespace: an interruption leaves no mount of /proc in the folder.
            *("unshare", "--mount", "debootstrap", "--variant=minbase", f"--keyring={ARCHIVE_KEYRING}"),
            *(
                f"--cache-dir={downloaded}",
                f"--include={','.join(recipe.packages)}",
                SUITE,
                str(root),
                mirror,
            ),
        ]
        try:
            run(command, say, f"building {recipe.tag}", LIMIT_S, apt.proxy_environment())
            break
        except MachineError as error:
            if attempt == TRIES:
                raise
            say(f"{str(error).splitlines()[-1].strip()}; trying again")
    return root


def _import(recipe: Recipe, tar: Path) -> list[str]:
    env = [f"ENV {line}" for line in (f"PATH={PATH}", *recipe.env)]
    changes = [*env, f"LABEL {LABEL}={recipe.digest()}", 'CMD ["bash"]']
    options = [word for change in changes for word in ("--change", change)]
    return ["docker", "import", *options, str(tar), recipe.tag]


def remove_leftovers() -> None:
    """Remove folders of set-ups that were killed."""
    for folder in CACHE.glob("base-*"):
        subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=False)
