"""An open shop as the sandbox knows it: its door, its mails, and how to get into its back room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.graphql_client import Client
from sandbox.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class Premises:
    """One running shop."""

    client: Client  # of somebody who is not signed in
    mailbox: Mailbox  # what the shop mails
    env: Mapping[str, str]  # with which other processes of the shop run

    @property
    def url(self) -> str:
        """Return where its GraphQL is."""
        return self.client.url
