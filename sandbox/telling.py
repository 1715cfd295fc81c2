"""How the story is told: who does what, what came back, and whether it is right."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox import paths
from sandbox.console import say
from sandbox.graphql_client import Client, operation
from sandbox.mailbox import Letter

LENGTH_MAX = 80
TRANSCRIPT = paths.STATE / "transcript.txt"


@dataclass(slots=True)
class Teller:
    """Prints the story and counts the figures that were not the expected ones."""

    checks: int = 0
    failures: list[str] = field(default_factory=list)
    _scene: int = 0
    _told: list[str] = field(default_factory=list)

    def scene(self, text: str) -> None:
        """Begin a scene."""
        self._scene += 1
        self._tell(f"\n{self._scene}. {text}")

    def ask(self, client: Client, document: str, **variables: Any) -> dict[str, Any]:
        """Ask the shop something, naming the operation."""
        self._name(document)
        return client.ask(document, **variables)

    def do(self, client: Client, document: str, **variables: Any) -> dict[str, Any]:
        """Do something in the shop that must succeed, naming the operation."""
        self._name(document)
        return client.do(document, **variables)

    def note(self, text: str) -> None:
        """Say what is done away from GraphQL."""
        self._tell(f"   $ {text}")

    def read(self, text: str) -> None:
        """Show a sentence that came back."""
        self._tell(f"     | {text}")

    def show(self, letter: Letter) -> None:
        """Show a mail that the shop sent: its heads and the first line of its text."""
        for name in ("From", "To", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post"):
            if text := letter.header(name):
                self._tell(f"     @ {name}: {_cut(text)}")
        self._tell(f"     @ {letter.text.splitlines()[0]}")

    def see(self, what: str, seen: object, expected: object) -> None:
        """Show one figure and compare it with what the story worked out by itself."""
        self.checks += 1
        if seen == expected:
            self._tell(f"     {what}: {_text(seen)}")
            return
        self.failures.append(f"scene {self._scene}, {what}")
        self._tell(f"     {what}: {_text(seen)}   WRONG, expected {_text(expected)}")

    def broke_off(self, error: Exception) -> None:
        """Note that the shop refused what the story needs to go on."""
        self.failures.append(f"scene {self._scene} broke off: {error}")

    def end(self) -> list[str]:
        """Say how it went, keep the transcript of a good run, and return what was wrong."""
        self._tell(f"\n{self.checks} figures checked, {len(self.failures)} wrong")
        for failure in self.failures:
            self._tell(f"  wrong: {failure}")
        if not self.failures:
            TRANSCRIPT.write_text("\n".join(self._told).strip() + "\n")
        return self.failures

    def _name(self, document: str) -> None:
        """Name an operation, once where it is done for one after another."""
        line = f"   > {operation(document)}"
        if self._told[-1:] != [line]:
            self._tell(line)

    def _tell(self, text: str) -> None:
        say(text)
        self._told.append(text)


def _cut(text: str) -> str:
    return text if len(text) <= LENGTH_MAX else f"{text[:LENGTH_MAX]}..."


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value) or "none"
    return str(value)
