"""Which accounts are one person's: those of the user, of the guest he was, of his addresses.

A guest's account is known by the keyed hash of the address. One that was claimed stays in the
ledger, empty, and is tied to its owner by the order whose points moved.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q

from saleor_retention import host
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, AccountState, OrderRecord, Transaction, TransactionKind
from saleor_retention.services.membership.identity import email_hashes


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the shop, a guest by the hashes of the address, or both."""

    user_ref: str | None = None
    email_hashes: tuple[str, ...] = ()


NOBODY = Person()


def of_user(user_ref: str) -> Person:
    """Return a user as a person; guests of the address are his if he has confirmed it."""
    user = host.current().users([user_ref]).get(user_ref)
    if user is None or not user.is_confirmed:
        return Person(user_ref)
    return Person(user_ref, tuple(email_hashes(user.email)))


def of_email(email: str) -> Person:
    """Return who has an address: its confirmed user, if any, and the guest."""
    return Person(host.current().find_user_by_email(email), tuple(email_hashes(email)))


def of_number(number: str) -> Person:
    """Return who has a member number; refuses NOT_FOUND."""
    account = Account.objects.filter(member_number=number.strip()).first()
    if account is None:
        raise Refusal(Code.NOT_FOUND, f'There is no member "{number}".', "member")
    return of_account(account)


def of_account(account: Account) -> Person:
    """Return whose account it is; nobody's, if it was erased."""
    if account.user_id is not None:
        return of_user(str(account.user_id))
    if account.state == AccountState.ERASED or not account.email_hash:
        return NOBODY
    return Person(None, (account.email_hash,))


def account_ids(person: Person) -> list[int]:
    """Return the person's accounts in every program that are not erased, by id."""
    his = Q(pk__in=[])
    if person.user_ref is not None:
        his |= Q(user_id=int(person.user_ref))
    if person.email_hashes:
        his |= Q(user=None, email_hash__in=person.email_hashes)
    known = Account.objects.exclude(state=AccountState.ERASED)
    own = set(known.filter(his).values_list("pk", flat=True))
    return sorted(own | set(claimed_by(own)))


def same_person(account_id: int) -> list[int]:
    """Return the accounts of the program whose users share an address, or shared one, by id.

    The account itself is among them, and in a chain of addresses all that it links. Guests are not:
    what a customer gets once a guest never gets. One statement.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT saleor_retention_same_person(%s)", [account_id])
        found: list[int] = cursor.fetchone()[0]
    return found


def other_accounts(account_id: int) -> list[int]:
    """Return those of the person but this one, which nearly everybody has none of."""
    return [pk for pk in same_person(account_id) if pk != account_id]


def has_ordered_before(
    account: Account, record: OrderRecord, had: Callable[[list[int]], bool]
) -> bool:
    """Tell whether another order of the person counts, whichever of his accounts it is on.

    ``had`` tells whether any of his other accounts was given what a first order brings: that order
    may have come back since.
    """
    counted = OrderRecord.objects.filter(is_counted=True).exclude(pk=record.pk)
    if counted.filter(account=account).exists():
        return True
    others = other_accounts(account.pk)
    return bool(others) and (counted.filter(account__in=others).exists() or had(others))


def claimed_by(member_ids: Collection[int]) -> list[int]:
    """Return the guest accounts whose orders these members claimed, and that are not erased."""
    merges = Transaction.objects.filter(kind=TransactionKind.MERGE)
    order_refs = merges.filter(account_id__in=member_ids).values("order_ref")
    guests = Account.objects.filter(user=None, state=AccountState.MERGED).exclude(email_hash="")
    found = guests.filter(
        transactions__kind=TransactionKind.MERGE, transactions__order_ref__in=order_refs
    )
    return sorted(set(found.values_list("pk", flat=True)))
