import { visibleText } from '../device/visibleText.ts';
import { WritebackError } from '../errors.ts';
import { untrustedRemedy } from './failure.ts';
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
  [7000218, 'Allow public client flows for the application in Entra (Authentication).'],
  [65001, 'Have an administrator consent to the permissions of the application in this tenant.'],
  [65004, 'Run again and accept what the application asks for.'],
  [70019, 'Run again and enter the code before it expires.'],
  [50173, 'Run again and sign in anew: the sign-in was revoked meanwhile.'],
  [53003, 'Exclude the application from the conditional access policy that blocks it.'],
]);

/** The error for a sign-in that was answered with a refusal. */
export function signInRefused(application: Application, refusal: Refusal): WritebackError {
  const number = refusal.errorNumber ?? Number(/AADSTS(\d+)/.exec(refusal.text)?.[1] ?? Number.NaN);
  const firstLine = refusal.text.split(/\r?\n| Trace ID:/)[0] ?? refusal.text;
  return new WritebackError('SignInRefused', `${attempted(application)} was refused: ${visibleText(firstLine)}`, {
    target: application.clientId,
    remedy: REMEDIES.get(number) ?? remedyOf(application),
    detail: visibleText(refusal.text.replaceAll(/\s*\n\s*/g, ' ')),
  });
}

function remedyOf({ credential }: Application): string {
  switch (credential.kind) {
    case 'managedIdentity':
      return 'Check that this computer has a managed identity, and on Azure Arc that the account which runs this may read the keys of the agent (group "Hybrid agent extension applications" or himds).';
    case 'deviceCode':
      return 'Run again and enter the code before it expires; look an AADSTS number up in the sign-in log of the tenant.';
    case 'accessToken':
    case 'certificate':
    case 'secret':
    case 'thumbprint':
      return 'Look the AADSTS number up in the sign-in log of the tenant (service principal sign-ins).';
  }
}

/** The error for a sign-in that got no usable answer. */
export function signInUnreachable(
  application: Application,
  host: string,
  network: NetworkFailure | null,
  words: string,
): WritebackError {
  const why = visibleText(words);
  return new WritebackError('SignInUnreachable', `${attempted(application)} did not come through: ${host}: ${why}`, {
    target: host,
    remedy: network?.untrusted ? untrustedRemedy(host) : unreachableRemedy(application, host),
    detail: why,
    retryable: network?.untrusted !== true,
  });
}

function unreachableRemedy({ credential }: Application, host: string): string {
  return credential.kind === 'managedIdentity'
    ? `Check that this computer is an Azure VM or is connected by Azure Arc: ${host} gives managed identities there.`
    : `Check name resolution, firewall and proxy from this computer to ${host}, and that the environment is the right one.`;
}

function attempted({ clientId, tenantId, environment, credential }: Application): string {
  if (credential.kind === 'managedIdentity') {
    return `The sign-in by ${clientId === null ? 'the managed identity of this computer' : `managed identity ${clientId}`}`;
  }
  return `The sign-in of application ${clientId} to tenant ${tenantId} at ${new URL(environment.login).host}`;
}
