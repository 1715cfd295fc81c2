"""The plugin class: hooks of a few lines that ask one service to look.

No event is trusted to come once, in order, or at all. An order's hooks only say that it changed;
``settle`` reads it afresh. What concerns prices differs from host to host and comes from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from saleor.plugins.base_plugin import BasePlugin

from saleor_retention import conf, config_page, host, unsubscribing
from saleor_retention.errors import Refusals
from saleor_retention.host.guard import never_raises
from saleor_retention.selectors.programs import channels_with_program
from saleor_retention.services.membership import erasing

_SETTLED = "_retention_settled"


class MemberHooks:
    """Orders and customers: the same on every host.

    Further parameters differ between Saleor's versions and are not looked at.
    """

    active: bool

    def order_created(self, order: Any, previous_value: Any = None, **_more: Any) -> Any:
        """Settle the order: capture its points, earn if it is paid."""
        return self._settle(order, previous_value)

    def order_confirmed(self, order: Any, previous_value: Any = None, **_more: Any) -> Any:
        """Settle the order."""
        return self._settle(order, previous_value)

    def order_paid(self, order: Any, previous_value: Any = None, **_more: Any) -> Any:
        """Settle the order; comes with every charge."""
        return self._settle(order, previous_value)

    def order_fully_paid(self, order: Any, previous_value: Any = None, **_more: Any) -> Any:
        """Settle the order; comes again with an overcharge."""
        return self._settle(order, previous_value)

    def order_updated(self, order: Any, previous_value: Any = None, **_more: Any) -> Any:
        """Settle the order; returns of goods say no more than this."""
        return self._settle(order, previous_value)

    def order_fulfilled(self, order: Any, previous_value: Any = None, **_more: Any) -> Any:
        """Settle the order."""
        return self._settle(order, previous_value)

    def order_refunded(self, order: Any, previous_value: Any = None, **_more: Any) -> Any:
        """Settle the order."""
        return self._settle(order, previous_value)

    def order_fully_refunded(self, order: Any, previous_value: Any = None, **_more: Any) -> Any:
        """Settle the order."""
        return self._settle(order, previous_value)

    def order_cancelled(self, order: Any, previous_value: Any = None, **_more: Any) -> Any:
        """Settle the order."""
        return self._settle(order, previous_value)

    def order_expired(self, order: Any, previous_value: Any = None, **_more: Any) -> Any:
        """Settle the order; the object that comes may be as old as a replica."""
        return self._settle(order, previous_value)

    def order_bulk_created(
        self, orders: Iterable[Any], previous_value: Any = None, **_more: Any
    ) -> Any:
        """Settle the orders."""
        for order in orders:
            self._settle(order, None)
        return previous_value

    def fulfillment_created(self, fulfillment: Any, *_args: Any, **more: Any) -> Any:
        """Settle the fulfillment's order."""
        return self._settle(fulfillment.order, more.get("previous_value"))

    def fulfillment_approved(self, fulfillment: Any, *_args: Any, **more: Any) -> Any:
        """Settle the fulfillment's order."""
        return self._settle(fulfillment.order, more.get("previous_value"))

    def fulfillment_canceled(self, fulfillment: Any, *_args: Any, **more: Any) -> Any:
        """Settle the fulfillment's order."""
        return self._settle(fulfillment.order, more.get("previous_value"))

    def customer_created(self, customer: Any, previous_value: Any = None, **_more: Any) -> Any:
        """Open the customer's accounts, with the welcome points, where everyone is a member."""
        if self.active:
            _dispatch("welcome", str(customer.pk))
        return previous_value

    def customer_updated(self, customer: Any, previous_value: Any = None, **_more: Any) -> Any:
        """Note the address, which may be another one now."""
        if self.active:
            _dispatch("note_address", str(customer.pk))
        return previous_value

    def account_confirmed(self, user: Any, previous_value: Any = None, **_more: Any) -> Any:
        """Open the customer's accounts; orders of the guest they were become theirs."""
        if self.active:
            _dispatch("welcome", str(user.pk))
        return previous_value

    def account_deleted(self, user: Any, previous_value: Any = None, **_more: Any) -> Any:
        """Erase who was deleted."""
        _erase(user)
        return previous_value

    def customer_deleted(self, customer: Any, previous_value: Any = None, **_more: Any) -> Any:
        """Erase who was deleted."""
        _erase(customer)
        return previous_value

    def webhook(self, request: Any, path: str, previous_value: Any) -> Any:
        """Serve the page behind the link of a message, also while the plugin is off (Saleor 3)."""
        answer = unsubscribing.served(request, path or "")
        return previous_value if answer is None else answer

    def _settle(self, order: Any, previous_value: Any) -> Any:
        if self.active:
            _dispatch_settle(order)
        return previous_value


class RetentionPlugin(host.current().plugin_mixin(), MemberHooks, BasePlugin):  # type: ignore[misc]
    """Loyalty points, tiers and member prices."""

    PLUGIN_ID = conf.PLUGIN_ID
    PLUGIN_NAME = "Retention"
    PLUGIN_DESCRIPTION = "Loyalty points, tiers and member prices at the checkout."
    DEFAULT_ACTIVE = True
    CONFIGURATION_PER_CHANNEL = False  # hooks without a channel would not be called otherwise
    CONFIG_STRUCTURE = config_page.STRUCTURE
    DEFAULT_CONFIGURATION = config_page.DEFAULTS

    def resolve_plugin_configuration(self, _request: Any) -> Any:
        """Show the basics as they are, whoever changed them last (Saleor 3.x)."""
        with host.current().writer():
            present = config_page.present()
        return [
            {**item, "value": present.get(item["name"], item["value"])}
            for item in self.configuration
        ]

    @classmethod
    def save_plugin_configuration(cls, plugin_configuration: Any, cleaned_data: Any) -> Any:
        """Save, and write the basics to the program; prices follow the switch at once."""
        try:
            config_page.apply(cleaned_data.get("configuration") or ())
        except Refusals as found:
            raise ValidationError(
                {
                    refusal.field: ValidationError(refusal.message, code="invalid")
                    for refusal in found.refusals
                }
            ) from found
        was_active = plugin_configuration.active
        saved = super().save_plugin_configuration(plugin_configuration, cleaned_data)
        if not plugin_configuration.active:
            host.current().strip_own_rows()
        elif not was_active:
            _dispatch("reprice", channels_with_program())
        return saved


@never_raises
def _dispatch(task_name: str, *args: Any) -> None:
    host.current().dispatch(task_name, *args)


@never_raises
def _erase(user: Any) -> None:
    """Have a deleted user erased: his accounts, and those of the guest behind his address."""
    for task_name, *args in erasing.tasks_of_deleted(user):
        host.current().dispatch(task_name, *args)


@never_raises
def _dispatch_settle(order: Any) -> None:
    """Have the order settled once for each state of it: its hooks come in bunches."""
    state = (order.status, order.updated_at if hasattr(order, "updated_at") else None)
    if getattr(order, _SETTLED, None) == state:
        return
    setattr(order, _SETTLED, state)
    host.current().dispatch("settle", str(order.pk))
