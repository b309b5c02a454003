"""The gateways, the keys of their clients, and LiteLLM between two gateways."""

import json
import os
import pathlib
import re
import subprocess

from harness import free_port, replace

HERE = pathlib.Path(__file__).resolve().parent


class Setting:
    """Starts what clients reach, each on a port of its own."""

    def __init__(self, run, program, tools):
        self.run, self.program, self.tools = run, program, tools
        self.gateways = []
        self.issue("operator")  # a gateway does not start without a valid key
        # Refused keys. The last one has expired before anybody uses it.
        self.refused = {"REVOKED": self.issue("revoked"), "EXPIRED": self.issue("expired", "--expires", "1s")}
        self.key("revoke", "--client", "revoked")

    def key(self, *arguments):
        command = [self.program, "key", *arguments, "--file", self.run.folder / "keys.toml"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def issue(self, client, *more):
        return self.key("issue", "--client", client, *more)

    def keys(self, client):
        """Issues a key for a client, and returns the variables with it and with those that are refused."""
        good = self.issue(client)
        wrong = good[:-1] + ("a" if good[-1] != "a" else "b")
        return {f"KEY_{name}": value for name, value in {"GOOD": good, "WRONG": wrong, **self.refused}.items()}

    def gateway(self, upstream, key_file, *more):
        port = free_port()
        command = [self.program, "gateway", "--listen", f"127.0.0.1:{port}", "--client-keys", self.run.folder / "keys.toml"]
        command += ["--upstream", upstream, "--upstream-key-file", key_file, *more]
        self.gateways.append(self.run.start(f"gateway-{len(self.gateways)}", command))
        self.gateways[-1].line("listening on")
        return f"127.0.0.1:{port}"

    def certificate(self):
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
        names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "tls.key", "-out", "tls.crt"]
        subprocess.run([*command.split(), *names], cwd=self.run.folder, check=True, capture_output=True)
        (self.run.folder / "tls.key").chmod(0o600)
        return self.run.folder / "tls.crt", self.run.folder / "tls.key"

    def litellm(self, gateway):
        """Starts LiteLLM before the gateway, and another gateway before LiteLLM. Returns the variables of a client."""
        keys, port = self.keys("litellm"), free_port()

        def model(name, key):
            return {"model": f"openai/{name}", "api_base": f"http://{gateway}/v1", "api_key": keys[f"KEY_{key}"], "max_retries": 0}

        models = {name: model(name, "GOOD") for name in ["m", "missing"]}
        models |= {name.lower(): model("m", name) for name in ["WRONG", "EXPIRED", "REVOKED"]}
        files = {"custom_llm_provider": "openai", "api_base": f"http://{gateway}/v1", "api_key": keys["KEY_GOOD"]}
        config = {
            "model_list": [{"model_name": name, "litellm_params": parameters} for name, parameters in models.items()],
            "general_settings": {"custom_auth": "litellm_auth.authenticate", "master_key": f"sk-{os.urandom(32).hex()}"},
            "litellm_settings": {"num_retries": 0},
            "router_settings": {"num_retries": 0, "disable_cooldowns": True},
            "files_settings": [files],
        }
        replace(self.run.folder / "litellm.json", json.dumps(config))
        for name in ["litellm_auth.py", "rotation.py"]:
            (self.run.folder / name).symlink_to(HERE / name)  # LiteLLM looks for it beside its configuration
        environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PATH": f"{self.tools}/litellm/bin:{os.environ['PATH']}",
                       "ROTATION": str(self.run.folder), "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
        command = [self.tools / "litellm/bin/litellm", "--config", "litellm.json", "--host", "127.0.0.1", "--port", port]
        child = self.run.start("litellm", command, env=environment)
        self.run.wait_for_port(child, port, 180)
        url, key_file = f"http://127.0.0.1:{port}", self.run.folder / "litellm.key"
        return {"URL": f"http://{self.gateway(f'{url}/v1', key_file)}", "LITELLM_URL": url, "LITELLM_KEY": str(key_file)}

    def requests(self, client):
        """Counts the requests of a client in the access logs, by what became of the upstream's key."""
        lines = [line for gateway in self.gateways for line in gateway.log().splitlines() if f" client={client} " in line]
        replayed = [line for line in lines if 'upstream_key="replayed ' in line]
        failed = [line for line in lines if re.search(r" INFO (401|50[234]|---) |upstream_key=\"rejected ", line) and "reason=" not in line]
        return lines, replayed, failed
