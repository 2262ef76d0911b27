"""Runs apt: the host's own packages, and Debian trixie's on a bookworm host without touching its sources."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path

from driver.machine import debian
from driver.machine.debian import InstallPlan, Source
from driver.machine.setup_lock import CACHE
from driver.machine.shell import MachineError, Say, run
from driver.subprocesses import ask

QUIET = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l"}
LOCK_WAIT = ("-o", "DPkg::Lock::Timeout=120")
INSTALL = ("install", "-y", "-q", "--no-install-recommends")
TIMEOUT_S = 600.0


def host_sources(etc_apt: Path = Path("/etc/apt")) -> list[Source]:
    """Return every enabled binary source of the host, in both of apt's formats."""
    files = [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*"))]
    found: list[Source] = []
    for file in files:
        if file.is_file() and file.suffix in (".list", ".sources"):
            found += debian.parse_sources(file.read_text(), deb822=file.suffix == ".sources")
    return found


def host_mirror() -> Source:
    """Return the host's Debian mirror, or DEBIAN_MIRROR. Raises MachineError without one."""
    if named := os.environ.get("DEBIAN_MIRROR"):
        return Source(named, (), ("main",))
    os_release = debian.parse_os_release(Path("/etc/os-release").read_text())
    codename = os_release.get("VERSION_CODENAME", "")
    mirror = debian.debian_mirror(host_sources(), codename) if os_release.get("ID") == "debian" else None
    uri = _web_address(mirror.uri) if mirror else None
    if mirror is None or uri is None:
        suite = codename or "of a Debian release"
        raise MachineError(
            f"No Debian mirror found: expected an http source with suite `{suite}` and component `main` in "
            "/etc/apt. Name one: DEBIAN_MIRROR=http://… make setup"
        )
    return replace(mirror, uri=uri)


def _web_address(uri: str) -> str | None:
    _, is_list, path = uri.partition("mirror+file:")
    listed = Path("/" + path.lstrip("/"))
    return debian.plain_uri(uri, listed.read_text() if is_list and listed.is_file() else "")


def proxy_environment() -> dict[str, str]:
    """Return the proxy of apt's configuration, as environment for debootstrap's wget."""
    found = ask(["apt-config", "shell", "proxy", "Acquire::http::Proxy"])
    _, _, value = found.text.partition("=")
    proxy = "".join(shlex.split(value)) if found.ok else ""
    return {"http_proxy": proxy, "https_proxy": proxy} if proxy.startswith("http") else {}


def install_own(packages: tuple[str, ...], say: Say) -> None:
    """Install packages of the host's own release."""
    # An interrupted install leaves packages half configured, and apt refuses until they are finished.
    run(["dpkg", "--configure", "-a"], say, "finishing earlier installs", TIMEOUT_S, QUIET)
    try:
        run(["apt-get", *LOCK_WAIT, "-q", "update"], say, "reading the package lists", TIMEOUT_S, QUIET)
    except MachineError:
        # One broken third-party source fails the whole update; the install fails if it was needed.
        say("  some of apt's sources did not answer; continuing with the others")
    say(f"installing {', '.join(packages)}")
    run(["apt-get", *LOCK_WAIT, *INSTALL, *packages], say, "installing packages", TIMEOUT_S, QUIET)


def _trixie_options(lists: Path, sources: Path) -> list[str]:
    return [
        *("-o", f"Dir::Etc::SourceList={sources}", "-o", "Dir::Etc::SourceParts=/dev/null"),
        *("-o", f"Dir::State::Lists={lists}"),
        # Without these two apt would overwrite the host's own package cache with trixie's.
        *("-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="),
        *("-o", "Acquire::Languages=none", "-o", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false"),
    ]


def install_from_trixie(packages: tuple[str, ...], mirror: Source, say: Say) -> None:
    """Download trixie's packages with separate lists, then install them on the host's release."""
    lists = CACHE / "trixie-lists"
    debs = CACHE / "trixie-debs"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    debs.mkdir(parents=True, exist_ok=True)
    sources = CACHE / "trixie.list"
    sources.write_text(debian.trixie_line(mirror))
    options = _trixie_options(lists, sources)
    say("reading Debian trixie's package lists")
    run(["apt-get", *options, "-q", "update"], say, "reading trixie's lists", TIMEOUT_S, QUIET)
    # Debs of an earlier, interrupted run may be of another version than in the lists.
    for old in debs.glob("*.deb"):
        old.unlink()
    say(f"fetching {', '.join(packages)} of Debian trixie (90 MB)")
    fetch = ["apt-get", *options, "-q", "download", *packages]
    run(fetch, say, "fetching packages", TIMEOUT_S, QUIET, cwd=str(debs))
    say("installing them")
    files = [str(deb) for deb in sorted(debs.glob("*.deb"))]
    run(["apt-get", *LOCK_WAIT, *INSTALL, *files], say, "installing packages", TIMEOUT_S, QUIET)
    for deb in debs.glob("*.deb"):
        deb.unlink()


def carry_out(plan: InstallPlan, say: Say) -> None:
    """Install the packages of a plan. Idempotent."""
    install_own(plan.own, say)
    if plan.from_trixie:
        install_from_trixie(plan.from_trixie, host_mirror(), say)
