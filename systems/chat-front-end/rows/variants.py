"""Other places that the upstream's key comes from, by configuration alone."""

import http.server
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import threading
import time

from harness import ask, expect, free_port, installed, replace, until

from .calls import calls
from .files import Tokens


# A key that has worked for this long is settled: the gateway asks its source at once when it is refused.
SETTLED = 10.5


def drive(system, url, tokens, change, number):
    """Changes the key under calls. The gateway learns of it when the upstream refuses the old one."""
    seen = len(system.upstream_log())
    with calls(system, url) as count:
        for _ in range(number):
            time.sleep(SETTLED)
            old, new = tokens.made[-1], tokens.new()
            before = system.generation(url)
            change(new)
            system.remove(old)
            tokens.made.remove(old)
            system.until_generation(before, url)
        time.sleep(0.5)
    last = f"{tokens.row}-{number + 1}"
    expect(any(request["token"] == last for request in system.upstream_log()[seen:]), "the last key was never used")
    return f"{number} keys revoked at the upstream, {sum(count)} calls, 0 failed"


def command(system, changes):
    """`exec:`, a program that prints the key."""
    place = system.run.folder / "place"
    program = system.run.folder / "print-key"
    replace(program, f"#!/bin/sh\nexec cat '{place}'\n", 0o700)
    with Tokens(system, "command") as tokens:
        replace(place, tokens.new())
        gateway = system.start_gateway("command", *system.client_key_options(), "--upstream-key", f"exec:{program}")
        line = drive(system, system.address(gateway), tokens, lambda token: replace(place, token), changes)
        gateway.stop()
    return line


def oauth2(system, changes):
    """The token endpoint itself, by a configuration file: the gateway fetches each token ahead of its expiry."""
    url = system.start_issuer("oauth2-issuer", {
        "PROXY_SOCKET": str(system.run.folder / "admin.sock"), "MAP": str(system.map),
    })
    configuration = system.run.folder / "oauth2.toml"
    replace(configuration, f"""
client_keys = "{system.client_keys}"

[[upstream]]
url = "{system.upstream}/v1"

[upstream.key]
type = "oauth2"
token_url = "{url}/token"
client_id = "sidecar"
scope = "api"
client_secret = {{ type = "file", path = "{system.secret_file}" }}
""")
    gateway = system.start_gateway("oauth2", "--config", configuration)
    address = system.address(gateway)

    seen = len(system.upstream_log())

    def tokens():
        names = {request["token"] for request in system.upstream_log()[seen:]}
        return names - {"unknown"}

    def refused():
        return sum(request["status"] == 401 for request in system.upstream_log()[seen:])

    with calls(system, address) as count:
        until(lambda: len(tokens()) > changes, "tokens", system.lifetime * (changes + 1))
        expect(refused() == 0, f"the upstream saw {refused()} requests with a token that had expired")
        generation = system.generation(address)
        newest = max(system.tokens("oauth2-").items(), key=lambda entry: int(entry[0].split("-")[1]))
        system.remove(newest[1])
        system.until_generation(generation, address)
        time.sleep(0.5)
    expect(refused() > 0, "no request met a revoked token, so this shows nothing")
    gateway.stop()
    return (
        f"{len(tokens())} tokens, {sum(count)} calls, 0 expired tokens at the upstream; one was revoked early, which "
        f"{refused()} requests met; 0 failed"
    )


