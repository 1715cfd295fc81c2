"""Who is held out of a mechanism: decided by a keyed hash, for ever, without a list.

A customer's place depends on the experiment's secret, its key and the account alone: not on who
else takes part, on the order in which customers came, or on the day. So the groups stay as they are
while the shop grows, and two experiments divide the same customers independently of each other.
When the share of held out customers is raised, those who were held out stay so and others join
them. The secret belongs to the experiment and is never rotated: another one deals anew. Capability:
C58.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum

PER_MILLE = 1000
_PLACES = 2**64


class Arm(StrEnum):
    """What an experiment does with a customer."""

    TREATED = "treated"
    HELD_OUT = "held_out"


def arm_of(secret: bytes, experiment: str, account: int | str, *, held_out_per_mille: int) -> Arm:
    """Return the arm of one customer.

    ``held_out_per_mille`` of 1000 customers are held out in the long run; of a small number it may
    be a few more or fewer. Raises ``ValueError`` for a share outside 0 to 1000 and for an empty
    secret, with which everybody could tell who is held out.

    >>> arm_of(b"secret", "spring", 7, held_out_per_mille=0)
    <Arm.TREATED: 'treated'>
    >>> arm_of(b"secret", "spring", 7, held_out_per_mille=1000)
    <Arm.HELD_OUT: 'held_out'>
    """
    if not 0 <= held_out_per_mille <= PER_MILLE:
        raise ValueError(f"A share of held out customers is from 0 to {PER_MILLE} per mille.")
    if not secret:
        raise ValueError("An experiment needs a secret.")
    place = _place_of(secret, experiment, account)
    is_held_out = place * PER_MILLE < held_out_per_mille * _PLACES
    return Arm.HELD_OUT if is_held_out else Arm.TREATED


def _place_of(secret: bytes, experiment: str, account: int | str) -> int:
    """Return where a customer stands among 2^64 places; the length keeps names from running on."""
    message = f"{len(experiment)}:{experiment}:{account}".encode()
    return int.from_bytes(hmac.new(secret, message, hashlib.sha256).digest()[:8], "big")
