// The openai package of Node, across rotations of the upstream's key, and with keys that are refused.
import assert from "node:assert";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(`${process.env.CLIENTS}/`));
const OpenAI = require("openai").default ?? require("openai");
const client = (key) =>
  new OpenAI({ baseURL: `${process.env.URL}/v1`, apiKey: process.env[key], maxRetries: 0, timeout: 30_000 });
const chat = { model: "m", messages: [{ role: "user", content: "hello" }] };
const good = client("KEY_GOOD");
let done = 0;
for (let round = 0; round < 8; round++) {
  const answer = await good.chat.completions.create(chat);
  assert.equal(answer.choices[0].message.content, "hello");
  let parts = 0;
  for await (const part of await good.chat.completions.create({ ...chat, stream: true })) parts += part.choices.length;
  assert.equal(parts, 20);
  assert.equal((await good.models.list()).data[0].id, "m");
  const file = new File(["a".repeat(2_000_000)], "a");
  assert((await good.files.create({ file, purpose: "batch" })).bytes > 2_000_000);
  await assert.rejects(good.chat.completions.create({ ...chat, model: "missing" }), OpenAI.NotFoundError);
  done += 5;
}
for (const key of ["KEY_WRONG", "KEY_EXPIRED", "KEY_REVOKED"]) {
  await assert.rejects(client(key).models.list(), (error) => {
    assert(error instanceof OpenAI.AuthenticationError, `${key}: ${error}`);
    assert.equal(error.code, "invalid_api_key");
    return true;
  });
}
console.log(`${done} calls`);