def endpoint(system, changes):
    """An HTTP endpoint that answers with JSON."""
    with Tokens(system, "endpoint") as tokens:
        answer = {"data": {"key": tokens.new()}}

        class Endpoint(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source = f"http://127.0.0.1:{server.server_port}/v1/key#/data/key"
        gateway = system.start_gateway("endpoint", *system.client_key_options(), "--upstream-key", source)
        try:
            line = drive(system, system.address(gateway), tokens, lambda token: answer["data"].update(key=token), changes)
        finally:
            gateway.stop()
            server.shutdown()
            server.server_close()
    return line


def openbao(system, changes):
    """`vault:`, OpenBao's KV store."""
    names, port, root = installed("variants"), free_port(), secrets.token_urlsafe(24)
    home = system.run.folder / "bao-home"
    home.mkdir()
    env = {"HOME": str(home), "BAO_DEV_ROOT_TOKEN_ID": root}
    server = system.run.start("openbao", [
        names["BAO"], "server", "-dev", f"-dev-listen-address=127.0.0.1:{port}", "-dev-no-store-token",
    ], env=env)
    address = f"http://127.0.0.1:{port}"
    until(lambda: healthy(f"{address}/v1/sys/health"), "OpenBao", 30)
    login = system.run.folder / "bao-token"
    replace(login, root)

    def put(token):
        body = {"data": {"api_key": token}}
        answer = ask(f"{address}/v1/secret/data/openai", method="POST", headers={"X-Vault-Token": root}, body=body)
        expect(answer.status == 200, f"OpenBao answered {answer.status}")

    with Tokens(system, "openbao") as tokens:
        put(tokens.new())
        env = {"VAULT_ADDR": address, "VAULT_TOKEN_FILE": str(login)}
        gateway = system.start_gateway(
            "vault", *system.client_key_options(), "--upstream-key", "vault:secret/openai#api_key", env=env
        )
        line = drive(system, system.address(gateway), tokens, put, changes)
        gateway.stop()
    server.stop()
    return line


def healthy(url):
    try:
        return ask(url).status == 200
    except OSError:
        return False


def postgresql(system, changes):
    """A table of PostgreSQL, read by `psql`, whose password is in a file of its own."""
    names, port = installed("variants"), free_port()
    programs, folder = pathlib.Path(names["POSTGRES_BIN"]), system.run.folder / "postgres"
    folder.mkdir()
    password = secrets.token_urlsafe(24)
    replace(folder / "password", password)
    as_owner = []
    if os.geteuid() == 0: # PostgreSQL refuses to run as root
        as_owner = ["runuser", "-u", "postgres", "--"]
        system.run.folder.chmod(0o711)
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres", "postgres")
    initialize = [programs / "initdb", "-D", folder / "data", "-U", "gateway", "-A", "scram-sha-256", f"--pwfile={folder}/password"]
    subprocess.run([*as_owner, *initialize], check=True, capture_output=True, cwd="/")
    server = system.run.start("postgres", [
        *as_owner, programs / "postgres", "-D", folder / "data", "-c", "listen_addresses=127.0.0.1", "-c", f"port={port}",
        "-c", f"unix_socket_directories={folder}", "-c", "fsync=off",
    ])
    login = system.run.folder / "pgpass"
    replace(login, f"127.0.0.1:{port}:*:gateway:{password}\n")
    query = [programs / "psql", "-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-p", str(port), "-U", "gateway", "-d", "postgres"]

    def run(text):
        env = os.environ | {"PGPASSFILE": str(login)}
        return subprocess.run(query, input=text, text=True, capture_output=True, env=env).returncode == 0

    until(lambda: run("create table if not exists keys (name text primary key, value text);"), "PostgreSQL", 30)
    program = system.run.folder / "query-key"
    words = " ".join(f"'{word}'" for word in query)
    replace(program, f"#!/bin/sh\nPGPASSFILE='{login}' exec {words} -c \"select value from keys where name = 'openai'\"\n", 0o700)

    def put(token):
        done = run(f"insert into keys values ('openai', '{token}') on conflict (name) do update set value = excluded.value;")
        expect(done, "PostgreSQL did not take the key")

    with Tokens(system, "postgresql") as tokens:
        put(tokens.new())
        gateway = system.start_gateway("sql", *system.client_key_options(), "--upstream-key", f"exec:{program}")
        line = drive(system, system.address(gateway), tokens, put, changes)
        gateway.stop()
    server.stop()
    return line
