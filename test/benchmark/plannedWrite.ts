/** The scene of every measurement of writing: a fresh directory, a tenant, and the creates that a plan makes of them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { syntaxOf, type WritableAttribute } from '../../src/device/attributes.ts';
import { guidToHex, parseGuid } from '../../src/device/guid.ts';
import type { PlanResult, WireAttributeChange, WireChange, WireRun } from '../../src/protocol/messages.ts';
import { startGraphEmulator, type GraphEmulator } from '../emulator/graphEmulator.ts';
import { syntheticDevices } from '../emulator/syntheticDevices.ts';
import { startDomainController, type DirectoryUser, type DomainController } from '../lab/domainController.ts';
import type { LdifEntry } from '../lab/ldif.ts';
import { LAB_TENANT } from '../lab/registrationService.ts';
import { startEngine, type Answer, type EngineClient } from '../protocol/engineClient.ts';

const BUNDLED_ENGINE = path.resolve(import.meta.dirname, '../../module/bin/engine/engine.mjs');

/** The bundled engine, started as the module starts it. */
export function startBundledEngine(): Promise<EngineClient> {
  return startEngine(BUNDLED_ENGINE, { nodeArguments: ['--max-semi-space-size=16'] });
}

const SEED = 2026;
/** Of 100 synthetic devices 11 cannot be written, so that this many more are needed. */
const DEVICES_PER_OBJECT = 1.2;
const APPLICATION = { userName: '3c2f8a5e-6b1d-4f70-9a58-0d4c7be1a962', password: 'throwaway-secret' };
const ACCOUNT = { name: 'svc-writeback', password: 'Throwaway-Passw0rd!' };

/** A prepared domain controller that holds no device object, and the account with the least rights. */
export interface FreshDirectory {
  readonly dc: DomainController;
  readonly account: DirectoryUser;
}

/** Runs the work with a fresh directory, which ends with it. */
export async function withFreshDirectory<T>(work: (directory: FreshDirectory) => Promise<T>): Promise<T> {
  const dc = await startDomainController({ schema: 87, prepared: true });
  try {
    const account = await dc.addUser(ACCOUNT.name, ACCOUNT.password);
    await dc.grantLeastRights(account.sid);
    return await work({ dc, account });
  } finally {
    await dc.stop();
  }
}

/** A tenant whose plan has at least this many creates: the same ones each time. */
export async function startTenant(objects: number): Promise<GraphEmulator> {
  const synthetic = syntheticDevices(Math.ceil(objects * DEVICES_PER_OBJECT), SEED);
  const graph = await startGraphEmulator({ synthetic, tenantId: LAB_TENANT.tenantId });
  graph.apps.register({ clientId: APPLICATION.userName, secrets: [APPLICATION.password] });
  return graph;
}

/** The parameters of a call of the engine but for the secrets, as a configuration file may name them. */
export function connectionParameters(graph: GraphEmulator, dc: DomainController, server: string, statePath: string) {
  return {
    tenantId: graph.tenantId,
    environment: { graph: graph.graphUrl, login: graph.loginUrl },
    server,
    trustedCertificate: dc.caFile,
    statePath,
  };
}

export function secretParameters(account: DirectoryUser) {
  return {
    clientSecretCredential: APPLICATION,
    credential: { userName: account.userName, password: account.password },
  };
}

/** An engine that has made its plan over a fresh directory and has not begun to apply it. */
export interface PlannedWrite {
  readonly engine: EngineClient;
  readonly statePath: string;
  /** The objects that the approved creates make, in the order of the plan. */
  readonly entries: readonly LdifEntry[];
  /** Applies the creates; the rest of the plan is declined. */
  apply(): Promise<WireRun>;
}

/**
 * Plans in a new process of the bundled engine and approves exactly so many creates.
 * @param server address and port of the directory, where it is not the domain controller's own
 */
