"""A payment service: an app of the shop that reports money and pays it back when asked.

Saleor calls it over HTTP, as it calls any payment app, and records what it answers.
"""

from __future__ import annotations

import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REFUND_REQUEST = """
subscription {
  event {
    ... on TransactionRefundRequested { action { amount } transaction { pspReference } }
  }
}
"""

_numbers = itertools.count(1)


class _Answer(BaseHTTPRequestHandler):
    """Pays every refund that is asked for."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one request."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(
            {
                "pspReference": f"refund-{next(_numbers)}",
                "result": "REFUND_SUCCESS",
                "amount": asked["action"]["amount"],
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing on the terminal."""


class PaymentService:
    """The service's own server, on a free port of the loopback interface."""

    def __init__(self) -> None:
        """Start to listen."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
