"""Receives the events of a relay: python3 examples/relay/receiver.py 8000 secret"""

import base64
import hashlib
import hmac
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY_BYTES = 4 * 1024 * 1024  # a request has 1 MiB, unless one event is larger
MAX_SEEN = 100_000  # events that are remembered to recognise those that arrive again
TOLERANCE_S = 5 * 60


def read_secret(path):
    with open(path, encoding="utf-8") as file:
        return base64.b64decode(file.readline().strip().removeprefix("whsec_"), validate=True)


def is_signed(key, headers, body):
    """Whether one of the signatures is that of the key, and the request is recent."""
    webhook_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE_S:
        return False
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    signatures = headers.get("webhook-signature", "").encode().split(b" ")
    return any(hmac.compare_digest(expected, signature) for signature in signatures)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    key = b""
    seen = {}  # in the order of arrival
    lock = threading.Lock()

    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            return self.respond(413)
        body = self.rfile.read(int(length))
        if not is_signed(self.key, self.headers, body):
            return self.respond(401)
        with self.lock:
            for event in json.loads(body):
                self.process_once(event)
        self.respond(204)

    def process_once(self, event):
        key = (event["source"], event["id"])
        if key in self.seen:
            return
        print(event["type"], event.get("subject", "-"), event["id"], flush=True)
        self.seen[key] = True  # once it is processed: after a failure it has to arrive again
        if len(self.seen) > MAX_SEEN:
            del self.seen[next(iter(self.seen))]

    def respond(self, status):
        self.send_response(status)
        if status != 204:
            self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass  # one line per event is enough


if __name__ == "__main__":
    Receiver.key = read_secret(sys.argv[2])
    print(f"listening on 127.0.0.1:{sys.argv[1]}", file=sys.stderr)
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
