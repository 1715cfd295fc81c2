"""The sandbox's mail server: what is sent to it over SMTP can be read, in order, and once."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from pathlib import Path

import pytest

from sandbox import mailbox, paths


def letter_to(address: str) -> EmailMessage:
    """Write a mail with a part for each kind of reader."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@example.com", address, "Grüße"
    mail["List-Unsubscribe"] = "<https://shop.example/enough>"
    mail.set_content("Hello,\nyou.")
    mail.add_alternative("<p>Hello</p>", subtype="html")
    return mail


def test_mails_are_kept_and_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is there, as it was sent, when the sender has its answer; then the port is closed."""
    monkeypatch.setattr(paths, "MAILS", tmp_path / "mails")

    with mailbox.opened() as box:
        for address in ("ada@example.com", "ben@example.com"):
            with smtplib.SMTP("127.0.0.1", box.port, timeout=10) as server:
                server.send_message(letter_to(address))
        first, second = box.take()
        assert box.take() == []

    assert [first.header("To"), second.header("To")] == ["ada@example.com", "ben@example.com"]
    assert (first.header("Subject"), first.header("Cc")) == ("Grüße", "")
    assert first.text.splitlines() == ["Hello,", "you."]
    assert first.unsubscribe_url == "https://shop.example/enough"
    assert b"ben@example.com" in second.file.read_bytes()
    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP("127.0.0.1", box.port, timeout=10)


def test_mails_of_ended_shops_are_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a shop that is open beside this one stay."""
    monkeypatch.setattr(paths, "MAILS", tmp_path)
    monkeypatch.setattr(mailbox.processes, "is_alive", lambda pid: pid == 1)
    for pid in ("1", "2"):
        (tmp_path / pid).mkdir()

    with mailbox.opened() as box:
        assert {folder.name for folder in tmp_path.iterdir()} == {"1", box.folder.name}