export async function withPlannedWrite<T>(
  graph: GraphEmulator,
  { dc, account }: FreshDirectory,
  objects: number,
  work: (planned: PlannedWrite) => Promise<T>,
  server: string = dc.address,
): Promise<T> {
  const statePath = mkdtempSync(path.join(tmpdir(), 'devicewriteback-bench-'));
  const engine = await startBundledEngine();
  try {
    const parameters = { ...connectionParameters(graph, dc, server, statePath), ...secretParameters(account) };
    const planned = await engine.call('plan', parameters);
    const { handle, digest } = resultOf<PlanResult>(planned);
    const changes = planned.outputs
      .map(({ item }) => item as unknown as WireChange)
      .filter(({ number }) => number >= 0);
    const approved = changes.filter(({ action }) => action === 'Create').slice(0, objects);
    if (approved.length !== objects) throw new Error(`The plan has ${approved.length} creates of ${objects}.`);
    const wanted = new Set(approved.map(({ number }) => number));
    const declined = changes.map(({ number }) => number).filter((number) => !wanted.has(number));
    return await work({
      engine,
      statePath,
      entries: approved.map(entryOf),
      apply: async () => {
        const run = resultOf<WireRun>(await engine.call('apply', { handle, digest, declined }));
        if (run.created !== objects) throw new Error(`${run.created} of ${objects} objects were created.`);
        return run;
      },
    });
  } finally {
    await engine.end();
    rmSync(statePath, { recursive: true });
  }
}

export function resultOf<T>({ result, error }: Answer): T {
  if (result === null) throw new Error(`The engine refused: ${error?.message} ${error?.detail ?? ''}`);
  return result as T;
}

/** Content LDIF (RFC 2849), every value in base64. */
export function toLdif(entries: readonly LdifEntry[]): string {
  return entries
    .map(({ dn, attributes }) => {
      const lines = [...attributes].flatMap(([name, values]) =>
        values.map((value) => `${name}:: ${value.toString('base64')}`),
      );
      return [`dn: ${dn}`, ...lines, ''].join('\n');
    })
    .join('\n');
}

/** Throws unless the directory holds exactly these objects with exactly these values. */
export async function verifyWritten({ dc }: FreshDirectory, expected: readonly LdifEntry[]): Promise<void> {
  const names = [...new Set(expected.flatMap(({ attributes }) => [...attributes.keys()]))];
  const asked = names.filter((name) => name !== 'objectClass');
  const { entries } = await dc.ldapSearch(dc.deviceContainerDn, '(objectClass=msDS-Device)', asked, 'one');
  const found = new Set(entries.map(fingerprint));
  const missing = expected.filter((entry) => !found.has(fingerprint(entry)));
  if (missing.length === 0 && entries.length === expected.length) return;
  throw new Error(
    `Of ${expected.length} objects ${missing.length} are not as they should be, such as ${missing[0]?.dn}; there are ${entries.length}.`,
  );
}

function fingerprint({ dn, attributes }: LdifEntry): string {
  const values = [...attributes]
    .filter(([name]) => name !== 'objectClass')
    .flatMap(([name, octets]) => octets.map((value) => `${name}=${value.toString('base64')}`));
  return [dn.toLowerCase(), ...values.sort()].join('\n');
}

/** From the values as people read them back to octets. */
function entryOf({ distinguishedName, attributes }: WireChange): LdifEntry {
  if (distinguishedName === null) throw new Error('A create without a distinguished name.');
  const given = attributes.filter(({ after }) => after.length > 0);
  return {
    dn: distinguishedName,
    attributes: new Map([
      ['objectClass', [Buffer.from('msDS-Device')]],
      ...given.map((one): [string, Buffer[]] => [one.name, octetsOf(one)]),
    ]),
  };
}

function octetsOf({ name, after }: WireAttributeChange): Buffer[] {
  const isOctet = syntaxOf(name as WritableAttribute) === 'octet';
  return after.map((value) => {
    const guid = isOctet ? parseGuid(value) : null;
    return guid === null ? Buffer.from(value) : Buffer.from(guidToHex(guid), 'hex');
  });
}
