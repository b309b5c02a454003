"""llama.cpp's own server, behind the layer."""

import pathlib

from harness import ask, expect, free_port, installed

from .desktop import Desktop, counts


def llama(run, programs, seconds):
    """llama.cpp's own server answers, whose key is fixed at its start."""
    names, port, key = installed("llama"), free_port(), "llama-8Zk1tQ0mVd7RyXw3LpHs5NbGc"
    parts = pathlib.Path(__file__).resolve().parents[2] / "chat-front-end/parts"
    command = [names["LLAMA_PYTHON"], parts / "model_server.py", names["LLAMA_MODEL"], port]
    model = run.start("llama", command, env={"MODEL_KEY": key})
    run.wait_for_port(model, port)
    options = ["--backend", f"http://127.0.0.1:{port}", "--rotate-every", "4", "--overlap", "3"]
    desktop = Desktop(run, programs, *options, calls="chat", seconds=seconds, env={"BACKEND_KEY": key})
    answer = desktop.ask("/v1/models", desktop.key("second")).json()
    expect(answer["data"][0].get("owned_by") == "llamacpp", f"another server answers: {answer}")
    expect(ask(f"http://127.0.0.1:{port}/v1/models", desktop.key()).status == 401, "llama.cpp takes a key of ours")
    expect(desktop.ask("/v1/models", key).status == 401, "the server takes llama.cpp's key")
    result = counts(desktop.app)
    expect(not result["failed"], f"{len(result['failed'])} failed: {result['failed'][:2]}")
    model.stop()
    return f"{result['keys']} keys, {result['calls']} calls, {result['streams']} streams; 0 failed"
