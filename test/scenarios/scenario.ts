import { readFileSync } from 'node:fs';
import { ATTRIBUTE_NAMES, syntaxOf } from '../../src/device/attributes.ts';
import type { DeviceObject } from '../../src/device/deviceObject.ts';
import type { Answer, EntraDevice } from '../../src/device/entraDevice.ts';
import { fromEntry } from '../../src/directory/fromEntry.ts';
import { parseDevice } from '../../src/graph/parseDevice.ts';
import { takeCensus } from '../../src/plan/census.ts';
import type { Census } from '../../src/plan/change.ts';
import { absencesToProve, type Absence, type PlanInput } from '../../src/plan/computePlan.ts';
import { SCOPE_UNREAD } from '../../src/plan/draft.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/plan/policy.ts';
import { scopeOf, type Scope } from '../../src/plan/scope.ts';
import { parseLdif } from '../lab/ldif.ts';

/** options.json of a scenario. */
export interface Options {
  /** What the scenario shows, one sentence. */
  readonly shows: string;
  readonly tenantId: string;
  readonly container: string;
  /** The domain controller's clock. */
  readonly now: string;
  /** Graph's clock, where it is another; null where Graph did not say. */
  readonly sourceTime?: string | null;
  /** Attributes that the schema lacks. */
  readonly schemaLacks?: readonly string[];
  readonly policy?: Partial<Policy>;
  readonly scope?: Partial<Scope>;
  /** Object ids of the devices that are members of the scope's groups. */
  readonly members?: readonly string[];
  /** By Entra object id, why Graph did not say that it is gone; 404 is the answer for every other id. */
  readonly unproven?: Readonly<Record<string, string>>;
  /** A delta run: devices.json has the devices that changed, and of these object ids Graph said 404. */
  readonly delta?: { readonly gone: readonly string[] };
  /** What the whole container holds, where directory.ldif has a part of it. */
  readonly census?: Census;
  /** Runs after which there is nothing left to do, where one does not do it all. */
  readonly runs?: number;
  /** Whether the undo plan of the run is golden too, and the device ids whose changes noted no result. */
  readonly undo?: { readonly unknown: readonly string[] };
}

/** A device of devices.json: Graph's JSON, the owner's SID beside the owner's id. */
interface GraphDevice {
  readonly registeredOwners?: readonly { readonly onPremisesSecurityIdentifier?: string | null }[];
}

export function readOptions(folder: URL): Options {
  return JSON.parse(readFileSync(new URL('options.json', folder), 'utf8')) as Options;
}

/** The input of the plan of a scenario, read through the doors that the product reads through. */
export function readScenario(folder: URL): PlanInput {
  const text = (name: string): string => readFileSync(new URL(name, folder), 'utf8');
  const options = readOptions(folder);
  const all = (JSON.parse(text('devices.json')) as readonly GraphDevice[]).map(toDevice);
  const sorted = sortByScope(all, options);
  const lacking = new Set(options.schemaLacks ?? []);
  const objects = toObjects(text('directory.ldif'));
  const now = new Date(options.now);
  const gone = (options.delta?.gone ?? []).map((id): [string, Absence] => [id, { state: 'gone' }]);
  const absences = new Map<string, Absence>([...sorted.absences, ...gone]);
  // A delta run reads the container whole where a device is gone or out of scope, for the threshold needs the count.
  const counts = options.delta === undefined || [...absences.values()].some(({ state }) => state !== 'unproven');
  const input: PlanInput = {
    tenantId: options.tenantId,
    container: options.container,
    available: new Set(ATTRIBUTE_NAMES.filter((name) => !lacking.has(name))),
    reading: options.delta === undefined ? 'full' : 'delta',
    devices: sorted.devices,
    undecided: sorted.undecided,
    entraDevices: all.length,
    objects,
    census: counts ? (options.census ?? takeCensus(objects, options.tenantId)) : null,
    absences,
    directoryTime: now,
    sourceTime: options.sourceTime === undefined ? now : toTime(options.sourceTime),
    policy: { ...DEFAULT_POLICY, ...options.policy },
  };
  return input.reading === 'delta' ? input : { ...input, absences: answers(input, options.unproven ?? {}) };
}

function toTime(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}

function sortByScope(
  all: readonly EntraDevice[],
  { scope, members }: Options,
): Pick<PlanInput, 'devices' | 'undecided' | 'absences'> {
  const rules: Scope = { trustTypes: [], operatingSystems: [], groups: [], ...scope };
  const known = members === undefined ? null : new Set(members);
  const of = (wanted: ReturnType<typeof scopeOf>): readonly EntraDevice[] =>
    all.filter((device) => scopeOf(device, rules, known) === wanted);
  const absences = new Map<string, Absence>([
    ...of('out').map(({ id }) => [id, { state: 'outOfScope' }] as const),
    ...of('unread').map((device) => [device.id, { state: 'unproven', why: SCOPE_UNREAD, device }] as const),
  ]);
  return { devices: of('in'), undecided: of('unread'), absences };
}

/** Only what the engine says that it will ask for is answered. */
function answers(input: PlanInput, unproven: Readonly<Record<string, string>>): ReadonlyMap<string, Absence> {
  const asked = absencesToProve(input).map((id): [string, Absence] => {
    const why = unproven[id];
    return [id, why === undefined ? { state: 'gone' } : { state: 'unproven', why }];
  });
  return new Map([...input.absences, ...asked]);
}

function toDevice(json: GraphDevice): EntraDevice {
  const read = parseDevice(json);
  if (read === null) throw new Error('devices.json holds something that is no device');
  const [owner] = json.registeredOwners ?? [];
  const ownerSid: Answer<string> = owner === undefined ? null : owner.onPremisesSecurityIdentifier;
  return { ...read.device, ownerSid: json.registeredOwners === undefined ? undefined : ownerSid };
}

function toObjects(ldif: string): DeviceObject[] {
  return parseLdif(ldif).map(({ dn, attributes }) =>
    fromEntry({
      distinguishedName: dn,
      attributes: new Map([...attributes].map(([name, values]) => [name.toLowerCase(), values])),
    }),
  );
}

/** The device objects as LDIF (RFC 2849), by name, with what device writeback writes; the ids of objects are left out. */
export function toLdif(objects: readonly DeviceObject[]): string {
  return objects
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((object) => {
      const lines = ATTRIBUTE_NAMES.flatMap((name) =>
        (object.attributes[name] ?? []).map((value) => ldifLine(name, value, syntaxOf(name) === 'octet')),
      );
      const marks = object.adminDescription.map((mark) => ldifLine('adminDescription', mark, false));
      return [ldifLine('dn', object.distinguishedName, false), ...marks, ...lines, ''].join('\n');
    })
    .join('\n');
}

/** SAFE-STRING of RFC 2849: printable ASCII that begins with no space, colon or less-than sign. */
const SAFE = /^(?![ :<])[\x20-\x7e]*(?<! )$/;

function ldifLine(name: string, value: string, octets: boolean): string {
  if (!octets && SAFE.test(value)) return `${name}: ${value}`;
  return `${name}:: ${Buffer.from(value, octets ? 'hex' : 'utf8').toString('base64')}`;
}
