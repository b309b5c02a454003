"""Calls a server with OpenAI's Python client until SIGTERM: chats, streams and lists of models. No call is
made twice. Prints `ready`, and at the end the counts as JSON, with the start and end of each stream.

usage: OPENAI_BASE_URL=... OPENAI_API_KEY=... load.py
"""

import json
import signal
import threading
import time

import openai

MESSAGES = [{"role": "user", "content": "the key rotates"}]
client = openai.OpenAI(max_retries=0, timeout=60)
stop = threading.Event()
lock = threading.Lock()
counts = {"calls": 0, "streams": [], "failed": []}


def chat():
    client.chat.completions.create(model="tiny", messages=MESSAGES, max_tokens=8)


def stream():
    start, finish = time.time(), None
    answer = client.chat.completions.create(
        model="tiny", messages=MESSAGES, max_tokens=1500, stream=True, extra_body={"ignore_eos": True}
    )
    for chunk in answer:
        finish = chunk.choices[0].finish_reason or finish
    if finish != "length":
        raise RuntimeError(f"a stream ended with {finish}")
    with lock:
        counts["streams"].append((start, time.time()))


def models():
    if [model.id for model in client.models.list()] != ["tiny"]:
        raise RuntimeError("the list of models is not complete")


def work(call, pause):
    while not stop.is_set():
        try:
            call()
            failure = None
        except Exception as error:
            failure = f"{call.__name__}: {type(error).__name__}: {error}"
        with lock:
            counts["calls"] += 1
            if failure:
                counts["failed"].append(failure)
        stop.wait(pause)


jobs = [(chat, 0.05), (chat, 0.05), (stream, 0.0), (models, 0.02), (models, 0.02)]
threads = [threading.Thread(target=work, args=job) for job in jobs]
signal.signal(signal.SIGTERM, lambda *_: stop.set())
print("ready", flush=True)
for thread in threads:
    thread.start()
while not stop.wait(0.1):
    pass
for thread in threads:
    thread.join()
print(json.dumps(counts), flush=True)
