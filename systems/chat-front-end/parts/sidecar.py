"""Keeps a token file fresh: fetches each token ahead of its expiry, and replaces the file in one step. With
--proxy and --map it enters each token in HAProxy's map first, and removes it when it has expired. On SIGUSR1
it has the current token revoked early, as after a leak.

It logs in with the secret in CLIENT_SECRET_FILE, or with the token in CLIENT_ASSERTION_FILE (RFC 7523), such as
that of a Kubernetes service account. Prints a line of JSON for each change, without the token.

usage: sidecar.py --issuer URL --file PATH [--proxy SOCKET --map PATH] [--ahead SHARE] [--mode MODE]
"""

import argparse
import base64
import json
import os
import pathlib
import signal
import socket
import sys
import time
import urllib.parse
import urllib.request

arguments = argparse.ArgumentParser(usage=__doc__)
arguments.add_argument("--issuer", required=True)
arguments.add_argument("--file", required=True, type=pathlib.Path)
arguments.add_argument("--proxy")
arguments.add_argument("--map")
arguments.add_argument("--ahead", type=float, default=0.7, help="share of a lifetime after which to fetch the next")
arguments.add_argument("--mode", type=lambda text: int(text, 8), default=0o600, help="of the file, in octal")
options = arguments.parse_args()


def login():
    """Returns the fields and the headers of a request that say who asks."""
    assertion = os.environ.get("CLIENT_ASSERTION_FILE")
    if assertion is not None:
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        token = pathlib.Path(assertion).read_text().strip()
        return {"client_assertion_type": kind, "client_assertion": token}, {}
    secret = pathlib.Path(os.environ["CLIENT_SECRET_FILE"]).read_text().strip()
    basic = base64.b64encode(f"sidecar:{secret}".encode()).decode()
    return {}, {"Authorization": f"Basic {basic}"}


def post(path, **form):
    fields, headers = login()
    body = urllib.parse.urlencode(form | fields).encode()
    request = urllib.request.Request(options.issuer + path, body, headers)
    with urllib.request.urlopen(request, timeout=5) as response:
        return response.read()


def proxy(command):
    if options.proxy is None:
        return
    with socket.socket(socket.AF_UNIX) as admin:
        admin.connect(options.proxy)
        admin.sendall(f"{command}\n".encode())
        answer = admin.recv(4096).decode().strip()
    if answer:
        raise OSError(f"the proxy refused a command: {answer}")


def replace(token):
    """Replaces the file in one step: a reader sees the old token or the new one."""
    new = options.file.with_name(f".{options.file.name}.new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, options.mode), "w") as file:
        file.write(token)
        file.flush()
        os.fsync(file.fileno())
    os.rename(new, options.file)


def tell(event, serial, **more):
    print(json.dumps({"at": time.time(), "event": event, "token": serial, **more}), flush=True)


def issue(serial):
    """Issues a token, and returns it, its end, and when to fetch the next. Tries until it succeeds."""
    while True:
        try:
            answer = json.loads(post("/token", grant_type="client_credentials", scope="api"))
            token, now = answer["access_token"], time.time()
            proxy(f"add map {options.map} {token} {serial}")
            replace(token)
        except (OSError, KeyError, ValueError) as error:
            tell("failed", serial, error=type(error).__name__)
            time.sleep(1)
            continue
        tell("issued", serial)
        return token, now + answer["expires_in"], now + answer["expires_in"] * options.ahead


signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
serial, ending = 1, []  # tokens that the map still has: (end, token, serial)
token, end, due = issue(serial)
while True:
    next_stop = min([due] + [entry[0] for entry in ending])
    leak = signal.sigtimedwait({signal.SIGUSR1}, max(0, next_stop - time.time()))
    if leak:
        proxy(f"del map {options.map} {token}")
        post("/token/revocation", token=token)
        tell("revoked", serial)
    elif due <= time.time():
        ending.append((end, token, serial))
    if leak or due <= time.time():
        serial += 1
        token, end, due = issue(serial)
    for entry in [entry for entry in ending if entry[0] <= time.time()]:
        ending.remove(entry)
        proxy(f"del map {options.map} {entry[1]}")
        tell("expired", entry[2])
