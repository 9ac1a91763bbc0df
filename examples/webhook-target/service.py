"""A service that Countersign gives access through: `kind: webhook`.

It keeps who is in which group in memory; put your own system in the place of `held`. It needs Python 3.9 and nothing else.
Run it with WEBHOOK_SECRET, ACCOUNTS and GROUPS (names with commas between) and PORT.
"""

import base64
import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

SECRET = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
ACCOUNTS = os.environ["ACCOUNTS"].split(",")
GROUPS = os.environ["GROUPS"].split(",")
TOLERANCE_SECONDS = 300
LONGEST_BODY = 64 * 1024

# What the service holds, by the id of the lease.
held = {}
lock = Lock()


def is_signed(headers, body):
    """Return whether Countersign signed this body in the last minutes (Standard Webhooks 1.0)."""
    message_id, timestamp = headers.get("webhook-id"), headers.get("webhook-timestamp", "")
    if not message_id or not timestamp.isdigit():
        return False
    if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
    signatures = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(one.encode(), expected.encode()) for one in signatures)


def refusal_of(account, group):
    """Return why an account cannot be given a group, or None."""
    if group not in GROUPS:
        return f"there is no group {group}"
    if account not in ACCOUNTS:
        return f"there is nobody called {account}"
    return None


def answer(message):
    kind = message["type"]
    if kind == "access.list":
        asked = [grant.get("group") for grant in message["grants"]]
        return 200, {"access": [one for one in held.values() if one["grant"]["group"] in asked]}
    account, group = message.get("account"), message.get("grant", {}).get("group")
    refused = refusal_of(account, group)
    if kind == "access.check":
        is_held = any(one["account"] == account and one["grant"]["group"] == group for one in held.values())
        return 200, {"held": is_held, **({"refused": refused} if refused else {})}
    if kind == "access.give":
        if refused:
            return 422, {"error": refused}
        # Giving the same lease again changes nothing.
        lease_id = message["leaseId"]
        held[lease_id] = {"account": account, "grant": {"group": group}, "leaseId": lease_id}
        return 200, {}
    if kind == "access.take":
        # Taking what is not there is fine: it is gone.
        held.pop(message["leaseId"], None)
        return 200, {}
    return 400, {"error": f"this service does not know {kind}"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("content-length", "0"))
        if length > LONGEST_BODY:
            self.close_connection = True
            return self.reply(413, {"error": "the message is too long"})
        body = self.rfile.read(length)
        # Verify before anything else: without the signature, anyone could give access.
        if not is_signed(self.headers, body):
            return self.reply(401, {"error": "the signature is wrong"})
        with lock:
            status, answered = answer(json.loads(body))
        self.reply(status, answered)

    def reply(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
    print("ready", flush=True)
    server.serve_forever()
