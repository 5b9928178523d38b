"""The pages of the project, taken apart for the tests that hold them."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands and what it holds."""

    page: Path
    line: int
    language: str
    text: str


def named(value) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


def blocks_of(page: Path, language: str) -> list[Block]:
    found, opened = [], None
    for number, line in enumerate(page.read_text("utf-8").splitlines(), start=1):
        if not line.startswith("```"):
            if opened:
                opened[2].append(line)
        elif opened is None:
            opened = (number, line[3:].strip(), [])
        else:
            found.append(Block(page, opened[0], opened[1], "\n".join(opened[2]) + "\n"))
            opened = None
    assert opened is None, f"{named(page)}:{opened} is never closed"
    return [block for block in found if block.language == language]


def prose_of(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def shell_lines(page: Path) -> list[str]:
    """Return the commands of a page: lines of shell blocks, and commands within sentences."""
    text = "".join(block.text for block in blocks_of(page, "sh")).replace("\\\n", " ")
    inline = re.findall(r"`((?:napari-colorize|make|pip)\s[^`]+)`", prose_of(page))
    return [line for line in text.splitlines() if line.strip()] + inline


def words_of(line: str) -> list[str]:
    return shlex.split(line.replace("|", " "), comments=True)


def commands(program: str) -> list[tuple[Path, list[str]]]:
    lines = [(page, words_of(line)) for page in PAGES for line in shell_lines(page)]
    return [(page, words[1:]) for page, words in lines if words[:1] == [program]]
