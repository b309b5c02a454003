// An OAuth 2.0 server whose access tokens live LIFETIME seconds. It listens on 127.0.0.1:PORT. With
// PROXY_SOCKET and MAP it enters each token in HAProxy's map before it hands the token out, and removes it
// when it ends: then no sidecar has to.
import net from 'node:net';

const { NODE_MODULES, PORT, LIFETIME, CLIENT_SECRET, PROXY_SOCKET, MAP } = process.env;
const { default: Provider } = await import(`${NODE_MODULES}/oidc-provider/lib/index.js`);

function proxy(command) {
  if (!PROXY_SOCKET) return undefined;
  return new Promise((resolve, reject) => {
    const admin = net.connect(PROXY_SOCKET, () => admin.write(`${command}\n`));
    admin.on('error', reject).on('close', resolve).resume();
  });
}

const stored = new Map();
let number = 0;

class Adapter {
  constructor(model) {
    this.model = model;
  }

  key(id) {
    return `${this.model}:${id}`;
  }

  async upsert(id, payload, lifetime) {
    stored.set(this.key(id), payload);
    if (this.model !== 'ClientCredentials') return;
    number += 1;
    await proxy(`add map ${MAP} ${id} oauth2-${number}`);
    setTimeout(() => this.destroy(id), lifetime * 1000).unref();
  }

  async find(id) {
    return stored.get(this.key(id));
  }

  async destroy(id) {
    if (stored.delete(this.key(id)) && this.model === 'ClientCredentials') await proxy(`del map ${MAP} ${id}`);
  }
}

const provider = new Provider(`http://127.0.0.1:${PORT}`, {
  adapter: Adapter,
  clients: [
    {
      client_id: 'sidecar',
      client_secret: CLIENT_SECRET,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_basic',
    },
  ],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
  scopes: ['api'],
  ttl: { ClientCredentials: () => Number(LIFETIME) },
});
provider.listen(Number(PORT), '127.0.0.1');
