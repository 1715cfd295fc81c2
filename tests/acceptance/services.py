"""Services outside the shop, called over HTTP: for refunds, for taxes, and to hear of checkouts."""

from __future__ import annotations

import itertools
import json
import threading
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


ANSWERS = {"/refunds": _refund, "/taxes": _taxes, "/updates": _updated}


class _Answer(BaseHTTPRequestHandler):
    """Answers whatever the path names."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one request."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(ANSWERS[self.path](asked)).encode()
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
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
