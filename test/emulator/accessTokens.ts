import { randomBytes, randomUUID } from 'node:crypto';
import { errors, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import { GraphFailure, type EmulatorRequest } from './exchange.ts';
import type { AppRegistration } from './appRegistrations.ts';
import type { Caller } from './permissions.ts';

/** Who signed in to a public client. */
export interface SignedInUser {
  readonly id: string;
  readonly userPrincipalName: string;
  /** Template ids of Entra roles. */
  readonly directoryRoles: readonly string[];
}

/** Access tokens of the form of Entra's v1.0 tokens for Graph, signed by a key that lives as long as the emulator. */
export class AccessTokens {
  readonly #tenantId: string;
  readonly #key = randomBytes(32);
  #generation = 0;

  constructor(tenantId: string) {
    this.#tenantId = tenantId;
  }

  /** A token of an application by itself. `lifetime` in seconds; below zero for a token that has expired already. */
  async issue(
    app: AppRegistration,
    credential: 'secret' | 'certificate' | 'managedIdentity',
    audience: string,
    lifetime: number,
  ): Promise<string> {
    const roles = app.roles.length > 0 ? { roles: app.roles } : {};
    return await this.#sign(
      app,
      { appidacr: credential === 'secret' ? '1' : '2', idtyp: 'app', ...roles },
      audience,
      lifetime,
    );
  }

  /** A token of a public client for a user: delegated permissions in `scp`, the user's Entra roles in `wids`. */
  async issueDelegated(app: AppRegistration, user: SignedInUser, audience: string, lifetime: number): Promise<string> {
    const claims = {
      appidacr: '0',
      idtyp: 'user',
      oid: user.id,
      upn: user.userPrincipalName,
      scp: app.scopes.join(' '),
      wids: user.directoryRoles,
    };
    return await this.#sign(app, claims, audience, lifetime);
  }

  /** What a public client learns about the user (OpenID Connect Core 1.0 section 2). */
  async issueIdToken(app: AppRegistration, user: SignedInUser, lifetime: number): Promise<string> {
    const claims = { oid: user.id, tid: this.#tenantId, preferred_username: user.userPrincipalName, ver: '2.0' };
    return await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(`https://login.microsoftonline.com/${this.#tenantId}/v2.0`)
      .setSubject(user.id)
      .setAudience(app.clientId)
      .setIssuedAt()
      .setExpirationTime(Math.floor(Date.now() / 1000) + lifetime)
      .sign(this.#key);
  }

  /** Every token issued so far is answered 401 from now on. */
  revoke(): void {
    this.#generation += 1;
  }

  /** Whose token the request carries. Throws Graph's 401 for one that is missing, bad, expired or revoked. */
  async caller(request: EmulatorRequest): Promise<Caller> {
    const token = /^Bearer (.+)$/i.exec(request.headers['authorization'] ?? '')?.[1];
    if (token === undefined) throw unauthorized('Access token is empty.');
    try {
      const { payload } = await jwtVerify(token, this.#key, { algorithms: ['HS256'] });
      if (payload['generation'] !== this.#generation) throw unauthorized('Access token has been revoked.');
      const delegated = payload['idtyp'] === 'user';
      return {
        appId: String(payload['appid']),
        permissions: delegated ? String(payload['scp']).split(' ') : strings(payload['roles']),
        directoryRoles: delegated ? strings(payload['wids']) : null,
      };
    } catch (thrown) {
      if (thrown instanceof GraphFailure) throw thrown;
      if (thrown instanceof errors.JWTExpired || thrown instanceof errors.JWTClaimValidationFailed) {
        throw unauthorized('Lifetime validation failed, the token is expired.');
      }
      throw unauthorized('CompactToken validation failed: the token is malformed or its signature is not valid.');
    }
  }

  async #sign(app: AppRegistration, claims: JWTPayload, audience: string, lifetime: number): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const general = { appid: app.clientId, tid: this.#tenantId, ver: '1.0', generation: this.#generation };
    return await new SignJWT({ ...general, ...claims })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(`https://sts.windows.net/${this.#tenantId}/`)
      .setAudience(audience)
      .setJti(randomUUID())
      .setIssuedAt(now)
      .setNotBefore(Math.min(now, now + lifetime))
      .setExpirationTime(now + lifetime)
      .sign(this.#key);
  }
}

function strings(claim: unknown): readonly string[] {
  return Array.isArray(claim) ? claim.filter((one) => typeof one === 'string') : [];
}

function unauthorized(message: string): GraphFailure {
  const challenge = 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"';
  return new GraphFailure(401, 'InvalidAuthenticationToken', message, { 'WWW-Authenticate': challenge });
}
