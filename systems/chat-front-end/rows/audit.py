"""The audit: each question of the README, answered by its own line of jq."""

import json
import re
import shutil
import subprocess

from harness import expect, until

from .system import PARTS

QUESTIONS = ("used", "changed", "in grace", "refused")


def audit(system):
    """Rotates a client's key with a grace, uses both, is refused once, and asks the audit."""
    path = system.run.folder / "audit.jsonl"
    keys = system.run.folder / "audited.toml"
    issue = [system.program, "key", "issue", "--file", keys, "--client", "audited"]
    old = subprocess.run(issue, check=True, capture_output=True, text=True).stdout.strip()
    gateway = system.start_gateway("audited", "--client-keys", keys, "--audit-file", path)
    url = system.address(gateway)
    expect(system.models(url, old).status == 200, "a call failed")
    rotate = [system.program, "key", "rotate", "--file", keys, "--client", "audited", "--grace", "1h"]
    new = subprocess.run(rotate, check=True, capture_output=True, text=True).stdout.strip()
    until(lambda: system.models(url, new).status == 200, "effect of the new key")
    expect(system.models(url, old).status == 200, "the key in grace is refused")
    expect(system.models(url, "trk_nobody").status == 401, "an unknown key is accepted")
    system.until_generation(system.generation(url), url) # the sidecar's next token
    gateway.stop()
    expect(shutil.which("jq"), "jq is not installed")
    lines = re.findall(r"^jq .*$", (PARTS.parent / "README.md").read_text(), re.MULTILINE)
    expect(len(lines) == len(QUESTIONS), f"the README has {len(lines)} lines of jq")
    answers = {}
    for question, line in zip(QUESTIONS, lines):
        result = subprocess.run(["sh", "-ec", line], capture_output=True, text=True, cwd=system.run.folder)
        expect(result.returncode == 0, f"{line}: {result.stderr}")
        answers[question] = [row.split("\t") for row in result.stdout.splitlines()]
    ids = [key.split("_")[1] for key in (old, new)]
    used = {row[2] for row in answers["used"]}
    expect(used == set(ids), f"used: {answers['used']}")
    expect(answers["changed"], "the audit has no change of the upstream's key")
    grace = [(row[0], row[1]) for row in answers["in grace"]]
    expect(grace == [("audited", ids[0])], f"in grace: {answers['in grace']}")
    expect(["-", "unknown", "1"] in answers["refused"], f"refused: {answers['refused']}")
    text = path.read_text()
    expect(not any(key in text for key in (old, new, system.token_file.read_text())), "a key is in the audit")
    events = [json.loads(line)["event"] for line in text.splitlines()]
    return f"{len(events)} lines; " + "; ".join(f"{question}: {len(rows)}" for question, rows in answers.items())
