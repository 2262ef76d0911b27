"""Measures the language of the code and of the docs: `python -m tests.words`.

A component is no person: it does not hear, tell, know, stand, doubt or knock. This tool counts such words per
1,000 words of prose. It lists public class names with several definitions, modules named by a participle, and
circles of imports between packages. tests/test_words.py holds the docs to their share.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = ("wire", "coordinator", "worker", "chaos", "driver")
PERSON_WORD = re.compile(
    r"\b(?:who|whom|whoever|whomever|nobody|somebody|everybody|anybody|anew"
    r"|told|tells?|telling|hears?|heard|hearing|knows?|knew|stands?|stood|knock(?:s|ed|ing)?"
    r"|doubt(?:s|ed)?|so many)\b",
    re.I,
)
WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
NO_PARTICIPLE = {"feed", "seed", "string", "ring", "thing", "timing", "embed", "shed", "speed"}
LEAST_WORDS = 3
"""A string of fewer words is an identifier or a label, not a sentence."""


def of_docs(markdown: str) -> str:
    """The prose of a Markdown page: no fenced code, code spans, addresses or HTML comments."""
    text = re.sub(r"^```.*?^```$|<!--.*?-->", " ", markdown, flags=re.M | re.S)
    return re.sub(r"``.+?``|`[^`]*`|\]\([^)]*\)|<[^>\n]*>", " ", text)


def of_scenario(yaml: str) -> str:
    """The comments of a scenario."""
    return "\n".join(re.findall(r"(?:^|\s)#\s?(.*)$", yaml, re.M))


def of_code(source: str) -> Iterator[tuple[str, str]]:
    """Each docstring, message (any other string of several words) and comment of a module, with its kind."""
    tree = ast.parse(source)
    docs = {id(node.value): node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_message = len(node.value.split()) >= LEAST_WORDS
            if id(node) in docs:
                yield "docstrings", of_docs(node.value)
            elif is_message:
                yield "messages", node.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield "comments", token.string.lstrip("# ")


def counted(prose: str) -> tuple[int, int]:
    """Person-words and all words."""
    return len(PERSON_WORD.findall(prose)), len(WORD.findall(prose))


def share(prose: str) -> float:
    """Person-words per 1,000 words."""
    found, words = counted(prose)
    return 1_000 * found / words if words else 0.0


def code_files(rooms: tuple[str, ...] = CODE) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def repeated_classes(files: list[Path]) -> dict[str, list[str]]:
    """Public class names with more than one definition, and where they are."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(str(path.relative_to(ROOT)))
    return {name: places for name, places in sorted(found.items()) if len(places) > 1}


def participles(files: list[Path]) -> list[str]:
    """Modules whose name ends in a participle. A check's name is a claim, so it may."""
    found = []
    for path in files:
        last = path.stem.rpartition("_")[2]
        is_participle = re.fullmatch(r"\w{2,}(?:ing|ed)", last) and last not in NO_PARTICIPLE
        if is_participle and path.parent.name != "checks":
            found.append(str(path.relative_to(ROOT)))
    return found


def circles(imports: Mapping[str, set[str]]) -> list[set[str]]:
    """The groups of packages that each reach one another; packages in no circle are left out."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        left = [start]
        while left:
            for package in imports.get(left.pop(), set()) - seen:
                seen.add(package)
                left.append(package)
        return seen

    reach = {package: reached(package) for package in imports}
    found: list[set[str]] = []
    for package in sorted(imports):
        circle = {other for other in reach[package] if package in reach.get(other, set())}
        if circle and circle not in found:
            found.append(circle)
    return found


def package_imports(files: list[Path]) -> dict[str, set[str]]:
    """Which packages of ours a package imports, imports inside functions included."""
    modules = {_dotted(path): path for path in files}
    found: defaultdict[str, set[str]] = defaultdict(set)
    for module, path in modules.items():
        package = _package(module, path)
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names] + [node.module]
            for name in names:
                target = next((part for part in (name, name.rpartition(".")[0]) if part in modules), None)
                if target:
                    found[package].add(_package(target, modules[target]))
        found[package].discard(package)
    return dict(found)


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _package(module: str, path: Path) -> str:
    """The package of a module; a module that is directly in a room is taken for itself."""
    package = module.rpartition(".")[0]
    return module if path.stem == "__init__" or package in CODE else package


def docs_pages() -> list[Path]:
    elsewhere = ("results/README.md", "benchmarks/README.md", "chaos/toxiproxy/README.md")
    return [
        *sorted(ROOT.glob("*.md")),
        *sorted((ROOT / "docs").glob("*.md")),
        *(ROOT / place for place in elsewhere),
    ]


def scenarios() -> list[Path]:
    return sorted((ROOT / "scenarios").glob("*.yaml"))


def shares_of_code() -> str:
    """A table of person-words per 1,000 words, by room and kind of text."""
    kinds = ("docstrings", "messages", "comments")
    rows: dict[str, Counter[str]] = {}
    for room in (*CODE, "tests", "benchmarks"):
        row = rows[room] = Counter()
        for path in code_files((room,)):
            for kind, prose in of_code(path.read_text()):
                found, words = counted(prose)
                row.update({kind: found, f"{kind} words": words})
    rows["all but tests"] = sum((row for room, row in rows.items() if room in CODE), Counter())
    lines = [f"{'':14}" + "".join(f"{kind:>12}" for kind in kinds)]
    for room, row in rows.items():
        figures = (1_000 * row[kind] / max(row[f"{kind} words"], 1) for kind in kinds)
        lines.append(f"{room:14}" + "".join(f"{figure:12.1f}" for figure in figures))
    return "\n".join(lines)


def main() -> int:
    print(f"person-words per 1,000 words\n{shares_of_code()}\n\ndocs")
    for path in docs_pages():
        print(f"{share(of_docs(path.read_text())):8.1f}  {path.relative_to(ROOT)}")
    comments = " ".join(of_scenario(path.read_text()) for path in scenarios())
    print(f"{share(comments):8.1f}  scenarios/*.yaml")
    files = code_files()
    classes = repeated_classes(files)
    print(f"\n{len(classes)} public class names with more than one definition")
    for name, places in classes.items():
        print(f"  {name}: {', '.join(places)}")
    named = participles(files)
    print(f"\n{len(named)} modules named by a participle")
    print("".join(f"  {path}\n" for path in named))
    found = circles(package_imports(files))
    print(f"{len(found)} circles of packages")
    print("".join(f"  {' ↔ '.join(sorted(circle))}\n" for circle in found), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
