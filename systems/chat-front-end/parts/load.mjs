// Calls a server with OpenAI's Node client until SIGTERM: chats, streams and lists of models. No call is
// made twice. Prints `ready`, and at the end the counts as JSON.
const { default: OpenAI } = await import(`${process.env.NODE_MODULES}/openai/index.mjs`);
const client = new OpenAI({ maxRetries: 0, timeout: 60_000 });
const messages = [{ role: 'user', content: 'the key rotates' }];
const counts = { calls: 0, streams: [], failed: [] };
let stopped = false;
process.on('SIGTERM', () => (stopped = true));
console.log('ready');

const calls = {
  chat: () => client.chat.completions.create({ model: 'tiny', messages, max_tokens: 8 }),
  async stream() {
    const start = Date.now() / 1000;
    const chunks = await client.chat.completions.create({
      model: 'tiny', messages, max_tokens: 1000, stream: true, ignore_eos: true,
    });
    let finish = null;
    for await (const chunk of chunks) finish = chunk.choices[0].finish_reason ?? finish;
    if (finish !== 'length') throw new Error(`a stream ended with ${finish}`);
    counts.streams.push([start, Date.now() / 1000]);
  },
  async models() {
    const list = await client.models.list();
    if (list.data.length !== 1) throw new Error('the list of models is not complete');
  },
};

async function work(name) {
  while (!stopped) {
    counts.calls += 1;
    try {
      await calls[name]();
    } catch (error) {
      counts.failed.push(`${name}: ${error}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

await Promise.all(['chat', 'chat', 'stream', 'models', 'models'].map(work));
console.log(JSON.stringify(counts));
