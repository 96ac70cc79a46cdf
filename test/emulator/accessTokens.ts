import { randomBytes, randomUUID } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { GraphFailure, type EmulatorRequest } from './exchange.ts';
import type { AppRegistration } from './appRegistrations.ts';

/** Access tokens of the form of Entra's v1.0 tokens for Graph, signed by a key that lives as long as the emulator. */
export class AccessTokens {
  readonly #tenantId: string;
  readonly #key = randomBytes(32);
  #generation = 0;

  constructor(tenantId: string) {
    this.#tenantId = tenantId;
  }

  /** `lifetime` in seconds; below zero for a token that has expired already. */
  async issue(
    app: AppRegistration,
    credential: 'secret' | 'certificate',
    audience: string,
    lifetime: number,
  ): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      appid: app.clientId,
      appidacr: credential === 'secret' ? '1' : '2',
      idtyp: 'app',
      tid: this.#tenantId,
      ver: '1.0',
      generation: this.#generation,
      ...(app.roles.length > 0 ? { roles: app.roles } : {}),
    };
    return await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(`https://sts.windows.net/${this.#tenantId}/`)
      .setAudience(audience)
      .setJti(randomUUID())
      .setIssuedAt(now)
      .setNotBefore(Math.min(now, now + lifetime))
      .setExpirationTime(now + lifetime)
      .sign(this.#key);
  }

  /** Every token issued so far is answered 401 from now on. */
  revoke(): void {
    this.#generation += 1;
  }

  /** The roles of the request's token. Throws Graph's 401 for one that is missing, bad, expired or revoked. */
  async roles(request: EmulatorRequest): Promise<readonly string[]> {
    const token = /^Bearer (.+)$/i.exec(request.headers['authorization'] ?? '')?.[1];
    if (token === undefined) throw unauthorized('Access token is empty.');
    try {
      const { payload } = await jwtVerify(token, this.#key, { algorithms: ['HS256'] });
      if (payload['generation'] !== this.#generation) throw unauthorized('Access token has been revoked.');
      const roles = payload['roles'];
      return Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [];
    } catch (thrown) {
      if (thrown instanceof GraphFailure) throw thrown;
      if (thrown instanceof errors.JWTExpired || thrown instanceof errors.JWTClaimValidationFailed) {
        throw unauthorized('Lifetime validation failed, the token is expired.');
      }
      throw unauthorized('CompactToken validation failed: the token is malformed or its signature is not valid.');
    }
  }
}

function unauthorized(message: string): GraphFailure {
  const challenge = 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"';
  return new GraphFailure(401, 'InvalidAuthenticationToken', message, { 'WWW-Authenticate': challenge });
}
