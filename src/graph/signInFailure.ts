import { WritebackError } from '../errors.ts';
import type { NetworkFailure } from './networkFailure.ts';
import type { Application } from './application.ts';
import type { Refusal } from './tokenEndpoint.ts';

/** What to do about the refusals that are met most. Source: Microsoft Learn, "Microsoft Entra authentication error codes". */
const REMEDIES: ReadonlyMap<number, string> = new Map([
  [90002, 'Check the tenant id, and that the environment is the cloud the tenant is in.'],
  [900023, 'Check the tenant id: it is neither a GUID nor a domain of a tenant.'],
  [700016, 'Check the client id and the tenant id: the application is not in this tenant, or has no consent there.'],
  [700024, 'Set the clock of this computer.'],
  [
    700027,
    'Add this certificate to the application in Entra (Certificates & secrets), or give the file of one that is there.',
  ],
  [7000112, 'Enable the application in Entra (Enterprise applications, Properties).'],
  [7000215, "Give the secret's value, not its id; make a new secret if the value is lost."],
  [7000222, 'Make a new client secret for the application, or sign in with a certificate.'],
  [53003, 'Exclude the application from the conditional access policy that blocks it.'],
]);

/** The error for a sign-in that was answered with a refusal. */
export function signInRefused(application: Application, refusal: Refusal): WritebackError {
  const number = refusal.errorNumber ?? Number(/AADSTS(\d+)/.exec(refusal.text)?.[1] ?? Number.NaN);
  const firstLine = refusal.text.split(/\r?\n| Trace ID:/)[0] ?? refusal.text;
  return new WritebackError('SignInRefused', `${attempted(application)} was refused: ${firstLine}`, {
    target: application.clientId,
    remedy:
      REMEDIES.get(number) ??
      'Look the AADSTS number up in the sign-in log of the tenant (service principal sign-ins).',
    detail: refusal.text,
  });
}

/** The error for a sign-in that got no usable answer. */
export function signInUnreachable(
  application: Application,
  network: NetworkFailure | null,
  why: string,
): WritebackError {
  const { host } = new URL(application.environment.login);
  return new WritebackError('SignInUnreachable', `${attempted(application)} did not come through: ${host}: ${why}`, {
    target: host,
    remedy: network?.untrusted
      ? `Make this computer trust the certificate of ${host}; a proxy that opens TLS needs its authority in NODE_EXTRA_CA_CERTS.`
      : `Check name resolution, firewall and proxy from this computer to ${host}, and that the environment is the right one.`,
    detail: why,
    retryable: network?.untrusted !== true,
  });
}

function attempted({ clientId, tenantId, environment }: Application): string {
  return `The sign-in of application ${clientId} to tenant ${tenantId} at ${new URL(environment.login).host}`;
}
