"""The pod of kubernetes.yaml without a cluster: its containers run in namespaces of their own, with the volumes, the
user and the probes that the manifest asks the kubelet for. All values are read from the manifest and the Dockerfile."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import time

from harness import expect, installed, replace, until

from ..system import PARTS
from . import FOLDER
from .image import stages

LIFETIME = 6
ADDRESS = "10.0.0.2" # of the pod: the kubelet does not come by loopback
CLUSTER = "127.0.0.1:18000"


def pod(system):
    """Starts the pod, and asks each probe when the kubelet would."""
    expect(os.geteuid() == 0, "this row needs root, as the kubelet has it")
    down = system.run.folder / "issuer-down"
    down.touch()
    with Pod(system, down) as pod:
        return drive(system, pod, down)


def drive(system, pod, down):
    sidecar = pod.start("sidecar")
    sidecar.line('"failed"')
    expect(not pod.probe("sidecar", "startupProbe"), "the sidecar counts as started without a token")
    down.unlink()
    until(lambda: pod.probe("sidecar", "startupProbe"), "start of the sidecar")
    token = pod.view("sidecar", "/run/tokens/token").stat()
    user = pod.security["runAsUser"]
    expect((token.st_uid, token.st_gid, token.st_mode & 0o777) == (user, pod.security["fsGroup"], 0o600), f"the token is {token}")

    gateway = pod.start("gateway")
    startup = pod.container("gateway")["startupProbe"]
    until(lambda: pod.probe("gateway", "startupProbe"), "start of the gateway", startup["periodSeconds"] * startup["failureThreshold"])
    expect(pod.probes() == (True, True), f"alive and ready after the start: {pod.probes()}")
    expect(pod.call() == "200", f"a call: {pod.call()}")
    expect("WARN" not in gateway.log(), f"the gateway warns:\n{gateway.log()[-1000:]}")

    pod.service_account("second")
    until(lambda: '"second"' in pod.cluster.log(), "use of the new service account token", 2 * LIFETIME)
    down.touch()
    failures = sidecar.log().count('"failed"')
    until(lambda: sidecar.log().count('"failed"') > failures, "failed refresh", 2 * LIFETIME)
    expect(pod.probes() == (True, True), f"alive and ready while a refresh fails: {pod.probes()}")
    expect(pod.call() == "200", "a call fails although the token has not expired")
    until(lambda: pod.call() == "502" and not pod.probe("gateway", "readinessProbe"), "end of readiness", 2 * LIFETIME)
    expect(pod.probe("gateway", "livenessProbe"), "the kubelet would restart a gateway that only lacks a token")
    down.unlink()
    # Without a call it takes half a minute: nothing else shows that the upstream takes requests again.
    until(lambda: pod.call() == "200" and pod.probe("gateway", "readinessProbe"), "readiness with the next token", 2 * LIFETIME)

    grace, preparation = pod.spec["terminationGracePeriodSeconds"], pod.container("gateway")["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = float(re.search(r"--drain-timeout.*?default: (\d+)", pod.help(), re.DOTALL)[1])
    expect(preparation + drain < grace, f"{preparation} s and {drain} s to drain, but {grace} s in all")
    end = time.monotonic() + preparation # the load balancer forgets the pod meanwhile
    until(lambda: expect(pod.call() == "200", "a call fails before the pod is stopped") or time.monotonic() > end, "end of preStop", grace)
    stream = pod.stream()
    until(lambda: "data:" in stream.log(), "start of a stream")
    begin = time.monotonic()
    code = gateway.stop(seconds=grace)
    seconds = time.monotonic() - begin
    expect(code == 0, f"the gateway ends with {code}")
    expect(stream.stop(seconds=5) == 0 and "[DONE]" in stream.log(), "a stream was cut")
    expect(not pod.probe("gateway", "livenessProbe"), "the gateway still answers")
    expect(sidecar.stop(seconds=grace) == 0, "the sidecar does not end by SIGTERM")
    return (
        f"user {user}, fsGroup {pod.security['fsGroup']}; startup, liveness and readiness as the kubelet wants them before a token, "
        f"with one, in a failed refresh and without a valid one; 2 service account tokens; preStop {preparation} s, then "
        f"{seconds:.1f} s of {grace} s until exit code 0, no stream cut"
    )


class Pod:
    """The namespaces of the pod, and its volumes."""

    def __init__(self, system, down):
        self.system, self.folder = system, system.run.folder / "pod"
        read = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))"
        command = [installed("manifests")["MANIFESTS_PYTHON"], "-c", read, FOLDER / "deploy/kubernetes.yaml"]
        objects = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        self.spec = next(item for item in objects if item["kind"] == "Deployment")["spec"]["template"]["spec"]
        self.security = self.spec["securityContext"]
        self.configuration = {"OPENAI_API_BASE_URL": f"http://{CLUSTER}/v1", "ISSUER": f"http://{CLUSTER}"}
        self.volumes = {volume["name"]: volume for volume in self.spec["volumes"]}
        source = self.volumes["issuer"]["projected"]["sources"][0]["serviceAccountToken"]
        self.audience, self.secret, self.down, self.written = source["audience"], secrets.token_urlsafe(32), down, 0

    def container(self, name):
        return next(item for item in self.spec["initContainers"] + self.spec["containers"] if item["name"] == name)

    def __enter__(self):
        self.folder.mkdir()
        self.system.run.folder.chmod(0o711)
        script = ["set -e", "ip link set lo up", f"ip address add {ADDRESS}/32 dev lo"]
        for name in self.volumes:
            place = self.folder / "volumes" / name
            place.mkdir(parents=True)
            script += [f"mount -t tmpfs tmpfs {place}", f"chgrp {self.security['fsGroup']} {place}", f"chmod g+rwxs {place}"]
        for name in ("sidecar", "gateway"):
            script += self.root(name)
        command = ["unshare", "-n", "-m", "sh", "-c", "\n".join([*script, "echo ready", "exec sleep infinity"])]
        self.holder = self.system.run.start("pod", command)
        self.holder.line("^ready")
        self.enter = ["nsenter", "-t", self.holder.pid, "-n", "-m"]
        self.cluster = self.system.run.start("cluster", [
            *self.enter, "python3", PARTS / "cluster.py", CLUSTER, self.audience, LIFETIME, self.down,
        ], env={"SECRET": self.secret})
        certificate = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=gateway"]
        certificate += ["-keyout", self.folder / "tls.key", "-out", self.folder / "tls.crt"]
        subprocess.run(certificate, check=True, capture_output=True)
        tls = {name: (self.folder / name).read_text() for name in ("tls.crt", "tls.key")}
        self.project("tls", tls, self.volumes["tls"]["secret"]["defaultMode"])
        keys = {"keys.toml": self.system.client_keys.read_text()}
        self.project("client-keys", keys, self.volumes["client-keys"]["secret"]["defaultMode"])
        self.service_account("first")
        return self

    def __exit__(self, *_):
        self.holder.stop()

    def root(self, name):
        """Returns the commands that make a container's root: the image, and the volumes at their places."""
        root, image = self.folder / name, stages()[name]
        root.mkdir()
        script = [f"mount --bind {root} {root}"]
        (root / "usr").mkdir()
        (root / "dev").mkdir()
        for link in ("bin", "lib", "lib64", "sbin"):
            (root / link).symlink_to(f"usr/{link}")
        content, place = image["COPY"][-1].split()[-2:]
        content = self.system.program if name == "gateway" else FOLDER.parents[1] / content
        script += [f"mount --rbind /usr {root}/usr", f"mount -o remount,bind,ro {root}/usr", f"mount --rbind /dev {root}/dev"]
        script += [f"mount -t tmpfs tmpfs {root}{os.path.dirname(place)}", f"cp {content} {root}{place}"]
        for mount in self.container(name)["volumeMounts"]:
            place = f"{root}{mount['mountPath']}"
            pathlib.Path(place).mkdir(parents=True)
            script.append(f"mount --bind {self.folder}/volumes/{mount['name']} {place}")
            if mount.get("readOnly"):
                script.append(f"mount -o remount,bind,ro {place}")
        expect(self.container(name)["securityContext"]["readOnlyRootFilesystem"], f"the root of {name} can be written")
        return [*script, f"mount -o remount,bind,ro {root}"]

    def view(self, name, path):
        """Returns a path of a container as the kubelet reaches it."""
        return pathlib.Path(f"/proc/{self.holder.pid}/root{self.folder}/{name}{path}")

    def project(self, name, files, mode, owner=0):
        """Writes a projected volume: a new folder, and then the swap of `..data`."""
        volume, group = self.view("volumes", f"/{name}"), self.security["fsGroup"]
        self.written += 1
        folder = volume / f"..2026_01_01_{self.written}"
        folder.mkdir(0o755)
        for file, content in files.items():
            (folder / file).write_text(content)
            os.chown(folder / file, owner, group)
            (folder / file).chmod(mode | 0o440)
        os.chown(folder, 0, group)
        folder.chmod(0o2755)
        before = volume / os.readlink(volume / "..data") if (volume / "..data").is_symlink() else None
        (volume / "..data_tmp").symlink_to(folder.name)
        os.rename(volume / "..data_tmp", volume / "..data")
        for file in files:
            if not (volume / file).is_symlink():
                (volume / file).symlink_to(f"..data/{file}")
        if before:
            shutil.rmtree(before)

    def service_account(self, number):
        """Projects a service account token, whose file belongs to the user of the pod."""
        part = lambda content: base64.urlsafe_b64encode(content).rstrip(b"=").decode()
        claims = {"aud": [self.audience], "exp": time.time() + 3600, "jti": number, "sub": "system:serviceaccount:default:gateway"}
        signed = f"{part(b'{}')}.{part(json.dumps(claims).encode())}"
        signature = part(hmac.digest(self.secret.encode(), signed.encode(), hashlib.sha256))
        self.project("issuer", {"token": f"{signed}.{signature}"}, 0o600, self.security["runAsUser"])

    def command(self, name, words):
        """Returns a command that runs in a container, as its user and without capabilities."""
        security, own = self.security, self.container(name)["securityContext"]
        expect(security["runAsNonRoot"] and own["capabilities"] == {"drop": ["ALL"]}, f"{name} has capabilities")
        user = ["--reuid", security["runAsUser"], "--regid", security["runAsGroup"], "--groups", security["fsGroup"]]
        limits = ["--bounding-set=-all", "--inh-caps=-all", *([] if own["allowPrivilegeEscalation"] else ["--no-new-privs"])]
        return [*self.enter, "chroot", self.folder / name, "setpriv", *user, *limits, *words]

    def start(self, name):
        container, image = self.container(name), stages()[name]
        values = dict(pair.split("=", 1) for line in image.get("ENV", []) for pair in line.split())
        for entry in container["env"]:
            reference = entry.get("valueFrom", {}).get("configMapKeyRef")
            values[entry["name"]] = self.configuration[reference["key"]] if reference else entry["value"]
        words = [re.sub(r"\$\((\w+)\)", lambda match: values[match[1]], word) for word in container["args"]]
        command = self.command(name, [*json.loads(image["ENTRYPOINT"][0]), *words])
        return self.system.run.start(f"pod-{name}", command, env=values, inherit=False)

    def help(self):
        return subprocess.run([self.system.program, "gateway", "--help"], capture_output=True, text=True, check=True).stdout

    def probe(self, name, kind):
        """Does what the kubelet does for a probe, and returns whether it succeeds."""
        container = self.container(name)
        probe = container[kind]
        if "exec" in probe:
            command = self.command(name, probe["exec"]["command"])
            return subprocess.run([str(word) for word in command], capture_output=True).returncode == 0
        http = probe["httpGet"]
        port = next(port["containerPort"] for port in container["ports"] if port["name"] == http["port"])
        options = ["-H", "User-Agent: kube-probe/1.37", "--max-time", str(probe.get("timeoutSeconds", 1))]
        status = self.curl(f"{http.get('scheme', 'HTTP').lower()}://{ADDRESS}:{port}{http['path']}", *options)
        return 200 <= int(status) < 400

    def probes(self):
        return self.probe("gateway", "livenessProbe"), self.probe("gateway", "readinessProbe")

    def url(self, path):
        port = next(port["containerPort"] for port in self.container("gateway")["ports"] if port["name"] == "https")
        return f"https://{ADDRESS}:{port}{path}"

    def call(self):
        return self.curl(self.url("/v1/models"), *self.login())

    def login(self):
        headers = self.folder / "headers"
        replace(headers, f"Authorization: Bearer {self.system.key}\n")
        return ["--cacert", self.folder / "tls.crt", "-k", "-H", f"@{headers}"]

    def curl(self, url, *options):
        command = [*self.enter, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *options, url]
        return subprocess.run([str(word) for word in command], capture_output=True, text=True).stdout

    def stream(self):
        command = [*self.enter, "curl", "-s", "-N", *self.login(), self.url("/v1/stream")]
        return self.system.run.start("pod-stream", command)
