"""The openai package of Python: every call until the keys have rotated, then keys that are refused.

With --litellm, LiteLLM is behind the gateway, and before another one.
"""

import io
import os
import pathlib
import sys

import openai
import websockets

URL, DONE = os.environ["URL"] + "/v1", [pathlib.Path(path) for path in os.environ["DONE"].split(":")]
LITELLM = "--litellm" in sys.argv
# LiteLLM reads an upload before it judges the key, so a longer one could not be sent again.
SIZES = [10, 500_000] if LITELLM else [10, 2_000_000]
ERRORS = {"bad": (openai.BadRequestError, 400), "missing": (openai.NotFoundError, 404),
          "limited": (openai.RateLimitError, 429), "broken": (openai.InternalServerError, 500)}  # fmt: skip


def client(key, url=URL):
    return openai.OpenAI(base_url=url, api_key=key, max_retries=0, timeout=30)


def chat(client, **more):
    return client.chat.completions.create(**{"model": "m", "messages": [{"role": "user", "content": "hello"}], **more})


def upload(client, size):
    return client.files.create(file=("a", io.BytesIO(b"a" * size)), purpose="user_data")


def realtime(client):
    with client.realtime.connect(model="m") as connection:
        assert connection.recv().type == "session.created"
        connection.session.update(session={"type": "realtime"})
        assert connection.recv().type == "session.updated"


def fails(send, kind, status, *secrets):
    try:
        send()
    except kind as error:
        assert error.status_code == status, error
        assert not any(secret in str(error) for secret in secrets)
        return error
    raise AssertionError(f"no {kind.__name__}")


good = client(os.environ["KEY_GOOD"])
done = 0
while not all(path.exists() for path in DONE):
    assert "m" in [model.id for model in good.models.list()]
    assert chat(good).choices[0].message.content == "hello"
    text = "".join(part.choices[0].delta.content or "" for part in chat(good, stream=True))
    assert text.split() == [str(n) for n in range(20)], text
    for size in SIZES:
        assert upload(good, size).bytes > size
    if not LITELLM:
        realtime(good)
    done += 6 - LITELLM
if LITELLM:
    fails(lambda: chat(good, model="missing"), openai.NotFoundError, 404)
else:
    for model, (kind, status) in ERRORS.items():
        error = fails(lambda: chat(good, model=model), kind, status)
        assert error.code == model, error
for name in ["WRONG", "EXPIRED", "REVOKED"]:
    secret = os.environ[f"KEY_{name}"]
    refused = client(secret)
    calls = [refused.models.list, lambda: chat(refused), lambda: chat(refused, stream=True)]
    calls += [lambda size=size: upload(refused, size) for size in SIZES]
    for send in calls:
        error = fails(send, openai.AuthenticationError, 401, secret)
        assert error.code == "invalid_api_key", (name, error.body)
    if LITELLM:
        # The same key between LiteLLM and its gateway. LiteLLM's client sees a 401, which the gateway in front of LiteLLM
        # must not pass on as if its own client's key were wrong.
        key = pathlib.Path(os.environ["LITELLM_KEY"]).read_text()
        direct = client(key, f"{os.environ['LITELLM_URL']}/v1")
        fails(lambda: chat(direct, model=name.lower()), openai.AuthenticationError, 401, secret)
        fails(lambda: chat(good, model=name.lower()), openai.InternalServerError, 502, secret, key)
        continue
    try:
        realtime(refused)
        raise AssertionError(f"{name} opened a WebSocket")
    except websockets.exceptions.InvalidStatus as error:
        assert error.response.status_code == 401, error
print(f"{done} calls")
