"""Real receivers of messages on this machine: one of HTTP, one of mail."""

from __future__ import annotations

import email
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


@contextmanager
def http_receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Its address for Apprise, and the messages that have arrived."""
    arrived: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"json://127.0.0.1:{server.server_port}/", arrived
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def mail_receiver() -> Iterator[tuple[str, list[Message]]]:
    """The same for mail."""
    arrived: list[Message] = []

    class Handler:
        async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802
            arrived.append(email.message_from_bytes(envelope.content))
            return "250 OK"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    controller = Controller(Handler(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield (
            f"mailto://127.0.0.1:{port}?from=pipeline@example.org&to=risk@example.org&mode=insecure",
            arrived,
        )
    finally:
        controller.stop()


def plain_text(message: Message) -> str:
    """The text of a mail."""
    parts = [part for part in message.walk() if part.get_content_type() == "text/plain"]
    return parts[0].get_payload(decode=True).decode().replace("\r\n", "\n")  # type: ignore[union-attr]
