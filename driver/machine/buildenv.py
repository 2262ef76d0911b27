"""The host's network settings for image builds: certificate authorities, package indexes and proxies.

They reach a build as two BuildKit secrets, so that none of them is stored in an image or breaks the build
cache: `ca`, the host's CA bundle, and `build_env`, shell lines. A Dockerfile sources `build_env` before it
downloads, and names `ca` to pip and Go only where it is not empty; without one the base image's
own authorities stay in charge.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from driver.subprocesses import ask

# BuildKit takes no larger secret.
LARGEST_SECRET_BYTES = 500 * 1024
BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
)
CA_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE")
PASSED_ON = (
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GONOPROXY", "GOINSECURE"),
)
# pip's option → the environment variable of the same meaning.
PIP_OPTIONS = {
    "index-url": "PIP_INDEX_URL",
    "extra-index-url": "PIP_EXTRA_INDEX_URL",
    "trusted-host": "PIP_TRUSTED_HOST",
    "proxy": "PIP_PROXY",
    "default-timeout": "PIP_DEFAULT_TIMEOUT",
    "timeout": "PIP_DEFAULT_TIMEOUT",
    "retries": "PIP_RETRIES",
}


@dataclass(frozen=True)
class BuildSecrets:
    """The files behind the two secrets."""

    ca: Path
    build_env: Path


def parse_pip_config(text: str) -> dict[str, str]:
    """Return the variables for the output of `pip config list`; a later line overrides an earlier one."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, separator, value = line.partition("=")
        section, _, option = name.rpartition(".")
        variable = PIP_OPTIONS.get(option)
        if separator and variable and section in ("global", "install", ":env:"):
            words = shlex.split(value)
            found[variable] = " ".join(words).replace("\\n", " ").strip()
    return found


def settings(
    environment: Mapping[str, str], pip_config: Mapping[str, str], go_env: Mapping[str, str]
) -> dict[str, str]:
    """Return a build's variables: pip's and Go's stored settings, overridden by the environment."""
    variables = {**go_env, **pip_config}
    for name in (*PASSED_ON, *PIP_OPTIONS.values()):
        if environment.get(name):
            variables[name] = environment[name]
    return {name: variables[name] for name in sorted(variables) if variables[name]}


def render(variables: Mapping[str, str]) -> str:
    """Return the shell lines of `build_env`."""
    lines = ["# Made by the set-up. A Dockerfile sources it; see driver/machine/buildenv.py."]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join(lines) + "\n"


def choose_bundle(environment: Mapping[str, str], bundles: tuple[str, ...] = BUNDLES) -> Path | None:
    """Return the host's CA bundle: the environment's, else the system's, else None."""
    named = [environment[name] for name in CA_VARIABLES if environment.get(name)]
    for candidate in map(Path, (*named, *bundles)):
        if candidate.is_file() and 0 < candidate.stat().st_size <= LARGEST_SECRET_BYTES:
            return candidate
    return None


def write_secrets(folder: Path, environment: Mapping[str, str] = os.environ) -> BuildSecrets:
    """Write `build_env` (and an empty `ca` where the host has no bundle) into `folder`."""
    bundle = choose_bundle(environment)
    if bundle is None:
        bundle = folder / "no-ca"
        bundle.write_text("")
    pip = ask([sys.executable, "-m", "pip", "config", "list"])
    variables = settings(environment, parse_pip_config(pip.text if pip.ok else ""), _go_env(environment))
    build_env = folder / "build_env"
    # An index URL may carry a password.
    build_env.touch(mode=0o600)
    build_env.write_text(render(variables))
    return BuildSecrets(ca=bundle, build_env=build_env)


def _go_env(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings stored by `go env -w`, read without Go on the host."""
    file = Path(environment.get("GOENV") or Path.home() / ".config" / "go" / "env")
    if not file.is_file():
        return {}
    pairs = (line.partition("=") for line in file.read_text().splitlines())
    return {name: value for name, _, value in pairs if name in PASSED_ON}
