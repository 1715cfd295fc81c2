"""Whether the mail of programs leaves the shop: what the doctor says of it."""

from __future__ import annotations

from collections.abc import Iterator

from saleor_retention import conf, host
from saleor_retention.models import Program
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.campaigning import mail_servers, providers


def mail_of_programs() -> Iterator[tuple[str, str]]:
    """Yield what is said of each program that runs, with advice where its mail does not leave."""
    for program in Program.objects.filter(is_active=True, retired_at=None).order_by("slug"):
        name = f'"{program.slug}"'
        problem = mail_servers.problem_of(program)
        if problem:
            yield f"No mail of the program {name} leaves: {problem}", providers.ADVICE
        else:
            yield f"The program {name} mails by {mail_servers.way_of(program)}.", ""


def opt_ins_nobody_mails() -> Iterator[tuple[str, str]]:
    """Yield the programs that ask for a double opt-in whose link nobody mails, with advice."""
    if conf.get("CONSENT_CONFIRM_URL") or host.current().hears_notify():
        return
    advice = "Set RETENTION_CONSENT_CONFIRM_URL, or install an app that listens to NOTIFY_USER."
    for program in Program.objects.filter(is_active=True, retired_at=None).order_by("slug"):
        try:
            asked = rules_of(program.current_version_id).questions.consents
        except Exception:  # noqa: BLE001 - that its rules cannot be read is said of the program
            asked = ()
        if any(question.is_double for question in asked):
            name = f'"{program.slug}"'
            yield f"Nobody mails the link of a double opt-in of the program {name}.", advice
