"""Whether the mail of programs leaves the shop: what the doctor says of it."""

from __future__ import annotations

from collections.abc import Iterator

from saleor_retention.models import Program
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
