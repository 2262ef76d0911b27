"""Installs and starts a Docker engine with Compose and buildx, where none answers."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from driver.machine import apt, daemon, debian
from driver.machine.setup_lock import setup_lock
from driver.machine.shell import ROOT_COMMAND, MachineError, Say
from driver.subprocesses import ask

OLDEST_ENGINE = (24, 0)
OLDEST_COMPOSE = (2, 20)
DEBIAN_PLUGINS = Path("/usr/libexec/docker/cli-plugins")


@dataclass(frozen=True)
class EngineFound:
    """Versions of the engine, Compose and buildx that answered."""

    engine: str
    compose: str
    buildx: str


def version_of(text: str) -> tuple[int, int] | None:
    """Return major and minor of the first version in a text like `Docker Compose version v2.26.1-4`."""
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def refusal(engine: str, compose: str | None, buildx: str | None) -> str | None:
    """Return why an engine is too old for the lab; None for a supported one."""
    engine_version = version_of(engine)
    if engine_version is None or engine_version < OLDEST_ENGINE:
        return (
            f"Docker Engine {engine} answers, but the lab needs 24.0 or newer. Upgrade it "
            "(https://docs.docker.com/engine/install/) and try again."
        )
    if compose is None:
        return (
            "The docker client has no `compose` command. Install the Compose v2 plugin, 2.20 or newer "
            "(docker-compose-plugin, docker-compose-v2 or docker-compose), and try again."
        )
    compose_version = version_of(compose)
    if compose_version is None or compose_version < OLDEST_COMPOSE:
        return f"Docker Compose {compose} is too old: the lab needs 2.20 or newer. Upgrade it and try again."
    if buildx is None:
        return "The docker client has no `buildx` command. Install its plugin (docker-buildx) and try again."
    return None


def plugin_version(name: str) -> str | None:
    """Return the version of a docker client plugin (`compose`, `buildx`); None without it."""
    outcome = ask(["docker", name, "version"], timeout_s=15)
    if not outcome.ok:
        return None
    found = re.search(r"v?(\d+\.\d+\.\d+\S*)", outcome.text)
    return found[1] if found else None


def commands_by_hand(plan: debian.InstallPlan) -> str:
    """Return the commands for a user without root."""
    if not plan.from_trixie:
        install = f"  sudo apt-get update\n  sudo apt-get install -y {' '.join(plan.own)}"
        return f"{install}\n  sudo service docker start"
    return (
        f"  {ROOT_COMMAND}     (brings Debian trixie's Docker)\n"
        "  (or install Docker's own packages: https://docs.docker.com/engine/install/debian/)"
    )


def not_root_message(plan: debian.InstallPlan, installed: bool, may_connect: bool) -> str:
    """Return why an ordinary user cannot continue, and the commands that help."""
    join = "  sudo usermod -aG docker $USER     (then log in again)"
    if installed and not may_connect:
        return f"Docker is running, but this user may not connect to it. Run:\n{join}"
    if installed:
        start = "  sudo service docker start   (or: sudo setsid dockerd &)"
        return f"Docker is installed but does not answer, and starting it needs root. Run:\n{start}\n{join}"
    return (
        f"No Docker engine answers, and installing one needs root. Run:\n{commands_by_hand(plan)}\n{join}\n"
        "or set DOCKER_HOST to an engine elsewhere."
    )


def ensure_engine(say: Say) -> EngineFound:
    """Return the engine that answers; install and start one if none does (Debian or Ubuntu, as root).

    Raises MachineError with the commands to run where that is not possible.
    """
    engine = daemon.server_version()
    if engine is None:
        engine = _bring_engine(say)
    elif _plugins_missing() and _may_install():
        say("the docker client has no Compose or buildx: installing Debian's packages")
        with setup_lock(say):
            _install(say)
    _link_plugins(say)
    compose, buildx = plugin_version("compose"), plugin_version("buildx")
    if (sentence := refusal(engine, compose, buildx)) is not None:
        raise MachineError(sentence)
    return EngineFound(engine, str(compose), str(buildx))


def _plugins_missing() -> bool:
    return plugin_version("compose") is None or plugin_version("buildx") is None


def _may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _bring_engine(say: Say) -> str:
    if host := os.environ.get("DOCKER_HOST"):
        raise MachineError(
            f"DOCKER_HOST is {host}, but no engine answers there. Start that engine, or unset DOCKER_HOST to "
            "use one here."
        )
    plan = debian.plan_for(_os_release())
    installed = shutil.which("dockerd") is not None
    if isinstance(plan, debian.NoPlan):
        if not installed or os.geteuid() != 0:
            raise MachineError(f"No Docker engine answers. {plan.because}")
    elif os.geteuid() != 0:
        raise MachineError(not_root_message(plan, installed, may_connect=not _socket_forbidden()))
    with setup_lock(say):
        if shutil.which("dockerd") is None:
            say("no Docker engine answers here: installing one from Debian's packages (about half a minute)")
            _install(say)
        # The package, or a concurrent set-up, may have started the daemon.
        if daemon.server_version() is None:
            daemon.start(say)
    engine = daemon.server_version()
    if engine is None:
        raise MachineError("The Docker engine stopped answering right after its start. Try again.")
    say(f"Docker Engine {engine} answers")
    return engine


def _socket_forbidden() -> bool:
    socket = Path("/var/run/docker.sock")
    return socket.exists() and not os.access(socket, os.W_OK)


def _os_release() -> dict[str, str]:
    try:
        return debian.parse_os_release(Path("/etc/os-release").read_text())
    except OSError:
        return {}


def _install(say: Say) -> None:
    plan = debian.plan_for(_os_release())
    if isinstance(plan, debian.NoPlan):
        raise MachineError(plan.because)
    apt.carry_out(plan, say)


def _link_plugins(say: Say) -> None:
    """Link Debian's plugins into the user's plugin folder, which every docker client searches."""
    home = Path(os.environ.get("DOCKER_CONFIG", Path.home() / ".docker")) / "cli-plugins"
    for name in ("compose", "buildx"):
        installed = DEBIAN_PLUGINS / f"docker-{name}"
        link = home / f"docker-{name}"
        if installed.exists() and not link.exists() and plugin_version(name) is None:
            home.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(installed)
            say(f"linked {link} to {installed}, so that the docker client finds it")
