"""An anchor as an option of the command line: the keys of `when:`, like `frame: 3, connection: 1`. Pure."""

from __future__ import annotations

from pydantic import ValidationError

from chaos.anchor import AnchorEntry
from driver.errors import UsageError
from driver.scenarios.validation import explain
from driver.scenarios.yaml_file import FileError, key_path, parse_yaml

EXAMPLE = "--when 'frame: 3, connection: 1, within: 30s'"


def parse_anchor(text: str) -> AnchorEntry:
    """Return the anchor of a text with the keys of `when:`. Raises UsageError, which names the key."""
    bare = text.strip()
    if bare.startswith("{") and bare.endswith("}"):
        bare = bare[1:-1]
    try:
        return AnchorEntry.model_validate(parse_yaml(f"{{{bare}}}", "--when").data)
    except FileError as error:
        raise UsageError(f"--when: {error.problem}.", f"Example: {EXAMPLE}") from None
    except ValidationError as error:
        path, problem = explain(error, AnchorEntry)
        where = f" `{key_path(path)}`" if path else ""
        raise UsageError(f"--when{where}: {problem}.", f"Example: {EXAMPLE}") from None
