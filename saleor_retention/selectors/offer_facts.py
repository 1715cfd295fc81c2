"""What decides about offers for members outside of a checkout: uses, stamps, gifts had."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db import connections
from django.db.utils import DEFAULT_DB_ALIAS

FACTS = """
SELECT saleor_retention_offer_facts(wanted.program_id, wanted.account_id, '')::text
FROM unnest(%(program_ids)s::bigint[], %(account_ids)s::bigint[])
     WITH ORDINALITY AS wanted (program_id, account_id, position)
ORDER BY wanted.position
"""

Shopper = tuple[int, int | None]
"""(program id, account id; None for a guest)"""


def facts_of(shoppers: Sequence[Shopper]) -> dict[Shopper, dict[str, Any]]:
    """Return the facts of ``engine.offers.facts.situation_of`` of many, in one statement."""
    params = {
        "program_ids": [program_id for program_id, _ in shoppers],
        "account_ids": [account_id for _, account_id in shoppers],
    }
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(FACTS, params)
        rows = cursor.fetchall()
    return {key: json.loads(text) for key, (text,) in zip(shoppers, rows, strict=True)}
