"""How the story is told: who does what, what came back, and whether it is right."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.console import say
from sandbox.graphql_client import Client, operation


@dataclass(slots=True)
class Teller:
    """Prints the story and counts the figures that were not the expected ones."""

    checks: int = 0
    failures: list[str] = field(default_factory=list)
    _scene: int = 0

    def scene(self, text: str) -> None:
        """Begin a scene."""
        self._scene += 1
        say(f"\n{self._scene}. {text}")

    def ask(self, client: Client, document: str, **variables: Any) -> dict[str, Any]:
        """Ask the shop something, naming the operation."""
        say(f"   > {operation(document)}")
        return client.ask(document, **variables)

    def do(self, client: Client, document: str, **variables: Any) -> dict[str, Any]:
        """Do something in the shop that must succeed, naming the operation."""
        say(f"   > {operation(document)}")
        return client.do(document, **variables)

    def read(self, text: str) -> None:
        """Show a sentence that came back."""
        say(f"     | {text}")

    def see(self, what: str, seen: object, expected: object) -> None:
        """Show one figure and compare it with what the story worked out by itself."""
        self.checks += 1
        if seen == expected:
            say(f"     {what}: {_text(seen)}")
            return
        self.failures.append(f"scene {self._scene}, {what}")
        say(f"     {what}: {_text(seen)}   WRONG, expected {_text(expected)}")

    def broke_off(self, error: Exception) -> None:
        """Note that the shop refused what the story needs to go on."""
        self.failures.append(f"scene {self._scene} broke off: {error}")

    def end(self) -> list[str]:
        """Say how it went and return what was wrong."""
        say(f"\n{self.checks} figures checked, {len(self.failures)} wrong")
        for failure in self.failures:
            say(f"  wrong: {failure}")
        return self.failures


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    return str(value) if value != [] else "none"
