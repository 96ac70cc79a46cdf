import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Report } from '../../src/files/report.ts';
import type { PlanResult, WireChange, WireRun } from '../../src/protocol/messages.ts';
import type { StoredDevice } from '../emulator/entityTypes.ts';
import { startGraphEmulator, type GraphEmulator } from '../emulator/graphEmulator.ts';
import { newDevice } from '../emulator/newEntities.ts';
import { syntheticDevices } from '../emulator/syntheticDevices.ts';
import { startDomainController, type DomainController, type DomainControllerOptions } from '../lab/domainController.ts';
import type { Credential } from '../lab/domain.ts';
import { textValues, type LdifEntry } from '../lab/ldif.ts';
import { ProgramError } from '../lab/program.ts';
import { LAB_TENANT } from '../lab/registrationService.ts';
import { startEngine, type Answer, type EngineClient } from '../protocol/engineClient.ts';
import { readObject, type PlainObject } from './oracle.ts';

export const CLIENT_ID = '0f1e2d3c-4b5a-4697-8879-6a5b4c3d2e1f';
export const CLIENT_SECRET = 'Lab-client-5ecret';
export const MARK = `DeviceWriteback ${LAB_TENANT.tenantId}`;

export interface ForestOptions extends Partial<DomainControllerOptions> {
  /** Synthetic devices of the tenant from the start; none if not given. */
  readonly devices?: number;
}

/** A plan and what became of it. */
export interface Synced {
  readonly planned: PlanResult;
  readonly changes: readonly WireChange[];
  readonly applied: Answer;
  readonly run: WireRun;
  readonly report: Report;
}

type Params = Readonly<Record<string, unknown>>;

/** One domain controller, one tenant and one engine between them, and a state path of their own. */
export class Forest {
  readonly dc: DomainController;
  readonly tenant: GraphEmulator;
  readonly statePath: string;
  engine: EngineClient;
  /** Whom the engine binds as. */
  account: Credential;

  private constructor(dc: DomainController, tenant: GraphEmulator, engine: EngineClient, statePath: string) {
    this.dc = dc;
    this.tenant = tenant;
    this.engine = engine;
    this.statePath = statePath;
    this.account = dc.administrator;
  }

  /** An unprepared forest, unless the options say otherwise; the engine binds as the administrator. */
  static async start(options: ForestOptions = {}): Promise<Forest> {
    const { devices, ...controller } = options;
    const started: (() => Promise<unknown>)[] = [];
    try {
      const dc = await startDomainController({ schema: 87, ...controller });
      started.push(() => dc.stop());
      const tenant = await startGraphEmulator({
        tenantId: LAB_TENANT.tenantId,
        ...(devices === undefined ? {} : { synthetic: syntheticDevices(devices, 1) }),
      });
      started.push(() => tenant.stop());
      tenant.apps.register({ clientId: CLIENT_ID, secrets: [CLIENT_SECRET] });
      const engine = await startEngine();
      return new Forest(dc, tenant, engine, await mkdtemp(path.join(os.tmpdir(), 'devicewriteback-state-')));
    } catch (error) {
      // What is left would keep the tests from ending.
      for (const stop of started) await stop();
      throw error;
    }
  }

  /** A prepared forest whose engine binds as an account that has the least rights and no other. */
  static async startPrepared(options: ForestOptions = {}): Promise<Forest> {
    const forest = await Forest.start({ ...options, prepared: LAB_TENANT });
    const account = await forest.dc.addUser('svc-writeback', 'Lab-Svc-Passw0rd!');
    await forest.dc.grantLeastRights(account.sid);
    // The first sign-in of an account is itself a write (lastLogonTimestamp).
    await forest.dc.ldapSearch('', '(objectClass=*)', ['1.1'], 'base', account);
    forest.account = account;
    return forest;
  }

  async stop(): Promise<void> {
    await this.engine.end();
    await Promise.all([this.tenant.stop(), this.dc.stop(), rm(this.statePath, { recursive: true, force: true })]);
  }

  get params(): Params {
    const { userName, password } = this.account;
    return {
      tenantId: this.tenant.tenantId,
      clientSecretCredential: { userName: CLIENT_ID, password: CLIENT_SECRET },
      environment: { graph: this.tenant.graphUrl, login: this.tenant.loginUrl },
      server: this.dc.address,
      credential: { userName, password },
      trustedCertificate: this.dc.caFile,
      statePath: this.statePath,
    };
  }

  /** The plan of a full run, unless the parameters say otherwise. */
  plan(more: Params = {}): Promise<Answer> {
    return this.engine.call('plan', { ...this.params, full: true, ...more });
  }

