// An OpenID provider on the certified library oidc-provider, with a login page of its own. Everybody who types a name is
// signed in: the name is the subject. Settings come as one JSON argument:
//   {port, clients: [{client_id, client_secret, redirect_uris, …}], pkce: true, algorithms: ["RS256"]}
import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';

const settings = JSON.parse(process.argv[2]);
const issuer = `http://localhost:${settings.port}`;

const keys = [
  ['rsa', { modulusLength: 2048 }, { use: 'sig', kid: 'rsa' }],
  ['ec', { namedCurve: 'P-256' }, { use: 'sig', kid: 'ec' }],
].map(([kind, how, extra]) => ({ ...generateKeyPairSync(kind, how).privateKey.export({ format: 'jwk' }), ...extra }));

const provider = new Provider(issuer, {
  clients: settings.clients,
  jwks: { keys },
  cookies: { keys: ['only for tests'] },
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'HS256'], userinfoSigningAlgValues: ['RS256', 'ES256'] },
  pkce: { required: () => settings.pkce ?? true },
  features: { devInteractions: { enabled: false }, jwtUserinfo: { enabled: true } },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'family_name', 'given_name'] },
  conformIdTokenClaims: true, // e-mail and profile are told by user info alone
  findAccount: async (_, sub) => ({
    accountId: sub,
    claims: async () => ({
      sub, email: sub, email_verified: true, name: `${sub} Tester`, family_name: 'Tester', given_name: sub,
    }),
  }),
  interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
  // Nobody is asked for consent: the clients belong to the same company as the provider.
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid email profile');
    await grant.save();
    return grant;
  },
});

const page = (uid, hint) => `<!doctype html><html lang="en"><title>Sign in</title><form method="post" action="/sign-in/${uid}">
<label>Name <input name="login" value="${hint.replace(/[^\w@.-]/g, '')}" required></label><button type="submit">Sign in</button></form>`;

provider.use(async (ctx, next) => {
  const uid = ctx.path.match(/^\/sign-in\/([\w-]+)$/)?.[1];
  if (!uid) return next();
  if (ctx.method === 'GET') {
    const { params } = await provider.interactionDetails(ctx.req, ctx.res);
    ctx.type = 'html';
    ctx.body = page(uid, String(params.login_hint ?? ''));
    return;
  }
  let body = '';
  for await (const part of ctx.req) body += part;
  const accountId = new URLSearchParams(body).get('login');
  await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId } }, { mergeWithLastSubmission: false });
  ctx.respond = false;
});

provider.on('server_error', (_, error) => console.error(error));
provider.listen(settings.port, '127.0.0.1'); // known to browsers as localhost
