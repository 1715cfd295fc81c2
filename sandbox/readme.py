"""``make readme``: put what was measured into the README, between its markers.

The table of versions comes from docs/tested.json, the transcript from the last story that was told
to its end without a wrong figure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sandbox import paths, reports, telling
from sandbox.console import SandboxError, say

README = paths.ROOT / "README.md"


def run(_arguments: Sequence[str]) -> int:
    """Rewrite the parts between markers; 0 when that worked."""
    text = between(README.read_text(), "tested", reports.markdown())
    if telling.TRANSCRIPT.exists():
        text = between(text, "transcript", folded(telling.TRANSCRIPT.read_text().strip()))
    README.write_text(text)
    say("README.md is up to date.")
    return 0


def folded(transcript: str) -> str:
    """Render the transcript to be opened with a click; its last line is the title."""
    title = transcript.splitlines()[-1]
    return (
        f"<details><summary>The whole story, {title}</summary>\n\n"
        f"```text\n{transcript}\n```\n\n</details>"
    )


def between(text: str, name: str, content: str) -> str:
    """Return the text with the part between two markers replaced."""
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    pattern = re.compile(f"({re.escape(start)}).*?({re.escape(end)})", re.DOTALL)
    if not pattern.search(text):
        raise SandboxError(f"README.md has no part {start} ... {end}")
    return pattern.sub(lambda found: f"{found.group(1)}\n\n{content}\n\n{found.group(2)}", text)
