"""Starts an installed dockerd that does not answer, with systemd or in its own session."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from driver.machine.shell import MachineError, Say
from driver.subprocesses import ask

PID_FILE = Path("/var/run/docker.pid")
CONTAINERD_PID_FILE = Path("/var/run/docker/containerd/containerd.pid")
LOG_FILE = Path("/var/log/dockerd.log")
SYSTEMD = Path("/run/systemd/system")
START_LIMIT_S = 60.0


def is_stale(pid_text: str, program: str, proc: Path = Path("/proc")) -> bool:
    """Whether a pid file names no running `program`: it ended, is a zombie, or its pid was reused."""
    pid = pid_text.strip()
    if not pid.isdigit():
        return True
    try:
        stat = (proc / pid / "stat").read_text()
    except OSError:
        return True
    # A name may contain spaces and brackets: `123 (dockerd) S 1 …`.
    name, _, rest = stat.partition("(")[2].rpartition(")")
    return name != program or rest.split()[0] in ("Z", "X")


def server_version() -> str | None:
    """Return the version of the engine that answers the docker client; None without one."""
    outcome = ask(["docker", "version", "--format", "{{.Server.Version}}"], timeout_s=10)
    last = outcome.text.splitlines()[-1].strip() if outcome.text else ""
    return last if outcome.ok and last[:1].isdigit() else None


def start(say: Say) -> None:
    """Start the daemon and wait until it answers. Raises MachineError with the end of its log."""
    if SYSTEMD.exists():
        say("starting Docker with systemd")
        started = ask(["systemctl", "start", "docker"], timeout_s=START_LIMIT_S)
        if not started.ok:
            raise MachineError(
                f"`systemctl start docker` failed: {started.text}. See `journalctl -u docker`."
            )
        process = None
    else:
        process = _start_by_hand(say)
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if server_version():
            return
        if process is not None and process.poll() is not None:
            break
        time.sleep(0.3)
    raise MachineError(
        f"dockerd was started but does not answer. The end of {LOG_FILE}:\n{_log_end()}\n"
        "`python lab.py doctor` checks for the usual causes."
    )


def _start_by_hand(say: Say) -> subprocess.Popen[bytes] | None:
    if PID_FILE.exists() and not is_stale(PID_FILE.read_text(), "dockerd"):
        say("a dockerd is running already; waiting until it answers")
        return None
    # dockerd does not start, or waits for its containerd, where a pid file names another process.
    for file, program in ((PID_FILE, "dockerd"), (CONTAINERD_PID_FILE, "containerd")):
        if file.exists() and is_stale(file.read_text(), program):
            file.unlink(missing_ok=True)
    say(f"starting dockerd (its log: {LOG_FILE})")
    with LOG_FILE.open("ab") as log:
        # Its own session: Ctrl-C on the set-up would end the daemon too.
        return subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
        )


def _log_end(lines: int = 8) -> str:
    try:
        text = LOG_FILE.read_text(errors="replace")
    except OSError:
        return "  (no log)"
    return "\n".join(f"  {line[:200]}" for line in text.splitlines()[-lines:])
