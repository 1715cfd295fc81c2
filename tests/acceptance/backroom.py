"""What happens behind the counter: the first accounts, the scheduler's tasks, days going by, rows.

Runs inside Saleor's environment: one JSON request a line on standard input, one JSON answer a line
on standard output. Stories never change an order, a checkout or a balance here: for that they have
the API.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from typing import Any

OWNER = "owner@shop.example"
PASSWORD = "a-long-enough-passphrase"


def main() -> None:
    """Answer requests until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever prints goes to the log, not between the answers
    import django

    django.setup()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            result = {"answer": FUNCTIONS[request["name"]](**request["arguments"])}
        except Exception:  # noqa: BLE001 - whatever went wrong is the answer
            result = {"fault": traceback.format_exc()}
        answers.write(json.dumps(result, default=str) + "\n")
        answers.flush()


def open_shop(*, staff: dict[str, list[str]]) -> dict[str, str]:
    """Create the site, its owner, staff with the named permissions, and apps with tokens."""
    from django.conf import settings
    from django.contrib.sites.models import Site
    from saleor.account.models import Group
    from saleor.app.models import App
    from saleor.permission.models import Permission
    from saleor.site.models import SiteSettings

    port = os.environ["ACCEPTANCE_PORT"]
    site, _ = Site.objects.update_or_create(
        pk=settings.SITE_ID, defaults={"domain": f"127.0.0.1:{port}", "name": "Acceptance"}
    )
    SiteSettings.objects.update_or_create(
        site=site, defaults={"enable_account_confirmation_by_email": False}
    )
    everything = list(Permission.objects.values_list("codename", flat=True))
    for email, codenames in {OWNER: everything, **staff}.items():
        group = Group.objects.create(name=email)
        group.permissions.set(Permission.objects.filter(codename__in=codenames))
        group.user_set.add(_user(email))
    tokens = {}
    apps = {
        "till": ["manage_orders"],
        "payments": ["handle_payments"],
        "storefront": ["handle_checkouts", "impersonate_user"],
        "taxes": ["handle_taxes"],
        "watcher": ["manage_checkouts"],
    }
    for name, codenames in apps.items():
        app = App.objects.create(name=name, identifier=name, is_active=True, is_installed=True)
        app.permissions.set(Permission.objects.filter(codename__in=codenames))
        _, tokens[name] = app.tokens.create(name="Default")
    return tokens


def _user(email: str) -> Any:
    from saleor.account.models import User

    user = User(email=email, is_staff=True, is_active=True, is_confirmed=True)
    user.set_password(PASSWORD)
    user.save()
    return user


def run_task(*, task: str, arguments: list[Any] | None = None) -> None:
    """Run a Celery task by its dotted name, as the scheduler would."""
    module, name = task.rsplit(".", 1)
    getattr(importlib.import_module(module), name).apply(args=arguments or [], throw=True)


def throw_checkout_away(*, token: str) -> None:
    """Delete a checkout as Saleor's own clean-up does when it is old enough."""
    from saleor.checkout.models import Checkout

    Checkout.objects.filter(pk=token).delete()


def lock_account(*, number: str) -> None:
    """Take the row lock of a member's account and keep it until ``unlock_account``."""
    from django.db import transaction

    from saleor_retention.models import Account

    transaction.set_autocommit(False)
    Account.objects.select_for_update().get(member_number=number)


def unlock_account() -> None:
    """Let go of the lock."""
    from django.db import transaction

    transaction.rollback()
    transaction.set_autocommit(True)


def unsubscribe_path(*, number: str, channel: str, purpose: str, address: str) -> str:
    """Return the link that a message of a purpose to a member carries."""
    from saleor_retention.models import Account
    from saleor_retention.services.consenting import consent_links

    account = Account.objects.get(member_number=number)
    return consent_links.unsubscribe_path(
        account.pk, channel=channel, purpose=purpose, address=address
    )


def age_coupon(*, code: str, days: int) -> None:
    """Let days go by for a coupon: it, its batch and the shop's voucher are as much older."""
    import datetime as dt

    from django.db.models import F
    from saleor.discount.models import Voucher

    from saleor_retention.models import Coupon, CouponBatch

    passed = dt.timedelta(days=days)
    for aged, times in (
        (Voucher.objects.filter(codes__code=code), ("start_date", "end_date")),
        (CouponBatch.objects.filter(coupons__code=code), ("valid_from", "valid_until")),
        (Coupon.objects.filter(code=code), ("issued_at", "valid_until")),
    ):
        aged.update(**{name: F(name) - passed for name in times})


def rows(*, statement: str, parameters: list[Any] | None = None) -> list[list[Any]]:
    """Run one SELECT and return its rows; looks, never changes."""
    from django.db import connection, transaction

    assert statement.lstrip().upper().startswith(("SELECT", "WITH"))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute(statement, parameters or [])
        return [list(row) for row in cursor.fetchall()]


FUNCTIONS = {
    function.__name__: function
    for function in (
        open_shop,
        run_task,
        throw_checkout_away,
        lock_account,
        unlock_account,
        unsubscribe_path,
        age_coupon,
        rows,
    )
}


if __name__ == "__main__":
    main()
