"""Runs `docker compose config`, bounded in time."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from chaos.explain import nearest, shortened
from driver.engines.compose_command import client_environment
from driver.errors import EngineError, EngineGoneError, UsageError
from driver.systems.compose_config import ResolvedConfig, parse
from driver.systems.system_request import SystemRequest
from driver.visible import one_line

CONFIG_TIMEOUT_S = 30.0
_MOST_BYTES = 16 << 20
_LINES_SHOWN = 4
_EVERY_PROFILE = "*"
MOST_WARNINGS = 10
MOST_WARNING_CHARACTERS = 300
_WARNING = re.compile(r'\blevel=warning msg="((?:[^"\\]|\\.)*)"')


def compose_flags(files: Sequence[Path], profiles: Sequence[str]) -> list[str]:
    """The words that name a user's Compose files and profiles to `docker compose`."""
    return [word for file in files for word in ("-f", str(file))] + [
        word for profile in profiles for word in ("--profile", profile)
    ]


def resolve(files: Sequence[Path], profiles: Sequence[str]) -> ResolvedConfig:
    """Return what Compose makes of the files.

    Raises UsageError, which names the file and the reason, EngineGoneError where docker cannot be run, and
    EngineError where it takes too long.
    """
    for file in files:
        if not file.is_file():
            raise UsageError(f"{file} is no file.", "Give the path of a Compose file.")
    named = ", ".join(map(str, files))
    if profiles:
        known = _config(files, (), "--profiles").decode(errors="replace").split()
        refuse_unknown_profiles(named, profiles, known)
    output, warnings = _config_and_warnings(files, profiles, "--format", "json")
    if len(output) > _MOST_BYTES:
        raise UsageError(f"{named} resolves to more than {_MOST_BYTES >> 20} MiB.")
    return msgspec.structs.replace(parse(output, named), warnings=warnings)


def refuse_unknown_profiles(named: str, profiles: Sequence[str], known: Sequence[str]) -> None:
    """Raise UsageError for a profile that no service of the files `named` has."""
    for profile in profiles:
        if profile not in (*known, _EVERY_PROFILE):
            raise UsageError(
                f"--profile {profile}: no service of {named} has this profile.",
                nearest(profile, sorted(known)),
            )


def without_doors(request: SystemRequest) -> str:
    """Return the command that starts a system by Compose alone, from any folder."""
    files = [file.resolve() for file in request.files]
    return shlex.join(["docker", "compose", *compose_flags(files, request.profiles), "up", "--wait"])


def warnings_of(printed: str) -> tuple[str, ...]:
    """Return the warnings among what Compose printed (logfmt), each once: MOST_WARNINGS at most."""
    found = [_text(match[1]) for line in printed.splitlines() if (match := _WARNING.search(line))]
    return tuple(dict.fromkeys(found))[:MOST_WARNINGS]


def _text(quoted: str) -> str:
    return shortened(one_line(re.sub(r"\\(.)", r"\1", quoted)), MOST_WARNING_CHARACTERS)


def _config(files: Sequence[Path], profiles: Sequence[str], *words: str) -> bytes:
    return _config_and_warnings(files, profiles, *words)[0]


def _config_and_warnings(
    files: Sequence[Path], profiles: Sequence[str], *words: str
) -> tuple[bytes, tuple[str, ...]]:
    """Return the output of `docker compose config`, and its warnings. Raises as `resolve` does."""
    named = ", ".join(map(str, files))
    argv = ["docker", "compose", *compose_flags(files, profiles), "config"]
    try:
        done = subprocess.run(
            [*argv, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=CONFIG_TIMEOUT_S,
            env=client_environment(),
        )
    except OSError as error:
        raise EngineGoneError(
            f"The docker client could not be run: {error.strerror}.", "Set it up: python lab.py setup"
        ) from None
    except subprocess.TimeoutExpired:
        raise EngineError(
            f"`docker compose config` did not read {named} within {CONFIG_TIMEOUT_S:.0f} s.",
            "Does the file include something from the network?",
        ) from None
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()[-_LINES_SHOWN:]
        raise UsageError(
            f"Docker Compose does not accept {named}: {' '.join(lines) or 'it gave no reason'}.",
            f"Try: {shlex.join(argv)}",
        )
    return done.stdout, warnings_of(done.stderr.decode(errors="replace"))
