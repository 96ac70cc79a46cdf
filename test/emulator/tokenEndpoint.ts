import { createHash, randomUUID, type X509Certificate } from 'node:crypto';
import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload, type ProtectedHeaderParameters } from 'jose';
import type { AppRegistration } from './appRegistrations.ts';
import { json, type Answer, type EmulatorRequest } from './exchange.ts';
import type { Tenant } from './tenant.ts';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** Seconds that the clocks may differ. */
const CLOCK_TOLERANCE = 300;

/** A refusal as Entra words it: OAuth 2.0 error, AADSTS number, and its text. */
class Refusal extends Error {
  readonly status: number;
  readonly error: string;
  readonly number: number;

  constructor(status: number, error: string, number: number, message: string) {
    super(message);
    this.status = status;
    this.error = error;
    this.number = number;
  }
}

/** Client assertions taken so far, by jti. */
export type SeenAssertions = Set<string>;

/** `POST /{tenant}/oauth2/v2.0/token` with grant type client_credentials (RFC 6749 section 4.4, RFC 7523). */
export async function answerToken(request: EmulatorRequest, tenant: Tenant, seen: SeenAssertions): Promise<Answer> {
  const form = new URLSearchParams(request.body);
  try {
    const app = applicationOf(request, form, tenant);
    const audience = audienceOf(form);
    const credential = await verifyCredential(form, app, tenant, seen);
    const lifetime = tenant.switches.tokenLifetime;
    const token = await tenant.tokens.issue(app, credential, audience, lifetime);
    return json({ token_type: 'Bearer', expires_in: lifetime, ext_expires_in: lifetime, access_token: token });
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    return refusalAnswer(thrown, request.parameters.get('client-request-id') ?? randomUUID());
  }
}

function applicationOf(request: EmulatorRequest, form: URLSearchParams, tenant: Tenant): AppRegistration {
  const name = request.path.split('/')[1] ?? '';
  if (name.toLowerCase() !== tenant.tenantId.toLowerCase()) {
    const text = `Tenant '${name}' not found. Check to make sure you have the correct tenant ID.`;
    throw new Refusal(400, 'invalid_request', 90002, text);
  }
  const grant = form.get('grant_type');
  if (grant === null) throw missing('grant_type');
  if (grant !== 'client_credentials') {
    throw new Refusal(400, 'unsupported_grant_type', 70003, `The app requested an unsupported grant type '${grant}'.`);
  }
  const clientId = form.get('client_id');
  if (clientId === null) throw missing('client_id');
  const app = tenant.apps.get(clientId);
  if (app === null) {
    const text = `Application with identifier '${clientId}' was not found in the directory '${tenant.tenantId}'.`;
    throw new Refusal(400, 'unauthorized_client', 700016, text);
  }
  return app;
}

function missing(parameter: string): Refusal {
  const text = `The request body must contain the following parameter: '${parameter}'.`;
  return new Refusal(400, 'invalid_request', 900144, text);
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
  seen: SeenAssertions,
): Promise<'secret' | 'certificate'> {
  const secret = form.get('client_secret');
  const assertion = form.get('client_assertion');
  if (assertion !== null) {
    if (form.get('client_assertion_type') !== ASSERTION_TYPE) throw missing('client_assertion_type');
    const { jti } = await verifyAssertion(assertion, app, tenant);
    if (tenant.switches.refuseReplayedAssertion && (jti === undefined || seen.has(jti))) {
      throw new Refusal(401, 'invalid_client', 50027, 'JWT token is invalid or malformed: its jti was used before.');
    }
    if (jti !== undefined) seen.add(jti);
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

function refusalAnswer(refusal: Refusal, correlationId: string): Answer {
  const traceId = randomUUID();
  const timestamp = `${new Date().toISOString().slice(0, 19).replace('T', ' ')}Z`;
  const description =
    `AADSTS${refusal.number}: ${refusal.message} Trace ID: ${traceId} ` +
    `Correlation ID: ${correlationId} Timestamp: ${timestamp}`;
  return {
    status: refusal.status,
    headers: {},
    body: {
      error: refusal.error,
      error_description: description,
      error_codes: [refusal.number],
      timestamp,
      trace_id: traceId,
      correlation_id: correlationId,
    },
  };
}
