"""A GraphQL client: ask a question, do what must succeed, be refused what must not."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

TIMEOUT_SECONDS = 120


class Unexpected(AssertionError):
    """The server answered something else than the story expects."""


@dataclass(frozen=True, slots=True)
class Client:
    """One caller of the API: anonymous, or a user or an app with a token."""

    url: str
    token: str | None = None
    scheme: str = "Bearer"

    def post(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        """Send one request and return the whole body, numbers as ``Decimal``."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"{self.scheme} {self.token}"
        body = json.dumps({"query": document, "variables": variables}, default=str).encode()
        request = urllib.request.Request(self.url, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            text = error.read()
        try:
            answer: dict[str, Any] = json.loads(text, parse_float=Decimal)
        except ValueError:
            raise Unexpected(f"not JSON: {text[:2000]!r}") from None
        return answer

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """Return ``data``; any GraphQL error ends the story."""
        answer = self.post(document, variables)
        if answer.get("errors"):
            raise Unexpected(f"{_summary(answer['errors'])}\nvariables: {variables}\n{document}")
        data: dict[str, Any] = answer["data"]
        return data

    def do(self, document: str, **variables: Any) -> dict[str, Any]:
        """Run one mutation that must succeed and return its payload."""
        (payload,) = self.ask(document, **variables).values()
        if payload["errors"]:
            raise Unexpected(f"refused: {payload['errors']}\nvariables: {variables}\n{document}")
        result: dict[str, Any] = payload
        return result

    def refused(self, document: str, **variables: Any) -> list[dict[str, Any]]:
        """Run one mutation that must be refused and return its errors."""
        (payload,) = self.ask(document, **variables).values()
        errors: list[dict[str, Any]] = payload["errors"]
        if not errors:
            raise Unexpected(f"not refused: {payload}\nvariables: {variables}\n{document}")
        return errors

    def rejected(self, document: str, **variables: Any) -> list[dict[str, Any]]:
        """Send what GraphQL itself must reject (types, permissions); return its errors."""
        answer = self.post(document, variables)
        errors: list[dict[str, Any]] = answer.get("errors") or []
        if not errors:
            raise Unexpected(f"not rejected: {answer}\nvariables: {variables}\n{document}")
        return errors


def _summary(errors: list[dict[str, Any]]) -> str:
    lines = []
    for error in errors:
        exception = (error.get("extensions") or {}).get("exception") or {}
        lines.append(f"{error.get('message')} [{exception.get('code')}] at {error.get('path')}")
        lines += exception.get("stacktrace") or []
    return "\n".join(lines)
