"""The system: issuer, sidecar, proxy, model server and gateway, each a process on loopback."""

import json
import pathlib
import secrets
import socket
import subprocess

from harness import ask, built, expect, free_port, installed, replace, until

PARTS = pathlib.Path(__file__).resolve().parent.parent / "parts"


class System:
    """All processes of the system but the clients."""

    def __init__(self, run, lifetime):
        self.run = run
        self.lifetime = lifetime
        self.names = installed("chat")
        (self.program,) = built("rotating-auth", "rotating-auth")
        self.volume = run.folder / "tokens"
        self.volume.mkdir(mode=0o700)
        self.token_file = self.volume / "token"
        self.map = run.folder / "tokens.map"
        self.map.write_text("")
        self.secret_file = run.folder / "client-secret"
        replace(self.secret_file, secrets.token_urlsafe(32))
        self.client_keys = run.folder / "keys.toml"
        self.key = self.issue("open-webui", "--scope", "chat:write")

    def start(self):
        self.issuer_url = self.start_issuer()
        self.start_model()
        self.start_proxy()
        self.start_sidecar()
        self.gateway = self.start_gateway("gateway", *self.client_key_options())
        self.url = self.address(self.gateway)

    def start_issuer(self, name="issuer", env=None):
        """Starts an issuer of its own name, and returns its address."""
        port = free_port()
        issuer = self.run.start(name, ["node", PARTS / "issuer.mjs"], env={
            "NODE_MODULES": self.names["NODE_MODULES"],
            "PORT": str(port),
            "LIFETIME": str(self.lifetime),
            "CLIENT_SECRET": self.secret_file.read_text(),
        } | (env or {}))
        self.run.wait_for_port(issuer, port)
        return f"http://127.0.0.1:{port}"

    def start_model(self):
        self.model_port, self.model_key = free_port(), secrets.token_urlsafe(24)
        command = [self.names["LLAMA_PYTHON"], PARTS / "model_server.py", self.names["LLAMA_MODEL"], self.model_port]
        self.model = self.run.start("model", command, env={"MODEL_KEY": self.model_key})
        self.run.wait_for_port(self.model, self.model_port)

    def start_proxy(self):
        port = free_port()
        self.upstream = f"http://127.0.0.1:{port}"
        self.proxy = self.run.start("proxy", [self.names["HAPROXY"], "-db", "-f", PARTS / "haproxy.cfg"], env={
            "RUN": str(self.run.folder),
            "PORT": str(port),
            "MODEL_PORT": str(self.model_port),
            "MODEL_KEY": self.model_key,
        })
        self.run.wait_for_port(self.proxy, port)

    def start_sidecar(self):
        self.sidecar = self.run.start("sidecar", [
            "python3", PARTS / "sidecar.py", "--issuer", self.issuer_url, "--proxy", self.run.folder / "admin.sock",
            "--map", self.map, "--file", self.token_file,
        ], env={"CLIENT_SECRET_FILE": str(self.secret_file)})
        self.sidecar.line('"issued"')

    def client_key_options(self):
        return ["--client-keys", self.client_keys]

    def start_gateway(self, name, *options, env=None, key_file=None):
        """Starts a gateway, which reads the upstream's key from the sidecar's file unless told where."""
        env = dict(env or {})
        configured = "--config" in options
        if not configured:
            env.setdefault("OPENAI_API_BASE_URL", f"{self.upstream}/v1")
        if not configured and not any(str(option).startswith("--upstream-key") for option in options) and not env.keys() & {"OPENAI_API_KEY", "OPENAI_API_KEY_FILE"}:
            env["OPENAI_API_KEY_FILE"] = str(key_file or self.token_file)
        command = [self.program, "gateway", "--listen", "127.0.0.1:0", *options]
        gateway = self.run.start(name, command, env=env)
        gateway.environment = env
        return gateway

    @staticmethod
    def address(gateway):
        return gateway.line(r"^listening on (\S+)")[1]

    def issue(self, client, *options):
        """Issues a key for a client of the gateway."""
        command = [self.program, "key", "issue", "--file", self.client_keys, "--client", client, *options]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def enter(self, token, name):
        """Enters a token in the proxy's map."""
        answer = self.admin(f"add map {self.map} {token} {name}")
        expect(not answer, f"the proxy refused a token: {answer}")

    def remove(self, token):
        answer = self.admin(f"del map {self.map} {token}")
        expect(not answer, f"the proxy did not remove a token: {answer}")

    def tokens(self, prefix):
        """Returns the tokens that the proxy takes now, by name."""
        lines = (line.split() for line in self.admin(f"show map {self.map}").splitlines())
        return {name: token for _, token, name in lines if name.startswith(prefix)}

    def admin(self, command):
        with socket.socket(socket.AF_UNIX) as admin:
            admin.connect(str(self.run.folder / "admin.sock"))
            admin.sendall(f"{command}\n".encode())
            answer = b"".join(iter(lambda: admin.recv(4096), b""))
        return answer.decode().strip()

    def changes(self, event):
        """Returns the sidecar's changes of one kind."""
        lines = (json.loads(line) for line in self.sidecar.log().splitlines() if line.startswith("{"))
        return [line for line in lines if line["event"] == event]

    def upstream_log(self):
        """Returns the requests that the proxy has seen, in order."""
        lines = self.proxy.log().splitlines()
        return [json.loads(line[line.index("{"):]) for line in lines if '{"status"' in line]

    def models(self, url=None, key=None):
        return ask(f"{url or self.url}/v1/models", key or self.key)

    def status(self, url=None):
        """Returns what /readyz says, by name."""
        answer = ask(f"{url or self.url}/readyz")
        return answer.status, answer.json()

    def generation(self, url=None):
        return self.condition(url)["generation"]

    def condition(self, url=None):
        """Returns what /readyz says about the upstream's key."""
        return next(source for source in self.status(url)[1]["sources"] if source["name"].startswith("upstream-key"))

    def until_generation(self, after, url=None):
        return until(lambda: (now := self.generation(url)) > after and now, f"generation after {after}")
