// The openai package of Node: every call until the keys have rotated, then keys that are refused.
import assert from "node:assert";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { CLIENTS, DONE, TLS_URL, URL: PLAIN_URL, ...environment } = process.env;
const require = createRequire(pathToFileURL(`${CLIENTS}/`));
const OpenAI = require("openai").default ?? require("openai");
const { OpenAIRealtimeWS } = require("openai/realtime/ws"); // the key in a header
const { OpenAIRealtimeWebSocket } = require("openai/realtime/websocket"); // the key in a subprotocol, as in a browser

const client = (key, url = PLAIN_URL) =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: environment[key], maxRetries: 0, timeout: 30_000 });
const chat = (client, more) =>
  client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "hello" }], ...more });
const upload = (client, size) =>
  client.files.create({ file: new File(["a".repeat(size)], "a"), purpose: "user_data" });
// The package connects over TLS alone.
const realtime = (Kind, key) =>
  new Promise((resolve, reject) => {
    const connection = new Kind({ model: "m" }, client(key, TLS_URL));
    let offered;
    connection.on("error", reject);
    connection.on("session.created", (event) => {
      offered = event.session.id;
      connection.send({ type: "session.update", session: { type: "realtime" } });
    });
    connection.on("session.updated", () => {
      connection.close();
      resolve(offered);
    });
  });

const good = client("KEY_GOOD");
let done = 0;
while (!existsSync(DONE)) {
  assert.equal((await good.models.list()).data[0].id, "m");
  assert.equal((await chat(good)).choices[0].message.content, "hello");
  let parts = 0;
  for await (const part of await chat(good, { stream: true })) parts += part.choices.length;
  assert.equal(parts, 20);
  for (const size of [10, 2_000_000]) assert((await upload(good, size)).bytes > size);
  assert.equal(await realtime(OpenAIRealtimeWS, "KEY_GOOD"), "");
  // The upstream sees the subprotocol without the key.
  assert.equal(await realtime(OpenAIRealtimeWebSocket, "KEY_GOOD"), "realtime");
  done += 7;
}
const errors = { bad: OpenAI.BadRequestError, missing: OpenAI.NotFoundError, limited: OpenAI.RateLimitError, broken: OpenAI.InternalServerError };
for (const [model, kind] of Object.entries(errors)) {
  await assert.rejects(chat(good, { model }), (error) => error instanceof kind && error.code === model);
}
for (const key of ["KEY_WRONG", "KEY_EXPIRED", "KEY_REVOKED"]) {
  const refused = client(key);
  const calls = [() => refused.models.list(), () => chat(refused), () => chat(refused, { stream: true })];
  for (const size of [10, 2_000_000]) calls.push(() => upload(refused, size));
  for (const send of calls) {
    await assert.rejects(send, (error) => {
      assert(error instanceof OpenAI.AuthenticationError, `${key}: ${error}`);
      assert.equal(error.status, 401);
      assert.equal(error.code, "invalid_api_key");
      assert(!String(error).includes(environment[key]));
      return true;
    });
  }
  await assert.rejects(realtime(OpenAIRealtimeWS, key), /401/);
  await assert.rejects(realtime(OpenAIRealtimeWebSocket, key)); // a browser's WebSocket does not tell the status
}
console.log(`${done} calls`);