  apply(planned: Params, declined: readonly number[] = []): Promise<Answer> {
    return this.engine.call('apply', { handle: planned['handle'], digest: planned['digest'], declined, results: true });
  }

  /** Plans and applies, less the changes that `declines` names. Rejects if either call ends in an error. */
  async sync(more: Params = {}, declines: (change: WireChange) => boolean = () => false): Promise<Synced> {
    const plan = await this.plan(more);
    const planned = resultOf(plan) as unknown as PlanResult;
    const changes = plan.outputs.map(({ item }) => item as unknown as WireChange);
    const declined = changes.filter((change) => change.number >= 0 && declines(change)).map(({ number }) => number);
    const applied = await this.apply(resultOf(plan), declined);
    const run = resultOf(applied) as unknown as WireRun;
    return { planned, changes, applied, run, report: await readReport(run.reportPath) };
  }

  /** The device objects as ldapsearch gives them, by device id. */
  async objects(): Promise<ReadonlyMap<string, PlainObject>> {
    const objects = (await this.entries()).map(readObject);
    return new Map(objects.map((object) => [object.deviceId, object]));
  }

  async entries(): Promise<readonly LdifEntry[]> {
    return (await this.dc.ldapSearch(this.dc.deviceContainerDn, '(objectClass=msDS-Device)', ['*'], 'one')).entries;
  }

  async object(device: StoredDevice): Promise<PlainObject | null> {
    return (await this.objects()).get(String(device['deviceId'])) ?? null;
  }

  /** Takes all devices and device objects away, faults too, and what earlier runs left for later ones. */
  async clear(): Promise<void> {
    this.tenant.faults.clear();
    for (const { id } of this.tenant.devices) this.tenant.devices.purge(id);
    const entries = await this.entries();
    if (entries.length > 0)
      await this.dc.ldapModify(entries.map(({ dn }) => `dn: ${dn}\nchangetype: delete\n`).join('\n'));
    for (const name of await readdir(this.statePath)) await rm(path.join(this.statePath, name), { recursive: true });
  }

  /** A good new device in Entra. */
  addDevice(properties: Params = {}): StoredDevice {
    return this.tenant.devices.add(newDevice(properties));
  }

  addDevices(count: number): readonly StoredDevice[] {
    return Array.from({ length: count }, () => this.addDevice());
  }

  /** Sets attributes of a device object past the engine, by ldapmodify; null clears. */
  async modify(device: StoredDevice, attributes: Readonly<Record<string, string | null>>): Promise<void> {
    const lines = Object.entries(attributes).map(([name, value]) =>
      value === null ? `delete: ${name}\n-` : `replace: ${name}\n${name}: ${value}\n-`,
    );
    await this.dc.ldapModify(`dn: ${this.dnOf(device)}\nchangetype: modify\n${lines.join('\n')}\n`);
  }

  dnOf(device: StoredDevice): string {
    return `CN=${String(device['deviceId'])},${this.dc.deviceContainerDn}`;
  }

  usn(): Promise<number> {
    return this.dc.highestCommittedUsn();
  }

  /** Files below the state path, by name. */
  async stateFiles(): Promise<readonly string[]> {
    const names = await readdir(this.statePath, { recursive: true });
    return names.map((name) => path.basename(name)).sort();
  }

  async reports(): Promise<readonly Report[]> {
    const names = (await readdir(this.statePath, { recursive: true })).filter((name) => /report-.*\.json$/.test(name));
    return Promise.all(names.sort().map((name) => readReport(path.join(this.statePath, name))));
  }
}

export function resultOf(answer: Answer): Params {
  if (answer.error !== null) throw new Error(`${answer.error.code}: ${answer.error.message} ${answer.error.remedy}`);
  if (answer.result === null) throw new Error('The answer has neither a result nor an error.');
  return answer.result;
}

export async function readReport(file: string): Promise<Report> {
  return JSON.parse(await readFile(file, 'utf8')) as Report;
}

const NO_SUCH_OBJECT = 32;

/** The entry at this DN with its user attributes, null if there is none. */
export async function entryAt(dc: DomainController, dn: string): Promise<LdifEntry | null> {
  try {
    const { entries } = await dc.ldapSearch(dn, '(objectClass=*)', ['*'], 'base');
    return entries[0] ?? null;
  } catch (error) {
    if (error instanceof ProgramError && error.exitCode === NO_SUCH_OBJECT) return null;
    throw error;
  }
}

export function valuesAt(entry: LdifEntry | null, attribute: string): readonly string[] {
  return entry === null ? [] : textValues(entry, attribute);
}
