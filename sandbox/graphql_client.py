"""A GraphQL client of a few lines: the story shows nothing but what a storefront would send."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

TIMEOUT_SECONDS = 60
_NAME = re.compile(r"^\s*(?:query|mutation)\s+(\w+)", re.MULTILINE)
_FIRST_FIELD = re.compile(r"\{\s*(?:\w+\s*:\s*)?(\w+)")


class ApiError(Exception):
    """The shop answered with GraphQL errors, or refused a mutation."""


@dataclass(frozen=True, slots=True)
class Client:
    """One caller: anonymous, or signed in with a token."""

    url: str
    token: str | None = None

    def signed_in(self, token: str) -> Client:
        """Return the same shop as seen by the holder of a token."""
        return Client(self.url, token)

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """Return ``data``, its decimals exact; raise on any GraphQL error."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"JWT {self.token}"
        body = json.dumps({"query": document, "variables": variables}, default=str).encode()
        request = urllib.request.Request(self.url, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            text = error.read()
        answer = json.loads(text, parse_float=Decimal)
        if answer.get("errors"):
            raise ApiError("; ".join(error["message"] for error in answer["errors"]))
        data: dict[str, Any] = answer["data"]
        return data

    def do(self, document: str, **variables: Any) -> dict[str, Any]:
        """Run one mutation and return its payload; raise if any of its error lists is not empty."""
        (payload,) = self.ask(document, **variables).values()
        for name, errors in payload.items():
            if name.lower().endswith("errors") and errors:
                raise ApiError(f"{operation(document)} refused: {errors}")
        result: dict[str, Any] = payload
        return result


def operation(document: str) -> str:
    """Return what a document is called, or else the first field that it asks for."""
    found = _NAME.search(document) or _FIRST_FIELD.search(document)
    return found.group(1) if found else "?"
