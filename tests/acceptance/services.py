"""Services outside the shop, over HTTP: refunds, taxes, one that hears of checkouts, and mail."""

from __future__ import annotations

import itertools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.acceptance.figures import from_net

REFUND_REQUEST = """
subscription {
  event {
    ... on TransactionRefundRequested { action { amount } transaction { pspReference } }
  }
}
"""

TAX_REQUEST = """
subscription {
  event {
    ... on CalculateTaxes {
      taxBase {
        pricesEnteredWithTax
        shippingPrice { amount }
        lines { totalPrice { amount } }
      }
    }
  }
}
"""
TAX_PERCENT = 10
MAIL_SECONDS_MAX = 20

UPDATED = """
subscription {
  event {
    ... on CheckoutUpdated { checkout { id lines { quantity variant { sku } } } }
  }
}
"""

_numbers = itertools.count(1)


def _refund(asked: dict[str, Any]) -> dict[str, Any]:
    """Pay what is asked for."""
    return {
        "pspReference": f"refund-{next(_numbers)}",
        "result": "REFUND_SUCCESS",
        "amount": asked["action"]["amount"],
    }


def _taxes(asked: dict[str, Any]) -> dict[str, Any]:
    """Add the tax to each net amount that is told, rounded on its own."""
    base = asked["taxBase"]
    shipping = from_net(str(base["shippingPrice"]["amount"]), TAX_PERCENT)
    rows = [from_net(str(row["totalPrice"]["amount"]), TAX_PERCENT) for row in base["lines"]]
    return {
        "shipping_price_net_amount": str(shipping.net),
        "shipping_price_gross_amount": str(shipping.gross),
        "shipping_tax_rate": str(TAX_PERCENT),
        "lines": [
            {
                "total_net_amount": str(row.net),
                "total_gross_amount": str(row.gross),
                "tax_rate": str(TAX_PERCENT),
            }
            for row in rows
        ],
    }


updated: list[dict[str, Any]] = []
"""What was told of checkouts, in order."""


def _updated(told: dict[str, Any]) -> dict[str, Any]:
    """Keep it."""
    updated.append(told["checkout"])
    return {}


MAILS = "/mails"
ANSWERS = {"/refunds": _refund, "/taxes": _taxes, "/updates": _updated}


class _Answer(BaseHTTPRequestHandler):
    """Answers whatever the path names."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one request."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == MAILS:
            self.server.mails.append(asked)  # type: ignore[attr-defined]
        answer = ANSWERS[self.path](asked) if self.path in ANSWERS else {}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing on the terminal."""


class Services:
    """Their server, on a free port of the loopback interface."""

    def __init__(self) -> None:
        """Start to listen."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
        self.mails: list[dict[str, Any]] = []
        self._server.mails = self.mails  # type: ignore[attr-defined]
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def mail_to(self, address: str, event: str) -> dict[str, Any]:
        """Return what the latest mail of an event to an address is made of; waits for it."""
        until = time.monotonic() + MAIL_SECONDS_MAX
        while time.monotonic() < until:
            for mail in reversed(self.mails):
                payload: dict[str, Any] = mail["payload"]
                if (mail["notify_event"], payload["recipient_email"]) == (event, address):
                    return payload
            time.sleep(0.1)
        raise AssertionError(f"no mail of {event}")

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
