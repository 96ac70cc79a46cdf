import { X509Certificate } from 'node:crypto';

export interface AppRegistration {
  readonly clientId: string;
  readonly secrets: readonly string[];
  readonly certificates: readonly X509Certificate[];
  /** Application permissions granted on Microsoft Graph; a token carries those of the time it was issued. */
  readonly roles: readonly string[];
  /** Delegated permissions consented for the whole tenant. */
  readonly scopes: readonly string[];
  /** May sign users in without a credential of its own ("Allow public client flows"). */
  readonly publicClient: boolean;
}

/** The three permissions that device writeback asks for. */
export const WRITEBACK_ROLES = ['Device.Read.All', 'User.Read.All', 'Organization.Read.All'] as const;

export class AppRegistrations {
  readonly #apps = new Map<string, AppRegistration>();

  get(clientId: string): AppRegistration | null {
    return this.#apps.get(clientId.toLowerCase()) ?? null;
  }

  /** Adds an application or replaces it; certificates are PEM, the public part. Without roles or scopes it has WRITEBACK_ROLES. */
  register(app: {
    readonly clientId: string;
    readonly secrets?: readonly string[];
    readonly certificates?: readonly string[];
    readonly roles?: readonly string[];
    readonly scopes?: readonly string[];
    readonly publicClient?: boolean;
  }): AppRegistration {
    const registration: AppRegistration = {
      clientId: app.clientId,
      secrets: app.secrets ?? [],
      certificates: (app.certificates ?? []).map((pem) => new X509Certificate(pem)),
      roles: app.roles ?? WRITEBACK_ROLES,
      scopes: app.scopes ?? WRITEBACK_ROLES,
      publicClient: app.publicClient ?? true,
    };
    this.#apps.set(app.clientId.toLowerCase(), registration);
    return registration;
  }

  /** Grants exactly these roles; throws if there is no such application. */
  grant(clientId: string, roles: readonly string[]): void {
    const app = this.get(clientId);
    if (app === null) throw new Error(`There is no application ${clientId}.`);
    this.#apps.set(clientId.toLowerCase(), { ...app, roles });
  }

  remove(clientId: string): void {
    this.#apps.delete(clientId.toLowerCase());
  }
}
