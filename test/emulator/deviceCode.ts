import type { SignedInUser } from './accessTokens.ts';
import type { AppRegistration } from './appRegistrations.ts';
import { json, type Answer, type EmulatorRequest } from './exchange.ts';
import { applicationOf, missing, orRefusal, Refusal } from './refusal.ts';
import type { DeviceSignIn } from './signIns.ts';
import type { Tenant } from './tenant.ts';

const GRAPH = 'https://graph.microsoft.com';
const OPENID_SCOPES: ReadonlySet<string> = new Set(['openid', 'profile', 'email', 'offline_access']);

/** `POST /{tenant}/oauth2/v2.0/devicecode` (RFC 8628 section 3.1). */
export async function answerDeviceCode(request: EmulatorRequest, tenant: Tenant): Promise<Answer> {
  return await orRefusal(request, () => {
    const form = new URLSearchParams(request.body);
    const app = applicationOf(request, form, tenant);
    const scope = form.get('scope');
    if (scope === null) throw missing('scope');
    const { deviceCodeLifetime, deviceCodeInterval } = tenant.switches;
    const signIn = tenant.signIns.begin(app.clientId, scope, deviceCodeLifetime, deviceCodeInterval);
    const page = 'https://microsoft.com/devicelogin';
    return json({
      user_code: signIn.userCode,
      device_code: signIn.deviceCode,
      verification_uri: page,
      expires_in: deviceCodeLifetime,
      interval: deviceCodeInterval,
      message: `To sign in, use a web browser to open the page ${page} and enter the code ${signIn.userCode} to authenticate.`,
    });
  });
}

/**
 * The token for a device code, or why there is none yet (RFC 8628 section 3.5). Entra's numbers of declined and slow_down
 * are inferred.
 */
export async function grantDeviceCode(form: URLSearchParams, app: AppRegistration, tenant: Tenant): Promise<Answer> {
  const code = form.get('device_code');
  if (code === null) throw missing('device_code');
  const signIn = tenant.signIns.get(code);
  if (signIn === null || signIn.appId !== app.clientId) {
    throw new Refusal(400, 'bad_verification_code', 70018, 'Bad verification code. User typed in wrong user code.');
  }
  demandPublicClient(app);
  if (Date.now() > signIn.expires) {
    throw new Refusal(400, 'expired_token', 70019, 'Verification code expired. Have the user retry the sign-in.');
  }
  checkPace(signIn, tenant);
  const { outcome } = signIn;
  if (outcome === 'waiting') {
    const text = 'OAuth 2.0 device flow error. Authorization is pending. Continue polling.';
    throw new Refusal(400, 'authorization_pending', 70016, text);
  }
  tenant.signIns.finish(signIn);
  if (outcome === 'declined') {
    throw new Refusal(400, 'authorization_declined', 65004, 'User declined to consent to access the app.');
  }
  return await delegatedTokens(app, outcome, signIn.scope, tenant);
}

/** RFC 6749 section 6. */
export async function grantRefreshToken(form: URLSearchParams, app: AppRegistration, tenant: Tenant): Promise<Answer> {
  const text = form.get('refresh_token');
  if (text === null) throw missing('refresh_token');
  const token = tenant.signIns.refreshToken(text);
  if (token === null || token.appId !== app.clientId) {
    throw new Refusal(400, 'invalid_grant', 50173, 'The provided grant has expired due to it being revoked.');
  }
  demandPublicClient(app);
  return await delegatedTokens(app, token.user, form.get('scope') ?? token.scope, tenant);
}

function demandPublicClient(app: AppRegistration): void {
  if (app.publicClient) return;
  const text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
  throw new Refusal(401, 'invalid_client', 7000218, text);
}

/** A client that was told to slow down waits five seconds more from then on. */
function checkPace(signIn: DeviceSignIn, tenant: Tenant): void {
  const sooner = Date.now() - signIn.polled < signIn.interval * 1000;
  signIn.polled = Date.now();
  if (!sooner || !tenant.switches.refuseFastPolls) return;
  signIn.interval += 5;
  throw new Refusal(400, 'slow_down', 70016, 'OAuth 2.0 device flow error. The client polls too often.');
}

async function delegatedTokens(
  app: AppRegistration,
  user: SignedInUser,
  scope: string,
  tenant: Tenant,
): Promise<Answer> {
  const asked = scope.split(' ').filter((one) => one !== '');
  const permissions = asked.filter((one) => !OPENID_SCOPES.has(one)).map((one) => one.slice(one.lastIndexOf('/') + 1));
  const unconsented = permissions.filter((one) => one !== '.default' && !app.scopes.includes(one));
  if (unconsented.length > 0) {
    const text = `The user or administrator has not consented to use the application with ID '${app.clientId}'.`;
    throw new Refusal(400, 'invalid_grant', 65001, text);
  }
  const resource = asked.find((one) => one.includes('://'));
  const audience = resource === undefined ? GRAPH : resource.slice(0, resource.lastIndexOf('/'));
  const lifetime = tenant.switches.tokenLifetime;
  const grant = { appId: app.clientId, scope, user };
  return json({
    token_type: 'Bearer',
    scope: app.scopes.map((one) => `${audience}/${one}`).join(' '),
    expires_in: lifetime,
    ext_expires_in: lifetime,
    access_token: await tenant.tokens.issueDelegated(app, user, audience, lifetime),
    ...(asked.includes('offline_access') ? { refresh_token: tenant.signIns.issueRefreshToken(grant) } : {}),
    ...(asked.includes('openid') ? { id_token: await tenant.tokens.issueIdToken(app, user, lifetime) } : {}),
    client_info: Buffer.from(JSON.stringify({ uid: user.id, utid: tenant.tenantId })).toString('base64url'),
  });
}
