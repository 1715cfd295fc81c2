"""Customer attributes, from Saleor 3.23 on: held by its own code, and told to its webhooks."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from django.db import transaction
from saleor.account.models import User

logger = logging.getLogger(__name__)

NOT_HERE = "Customers have attributes from Saleor 3.23 on."


@lru_cache(maxsize=1)
def is_here() -> bool:
    """Tell whether this Saleor has customer attributes."""
    return find_spec("saleor.attribute.models.customer") is not None


def refusal() -> str | None:
    """Return why customers have no attributes here, or None."""
    return None if is_here() else NOT_HERE


def customer_attributes(slugs: Collection[str]) -> dict[str, str]:
    """Return the input types of those of the shop's customer attributes that are there."""
    from saleor.attribute import AttributeType
    from saleor.attribute.models import Attribute

    if not is_here():
        return {}
    found = Attribute.objects.filter(type=AttributeType.CUSTOMER_TYPE, slug__in=slugs)
    return dict(found.values_list("slug", "input_type"))


def set_customer_attributes(user_ref: str, values: Mapping[str, Any]) -> None:
    """Have a user's attributes, by slug, hold these values; None holds nothing.

    What a value leaves behind that was the user's alone is deleted: it may name a person.
    """
    from saleor.graphql.attribute.utils.attribute_assignment import AttributeAssignmentMixin

    with transaction.atomic():
        user = User.objects.select_for_update(of=("self",)).filter(pk=user_ref).first()
        if user is None:
            return
        attributes = list(_type_of(user).customer_attributes.filter(slug__in=values))
        _forget(user, [each for each in attributes if values[each.slug] is None])
        given = [each for each in attributes if values[each.slug] is not None]
        AttributeAssignmentMixin.save(user, [(each, _input(each, values)) for each in given])
        if attributes:
            transaction.on_commit(lambda: _tell(user))


def _type_of(user: Any) -> Any:
    """Return the user's customer type, for whom none was chosen the default one."""
    from saleor.account.models import CustomerType

    if user.customer_type_id is not None:
        return user.customer_type
    return CustomerType.objects.get(is_default=True)


def _forget(user: Any, attributes: list[Any]) -> None:
    from saleor.attribute import AttributeInputType
    from saleor.attribute.models import AssignedUserAttributeValue, AttributeValue

    held = AssignedUserAttributeValue.objects.filter(user=user, value__attribute__in=attributes)
    own = held.filter(value__attribute__input_type__in=AttributeInputType.TYPES_WITH_UNIQUE_VALUES)
    own_ids = list(own.values_list("value_id", flat=True))
    held.delete()
    AttributeValue.objects.filter(pk__in=own_ids).delete()


def _input(attribute: Any, values: Mapping[str, Any]) -> Any:
    from saleor.attribute import AttributeInputType as Type
    from saleor.graphql.attribute.utils.shared import (
        AttrValuesForSelectableFieldInput,
        AttrValuesInput,
    )

    value = values[attribute.slug]
    if attribute.input_type == Type.DROPDOWN:
        value = AttrValuesForSelectableFieldInput(value=value)
    elif attribute.input_type == Type.MULTISELECT:
        value = [AttrValuesForSelectableFieldInput(value=each) for each in value]
    elif attribute.input_type == Type.NUMERIC:
        value = str(value)
    return AttrValuesInput(global_id=None, **{attribute.input_type.replace("-", "_"): value})


def _tell(user: Any) -> None:
    """Tell the webhooks of a customer who changed; a fault there is theirs."""
    from saleor.plugins.manager import get_plugins_manager

    try:
        get_plugins_manager(allow_replica=False).customer_updated(user)
    except Exception:
        logger.exception("Nobody was told that a customer's attributes changed.")
