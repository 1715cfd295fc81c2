"""A mail server for this machine alone, which keeps what it is given instead of passing it on.

It runs in a thread and ends with the process. Each mail is kept in memory for the story to read,
and as a file for people: any mail program opens it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from sandbox import paths, postgres, processes

HOST = "127.0.0.1"
TAKEN = "250 Message taken"


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail as it came in."""

    mail: EmailMessage
    file: Path

    def header(self, name: str) -> str:
        """Return a header, "" where the mail has none."""
        return str(self.mail.get(name, "")).strip()  # a long one begins on its second line

    @property
    def text(self) -> str:
        """Return the plain text."""
        part = self.mail.get_body(("plain",))
        return "" if part is None else str(part.get_content())

    @property
    def unsubscribe_url(self) -> str:
        """Return the address in the header that ends such mails; "" without that header."""
        return self.header("List-Unsubscribe").strip("<>")


@dataclass(slots=True)
class Mailbox:
    """What has come in, oldest first."""

    folder: Path
    port: int
    on_letter: Callable[[Letter], None] | None = None
    letters: list[Letter] = field(default_factory=list)
    _taken: int = 0

    def take(self) -> list[Letter]:
        """Return what has come in since the last time.

        A sender has its answer after the mail is here, so nobody has to wait for one that was sent.
        """
        new = self.letters[self._taken :]
        self._taken += len(new)
        return new

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Keep a mail; the name is that of aiosmtpd's hook."""
        content: bytes = envelope.content
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        file = self.folder / f"{len(self.letters) + 1:04}.eml"
        file.write_bytes(content)
        letter = Letter(mail, file)
        self.letters.append(letter)
        if self.on_letter is not None:
            self.on_letter(letter)
        return TAKEN


@contextmanager
def opened() -> Iterator[Mailbox]:
    """Catch mails at a free port for the duration of a block, in a folder of this process."""
    from aiosmtpd.controller import Controller  # the linters' environment has it not

    folder = _empty_folder()
    mailbox = Mailbox(folder, postgres.free_port())
    controller = Controller(mailbox, hostname=HOST, port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


def _empty_folder() -> Path:
    """Make a folder for the mails of this process, and throw those of ended ones away."""
    paths.MAILS.mkdir(parents=True, exist_ok=True)
    mine = paths.MAILS / str(os.getpid())
    for folder in paths.MAILS.iterdir():
        if folder == mine or not processes.is_alive(int(folder.name)):
            shutil.rmtree(folder, ignore_errors=True)
    mine.mkdir()
    return mine
