"""What is shown of members, for all members of a query at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth import get_user_model

from saleor_retention.graphql.context import moment
from saleor_retention.graphql.dataloaders.base import Loader
from saleor_retention.models import Account, OrderRecord, Program
from saleor_retention.selectors import balances, qualifying
from saleor_retention.selectors.programs import rules_of

MemberKey = tuple[int, str]
"""(program id, user reference)"""


class AccountByUser(Loader[MemberKey, Account]):
    """Account by program and user."""

    def find(self, keys: Sequence[MemberKey]) -> Mapping[MemberKey, Account]:
        """Read them in one statement."""
        programs, users = zip(*keys, strict=True)
        found = Account.objects.filter(program_id__in=set(programs), user_id__in=set(users))
        return {(account.program_id, str(account.user_id)): account for account in found}


class UserById(Loader[int, Any]):
    """Shop user by primary key."""

    def find(self, keys: Sequence[int]) -> Mapping[int, Any]:
        """Read them in one statement."""
        return get_user_model().objects.in_bulk(list(keys))


class BalanceOf(Loader[int, Any]):
    """Balance by account id, true at the request's instant."""

    def find(self, keys: Sequence[int]) -> Mapping[int, Any]:
        """Read them in one statement."""
        return balances.balances_of(list(keys), moment(self.info))


class LotsOf(Loader[int, Any]):
    """Live lots by account id, soonest expiry first."""

    def find(self, keys: Sequence[int]) -> Mapping[int, Any]:
        """Read them in one statement."""
        return balances.lots_of(list(keys), moment(self.info))


class MetricOf(Loader[Account, int]):
    """What counts towards climbing now, by account (an instance, which was read anyway)."""

    def find(self, keys: Sequence[Account]) -> Mapping[Account, int]:
        """Read them in one statement for each program."""
        by_program = defaultdict(list)
        for account in keys:
            by_program[account.program_id].append(account)
        programs = Program.objects.filter(pk__in=by_program)
        versions = dict(programs.values_list("pk", "current_version_id"))
        found = {}
        for program_id, accounts in by_program.items():
            rules = rules_of(versions[program_id])
            values = qualifying.present_values(accounts, rules, moment(self.info))
            found.update({account: values[account.pk] for account in accounts})
        return found


class OrderNumber(Loader[str, str]):
    """The number that customers know an order by, by its reference."""

    def find(self, keys: Sequence[str]) -> Mapping[str, str]:
        """Read them in one statement."""
        records = OrderRecord.objects.filter(order_ref__in=keys)
        return dict(records.values_list("order_ref", "number"))
