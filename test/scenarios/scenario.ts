import { readFileSync } from 'node:fs';
import { ATTRIBUTE_NAMES, syntaxOf } from '../../src/device/attributes.ts';
import type { DeviceObject } from '../../src/device/deviceObject.ts';
import type { Answer, EntraDevice } from '../../src/device/entraDevice.ts';
import { fromEntry } from '../../src/directory/fromEntry.ts';
import { parseDevice } from '../../src/graph/parseDevice.ts';
import { takeCensus } from '../../src/plan/census.ts';
import { absencesToProve, type Absence, type PlanInput } from '../../src/plan/computePlan.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/plan/policy.ts';
import { parseLdif } from '../lab/ldif.ts';

/** options.json of a scenario. */
interface Options {
  /** What the scenario shows, one sentence. */
  readonly shows: string;
  readonly tenantId: string;
  readonly container: string;
  /** The domain controller's clock. */
  readonly now: string;
  /** Graph's clock, where it is another. */
  readonly sourceTime?: string | null;
  /** Attributes that the schema lacks. */
  readonly schemaLacks?: readonly string[];
  readonly policy?: Partial<Policy>;
  /** By Entra object id, why Graph did not say that it is gone; 404 is the answer for every other id. */
  readonly unproven?: Readonly<Record<string, string>>;
}

/** A device of devices.json: Graph's JSON, the owner's SID beside the owner's id. */
interface GraphDevice {
  readonly registeredOwners?: readonly { readonly onPremisesSecurityIdentifier?: string | null }[];
}

/** The input of the plan of a scenario, read through the doors that the product reads through. */
export function readScenario(folder: URL): PlanInput {
  const text = (name: string): string => readFileSync(new URL(name, folder), 'utf8');
  const options = JSON.parse(text('options.json')) as Options;
  const devices = (JSON.parse(text('devices.json')) as readonly GraphDevice[]).map(toDevice);
  const lacking = new Set(options.schemaLacks ?? []);
  const objects = toObjects(text('directory.ldif'));
  const now = new Date(options.now);
  const input: PlanInput = {
    tenantId: options.tenantId,
    container: options.container,
    available: new Set(ATTRIBUTE_NAMES.filter((name) => !lacking.has(name))),
    reading: 'full',
    devices,
    undecided: [],
    entraDevices: devices.length,
    objects,
    census: takeCensus(objects, options.tenantId),
    absences: new Map(),
    directoryTime: now,
    sourceTime: options.sourceTime === undefined ? now : toTime(options.sourceTime),
    policy: { ...DEFAULT_POLICY, ...options.policy },
  };
  return { ...input, absences: answers(input, options.unproven ?? {}) };
}

function toTime(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}

/** Only what the engine says that it will ask for is answered. */
function answers(input: PlanInput, unproven: Readonly<Record<string, string>>): ReadonlyMap<string, Absence> {
  return new Map(
    absencesToProve(input).map((id): [string, Absence] => {
      const why = unproven[id];
      return [id, why === undefined ? { state: 'gone' } : { state: 'unproven', why }];
    }),
  );
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
