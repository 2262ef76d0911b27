"""Hooks of `mkdocs build`: pages of the site that are outside docs/, and checks of their Markdown.

Each page has one source, which also reads well on a code host: links there are relative to the file. Here
they are pointed at the site's pages; a link to a file that is no page becomes the file's path. A link to
nothing ends the build. The site loads nothing from elsewhere, so diagrams stay text.
"""

from __future__ import annotations

import os.path
import re
from pathlib import Path
from urllib.parse import urlsplit

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

WARN = get_plugin_logger("site").warning
"""With `--strict` a warning ends the build, once all of them are printed."""

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = {
    "index.md": "README.md",
    "results.md": "results/README.md",
    "toxiproxy.md": "chaos/toxiproxy/README.md",
    "benchmarks.md": "benchmarks/README.md",
    "benchmarks-faults.md": "benchmarks/faults.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "security-policy.md": "SECURITY.md",
}
"""Pages of the site by their sources outside docs/."""

LINK = re.compile(r"(?<!`)(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")
DIAGRAM = "```mermaid\n"
DIAGRAM_NOTE = "*The source of a Mermaid diagram, which code hosts draw:*\n\n"
FENCE = re.compile(r"(^```.*?^```$)", re.M | re.S)
UNMADE = re.compile(r"<p>[^<]*(?:<(?!/?p>)[^<]*)*?\n(?:[-*] |\d+\. |\|)")
"""A list or table that Markdown took for the paragraph before it: it needs an empty line first."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages whose sources are outside docs/."""
    for page, source in ELSEWHERE.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links at the site's pages, outside of fenced code, and name a diagram's source as such."""
    parts = FENCE.split(markdown)
    for i in range(1, len(parts), 2):
        parts[i] = (DIAGRAM_NOTE if parts[i].startswith(DIAGRAM) else "") + parts[i]
    for i in range(0, len(parts), 2):
        parts[i] = LINK.sub(lambda link: _relink(link, page.file.src_uri), parts[i])
    return "".join(parts)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Warn where a list or a table did not become one."""
    unmade = UNMADE.search(html)
    if unmade:
        near = html[unmade.start() : unmade.end() + 60]
        WARN(f"{_source(page.file.src_uri)}: an empty line is needed before this list or table: {near!r}")
    return html


def _source(page: str) -> str:
    return ELSEWHERE.get(page, f"docs/{page}")


def _relink(link: re.Match[str], page: str) -> str:
    image, text, address = link.groups()
    parts = urlsplit(address)
    if parts.scheme or not parts.path:
        return link.group()
    source = _source(page)
    target = os.path.normpath(os.path.join(os.path.dirname(source), parts.path))
    if not (ROOT / target).exists():
        WARN(f"{source}: the link to {address} leads to no file (looked for {target})")
        return text
    pages = {there: here for here, there in ELSEWHERE.items()}
    if target in pages or target.startswith("docs/"):
        anchor = f"#{parts.fragment}" if parts.fragment else ""
        return f"{image}[{text}]({pages.get(target, target.removeprefix('docs/'))}{anchor})"
    return text if text.strip("`") == target else f"{text} (`{target}`)"
