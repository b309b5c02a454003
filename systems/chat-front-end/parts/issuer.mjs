// An OAuth 2.0 server whose access tokens live LIFETIME seconds. It listens on 127.0.0.1:PORT.
const { NODE_MODULES, PORT, LIFETIME, CLIENT_SECRET } = process.env;
const { default: Provider } = await import(`${NODE_MODULES}/oidc-provider/lib/index.js`);

const provider = new Provider(`http://127.0.0.1:${PORT}`, {
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
