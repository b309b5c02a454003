"""Keeps a token file fresh: fetches each token ahead of its expiry, enters it in the proxy's map, and replaces
the file in one step. On SIGUSR1 it has the current token revoked early, as after a leak.

Prints a line of JSON for each change, without the token.

usage: CLIENT_SECRET_FILE=... sidecar.py --issuer URL --proxy SOCKET --map PATH --file PATH [--ahead SHARE]
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

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from harness import replace

arguments = argparse.ArgumentParser()
for name in ("--issuer", "--proxy", "--map", "--file"):
    arguments.add_argument(name, required=True)
arguments.add_argument("--ahead", type=float, default=0.7, help="share of a lifetime after which to fetch the next")
options = arguments.parse_args()

secret = pathlib.Path(os.environ["CLIENT_SECRET_FILE"]).read_text().strip()
login = base64.b64encode(f"sidecar:{secret}".encode()).decode()


def post(path, **form):
    request = urllib.request.Request(options.issuer + path, urllib.parse.urlencode(form).encode())
    request.add_header("Authorization", f"Basic {login}")
    with urllib.request.urlopen(request, timeout=5) as response:
        return response.read()


def proxy(command):
    with socket.socket(socket.AF_UNIX) as admin:
        admin.connect(options.proxy)
        admin.sendall(f"{command}\n".encode())
        answer = admin.recv(4096).decode().strip()
    if answer:
        sys.exit(f"the proxy refused a command: {answer}")


def tell(event, serial):
    print(json.dumps({"at": time.time(), "event": event, "token": serial}), flush=True)


def issue(serial):
    answer = json.loads(post("/token", grant_type="client_credentials", scope="api"))
    token, now = answer["access_token"], time.time()
    proxy(f"add map {options.map} {token} {serial}")
    replace(options.file, token)
    tell("issued", serial)
    return token, now + answer["expires_in"], now + answer["expires_in"] * options.ahead


signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
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
