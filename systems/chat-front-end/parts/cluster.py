"""What a pod reaches in its cluster: an issuer that takes service account tokens (RFC 7523), and the upstream that
takes the tokens of that issuer. While the file DOWN exists, the issuer answers 503. Prints a line of JSON for each
token.

usage: SECRET=... cluster.py ADDRESS AUDIENCE LIFETIME DOWN
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import secrets
import sys
import time
import urllib.parse

(address, audience, lifetime, down), secret = sys.argv[1:], os.environ["SECRET"].encode()
host, port = address.split(":")
tokens = {}


def subject(assertion):
    """Returns the id of a service account token if it is valid here now."""
    try:
        signed, signature = assertion.rsplit(".", 1)
        expected = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), hashlib.sha256)).rstrip(b"=").decode()
        part = signed.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, IndexError):
        return None
    right = hmac.compare_digest(signature, expected) and claims["aud"] == [audience] and claims["exp"] > time.time()
    return claims["jti"] if right else None


class Cluster(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        account = subject(form.get("client_assertion", [""])[0])
        if pathlib.Path(down).exists():
            return self.answer(503, {"error": "temporarily_unavailable"})
        if account is None:
            return self.answer(401, {"error": "invalid_client"})
        token = secrets.token_urlsafe(24)
        tokens[token] = time.time() + float(lifetime)
        print(json.dumps({"event": "token", "account": account}), flush=True)
        self.answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": float(lifetime)})

    def do_GET(self):
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if tokens.get(token, 0) < time.time():
            return self.answer(401, {"error": {"code": "invalid_api_key"}})
        if self.path != "/v1/stream":
            return self.answer(200, {"object": "list", "data": []})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for _ in range(20):
            self.wfile.write(b"data: {}\n\n")
            time.sleep(0.1)
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer((host, int(port)), Cluster).serve_forever()
