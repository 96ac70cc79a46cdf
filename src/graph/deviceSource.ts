import type { Guid } from '../device/guid.ts';
import type { Log } from '../log.ts';
import type { Clock, DeviceSource, HostServices, Organization, SourceSettings } from '../ports.ts';
import { createSendBatch } from './batch.ts';
import { createGraphClient, type GraphClient } from './client.ts';
import { createDeltaReader } from './delta.ts';
import { createDeviceReader, DEVICES_PERMISSION } from './devices.ts';
import { environmentOf } from './environment.ts';
import { invalidAnswer } from './failure.ts';
import { createReadGroupMembers } from './groups.ts';
import { guidOf, isObject, textOf } from './json.ts';
import { createOwners, USERS_PERMISSION } from './owners.ts';
import { pages } from './pages.ts';
import { useProxies } from './proxy.ts';
import { createRetry, DEFAULT_RETRY, type RetrySettings } from './retry.ts';
import { createTokens } from './token.ts';

/** How much a source may take; what is not given has the usual value. */
export interface SourceLimits {
  /** Tries, waits and time of all requests together. */
  readonly retry?: Partial<RetrySettings>;
  /** Time limit of one try of a request, from connecting to the end of the body, in milliseconds. */
  readonly requestTimeout?: number;
  /** So many owners are asked for one by one; then all users are read once. */
  readonly manyOwners?: number;
}

export const DEFAULT_REQUEST_TIMEOUT = 120_000;

const ORGANIZATION_PERMISSION = 'Organization.Read.All';

/**
 * Entra devices over Microsoft Graph v1.0. Nothing is sent before the first method is called.
 * @param hostServices For a certificate of a store; null where there is no way to .NET.
 * Throws ParameterInvalid for an environment that cannot be used, ConfigurationInvalid for such a proxy.
 */
export function createDeviceSource(
  settings: SourceSettings,
  clock: Clock,
  log: Log,
  hostServices: HostServices | null = null,
  limits: SourceLimits = {},
): DeviceSource {
  const environment = environmentOf(settings.environment);
  useProxies(process.env, log);
  const { clientId } = settings;
  const requestTimeout = limits.requestTimeout ?? DEFAULT_REQUEST_TIMEOUT;
  const { timeLimit, waitLimit } = settings;
  const retry = createRetry(
    {
      ...DEFAULT_RETRY,
      ...(typeof timeLimit !== 'number' ? {} : { totalTime: timeLimit, totalWait: timeLimit }),
      ...(typeof waitLimit !== 'number' ? {} : { longestWait: waitLimit }),
      ...limits.retry,
    },
    clock,
    log,
  );
  const application = { ...settings, environment };
  const tokens = createTokens({ application, retry, requestTimeout, clock, log, hostServices });
  const client = createGraphClient({ environment, clientId, tokens, retry, requestTimeout, clock, log });
  const sendBatch = createSendBatch(client, retry, clock, log);
  const owners = createOwners({ client, sendBatch, log, ...limits });
  const devices = createDeviceReader({ client, sendBatch, owners, log });
  const delta = createDeltaReader(client);

  return {
    host: client.host,
    async signIn(signal) {
      return (await tokens.get(signal)).signIn;
    },
    organization: (signal) => readOrganization(client, signal),
    servicePlans: (signal) => readServicePlans(client, signal),
    async probeDevices(signal) {
      await client.get(
        { target: '/devices?$select=id&$top=1', purpose: 'Reading one device', permission: DEVICES_PERMISSION },
        signal,
      );
    },
    async probeUsers(signal) {
      const target = '/users?$select=id,onPremisesSecurityIdentifier&$top=1';
      await client.get({ target, purpose: 'Reading one user', permission: USERS_PERMISSION }, signal);
    },
    devices: devices.all,
    devicesById: devices.byId,
    startDelta: delta.start,
    changesSince: delta.since,
    groupMembers: createReadGroupMembers(client, log),
    serverTime: client.serverTime,
    requests: client.requests,
  };
}

/** Source: Microsoft Graph v1.0, resource types organization and verifiedDomain. */
async function readOrganization(client: GraphClient, signal: AbortSignal): Promise<Organization> {
  const purpose = 'Reading the organization';
  const target = '/organization?$select=id,displayName,verifiedDomains';
  const content = await client.get({ target, purpose, permission: ORGANIZATION_PERMISSION }, signal);
  const first: unknown = Array.isArray(content.value) ? content.value[0] : null;
  const id = isObject(first) ? guidOf(first.id) : null;
  if (!isObject(first) || id === null) throw invalidAnswer(purpose, client.host, 'the answer names no organization');
  const domains: readonly unknown[] = Array.isArray(first.verifiedDomains) ? first.verifiedDomains : [];
  const main = domains.filter(isObject).find((domain) => domain.isDefault === true);
  return { id, displayName: textOf(first.displayName), defaultDomain: textOf(main?.name) };
}

/**
 * The plans of enabled subscriptions; suites show what they contain only as service plans.
 * Source: Microsoft Graph v1.0, resource types subscribedSku and servicePlanInfo.
 */
async function readServicePlans(client: GraphClient, signal: AbortSignal): Promise<ReadonlySet<Guid>> {
  const request = {
    target: '/subscribedSkus?$select=capabilityStatus,servicePlans',
    purpose: 'Reading the subscriptions',
    permission: ORGANIZATION_PERMISSION,
  };
  const plans = new Set<Guid>();
  for await (const { values } of pages(client, request, signal)) {
    for (const sku of values) {
      if (!isObject(sku) || sku.capabilityStatus !== 'Enabled' || !Array.isArray(sku.servicePlans)) continue;
      for (const plan of sku.servicePlans) {
        const id = isObject(plan) ? guidOf(plan.servicePlanId) : null;
        if (id !== null) plans.add(id);
      }
    }
  }
  return plans;
}
