import { createHash, type X509Certificate } from 'node:crypto';
import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload, type ProtectedHeaderParameters } from 'jose';
import type { AppRegistration } from './appRegistrations.ts';
import { grantDeviceCode, grantRefreshToken } from './deviceCode.ts';
import { json, type Answer, type EmulatorRequest } from './exchange.ts';
import { applicationOf, missing, orRefusal, Refusal } from './refusal.ts';
import type { Tenant } from './tenant.ts';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** The name of RFC 8628, and that which MSAL sends. */
const DEVICE_CODE: readonly string[] = ['urn:ietf:params:oauth:grant-type:device_code', 'device_code'];
/** Seconds that the clocks may differ. */
const CLOCK_TOLERANCE = 300;

/**
 * `POST /{tenant}/oauth2/v2.0/token` with the grants client_credentials (RFC 6749 section 4.4, RFC 7523), device_code
 * (RFC 8628) and refresh_token.
 */
export async function answerToken(request: EmulatorRequest, tenant: Tenant): Promise<Answer> {
  return await orRefusal(request, async () => {
    const form = new URLSearchParams(request.body);
    const grant = form.get('grant_type');
    if (grant === null) throw missing('grant_type');
    const app = applicationOf(request, form, tenant);
    if (grant === 'client_credentials') return await grantClientCredentials(form, app, tenant);
    if (DEVICE_CODE.includes(grant)) return await grantDeviceCode(form, app, tenant);
    if (grant === 'refresh_token') return await grantRefreshToken(form, app, tenant);
    throw new Refusal(400, 'unsupported_grant_type', 70003, `The app requested an unsupported grant type '${grant}'.`);
  });
}

async function grantClientCredentials(form: URLSearchParams, app: AppRegistration, tenant: Tenant): Promise<Answer> {
  const audience = audienceOf(form);
  const credential = await verifyCredential(form, app, tenant);
  const lifetime = tenant.switches.tokenLifetime;
  const token = await tenant.tokens.issue(app, credential, audience, lifetime);
  return json({ token_type: 'Bearer', expires_in: lifetime, ext_expires_in: lifetime, access_token: token });
}

/** The resource that the scope names; client credentials take `<resource>/.default` only. */
function audienceOf(form: URLSearchParams): string {
  const scope = form.get('scope');
  if (scope === null) throw missing('scope');
  const resource = scope.split(' ').find((one) => one.endsWith('/.default'));
  if (resource === undefined) {
    throw new Refusal(400, 'invalid_scope', 1002012, `The provided value for scope ${scope} is not valid.`);
  }
  return resource.slice(0, -'/.default'.length);
}

async function verifyCredential(
  form: URLSearchParams,
  app: AppRegistration,
  tenant: Tenant,
): Promise<'secret' | 'certificate'> {
  const secret = form.get('client_secret');
  const assertion = form.get('client_assertion');
  if (assertion !== null) {
    if (form.get('client_assertion_type') !== ASSERTION_TYPE) throw missing('client_assertion_type');
    const { jti } = await verifyAssertion(assertion, app, tenant);
    if (tenant.switches.refuseReplayedAssertion && (jti === undefined || tenant.assertions.has(jti))) {
      throw new Refusal(401, 'invalid_client', 50027, 'JWT token is invalid or malformed: its jti was used before.');
    }
    if (jti !== undefined) tenant.assertions.add(jti);
    return 'certificate';
  }
  if (secret === null) {
    const text =
      "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.";
    throw new Refusal(401, 'invalid_client', 7000216, text);
  }
  if (!app.secrets.includes(secret)) {
    const text =
      'Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not ' +
      `the client secret ID, for a secret added to app '${app.clientId}'.`;
    throw new Refusal(401, 'invalid_client', 7000215, text);
  }
  return 'secret';
}

async function verifyAssertion(assertion: string, app: AppRegistration, tenant: Tenant): Promise<JWTPayload> {
  const certificate = registeredCertificate(assertion, app);
  try {
    const { payload } = await jwtVerify(assertion, certificate.publicKey, {
      algorithms: ['PS256', 'RS256'],
      requiredClaims: ['exp', 'nbf', 'jti'],
      clockTolerance: CLOCK_TOLERANCE,
    });
    checkClaims(payload, app, tenant);
    return payload;
  } catch (thrown) {
    if (thrown instanceof Refusal) throw thrown;
    if (
      thrown instanceof errors.JWTExpired ||
      (thrown instanceof errors.JWTClaimValidationFailed && thrown.claim === 'nbf')
    ) {
      throw new Refusal(401, 'invalid_client', 700024, 'Client assertion is not within its valid time range.');
    }
    if (thrown instanceof errors.JWSSignatureVerificationFailed) {
      throw badAssertion('The signature is not that of the key', certificate);
    }
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new Refusal(401, 'invalid_client', 50027, `JWT token is invalid or malformed: ${reason}.`);
  }
}

/** The certificate that the header's thumbprint names (RFC 7515 sections 4.1.7 and 4.1.8). */
function registeredCertificate(assertion: string, app: AppRegistration): X509Certificate {
  let header: ProtectedHeaderParameters;
  try {
    header = decodeProtectedHeader(assertion);
  } catch {
    throw new Refusal(401, 'invalid_client', 50027, 'JWT token is invalid or malformed.');
  }
  const certificate = app.certificates.find(
    (one) => header['x5t#S256'] === thumbprint(one, 'sha256') || header.x5t === thumbprint(one, 'sha1'),
  );
  if (certificate === undefined) throw badAssertion('The key was not found', null);
  if (certificate.validToDate.getTime() < Date.now()) throw badAssertion('The key used is expired', certificate);
  return certificate;
}

function thumbprint(certificate: X509Certificate, algorithm: 'sha1' | 'sha256'): string {
  return createHash(algorithm).update(certificate.raw).digest('base64url');
}

function badAssertion(reason: string, certificate: X509Certificate | null): Refusal {
  const used =
    certificate === null ? '' : ` Thumbprint of key used by client: '${certificate.fingerprint.replaceAll(':', '')}'.`;
  const text = `The certificate with identifier used to sign the client assertion is not registered on application. [Reason - ${reason}.${used}]`;
  return new Refusal(401, 'invalid_client', 700027, text);
}

function checkClaims(payload: JWTPayload, app: AppRegistration, tenant: Tenant): void {
  const tokenEndpoint = `${tenant.loginUrl}/${tenant.tenantId}/oauth2/v2.0/token`;
  const audiences = typeof payload.aud === 'string' ? [payload.aud] : (payload.aud ?? []);
  if (!audiences.some((audience) => same(audience, tokenEndpoint))) {
    throw new Refusal(401, 'invalid_client', 700023, 'Client assertion audience claim does not match Realm issuer.');
  }
  if (!same(payload.iss, app.clientId) || !same(payload.sub, app.clientId)) {
    const text = "Client assertion application identifier doesn't match 'client_id' parameter.";
    throw new Refusal(401, 'invalid_client', 700021, text);
  }
}

function same(a: string | undefined, b: string): boolean {
  return a?.toLowerCase() === b.toLowerCase();
}
