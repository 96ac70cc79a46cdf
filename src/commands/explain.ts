import { readAnchor } from '../device/anchor.ts';
import { attributeFlow, SOURCES } from '../device/attributeFlow.ts';
import { adFsView } from '../device/adFsView.ts';
import {
  ATTRIBUTE_NAMES,
  MARK_ATTRIBUTE,
  type AttributeName,
  type AttributeValues,
  type Values,
} from '../device/attributes.ts';
import type { DeviceObject } from '../device/deviceObject.ts';
import { sameName } from '../device/distinguishedName.ts';
import type { EntraDevice } from '../device/entraDevice.ts';
import { parseGuid } from '../device/guid.ts';
import { WritebackError } from '../errors.ts';
import type { Change } from '../plan/change.ts';
import { deviceIdOf, leadsTo, ownershipOf } from '../plan/decide.ts';
import { displayValue } from '../device/displayValue.ts';
import type { Outputs, WireDevice, WireDeviceAttribute } from '../protocol/messages.ts';
import type { Watch } from './fullRead.ts';
import type { PlannedRun } from './plan.ts';
import { capital } from './wire.ts';

/** One device explained for each identity: what Graph says, what should be, what is, what the plan would do and why. */
export async function explainDevices(run: PlannedRun, identities: readonly string[], outputs: Outputs): Promise<void> {
  for (const identity of identities) {
    const subjects = find(run, identity);
    for (const subject of subjects) await outputs.emit('device', explain(run, identity, subject));
    if (subjects.length === 0) {
      outputs.error(
        new WritebackError('DeviceNotFound', `Neither Entra nor ${run.plan.container} has a device "${identity}".`, {
          target: identity,
          remedy: 'Give a device id, an Entra object id, a display name or the DN of a device object.',
        }).toJSON(),
      );
    }
  }
}

/** Keeps what the identities name while everything is read. */
export function watchFor(identities: readonly string[]): Watch {
  return {
    object: (object) => identities.some((identity) => namesObject(identity, object)),
    device: (device) => identities.some((identity) => namesDevice(identity, device)),
  };
}

interface Subject {
  readonly device: EntraDevice | null;
  readonly object: DeviceObject | null;
}

/** Each Entra device and each device object that the identity names, joined as the plan joins them. */
function find({ devices, objects }: PlannedRun, identity: string): readonly Subject[] {
  const found = objects.filter((object) => namesObject(identity, object));
  const named = devices.filter(
    (device) => namesDevice(identity, device) || found.some((object) => leadsTo(device, object)),
  );
  const joined = named.flatMap((device): Subject[] => {
    const theirs = objects.filter((object) => leadsTo(device, object));
    return theirs.length === 0 ? [{ device, object: null }] : theirs.map((object) => ({ device, object }));
  });
  const alone = found.filter((object) => !joined.some((subject) => subject.object === object));
  return [...joined, ...alone.map((object) => ({ device: null, object }))];
}

function namesObject(identity: string, object: DeviceObject): boolean {
  const guid = parseGuid(identity);
  return (
    (guid !== null && [deviceIdOf(object), object.objectGuid, anchorOf(object)].includes(guid)) ||
    object.attributes.displayName?.[0]?.toLowerCase() === identity.toLowerCase() ||
    sameName(object.distinguishedName, identity)
  );
}

function namesDevice(identity: string, device: EntraDevice): boolean {
  const guid = parseGuid(identity);
  return (
    (guid !== null && [device.deviceId, device.id].includes(guid)) ||
    device.displayName?.toLowerCase() === identity.toLowerCase()
  );
}

function anchorOf(object: DeviceObject): string | null {
  return readAnchor(object.attributes['msDS-CloudAnchor']);
}

function explain({ plan, available }: PlannedRun, identity: string, { device, object }: Subject): WireDevice {
  const deviceId = device?.deviceId ?? (object === null ? null : deviceIdOf(object));
  const objectId = device?.id ?? (object === null ? null : anchorOf(object));
  const concerns = (one: { objectId: string | null; distinguishedName: string | null }): boolean =>
    object === null ? one.objectId === objectId : one.distinguishedName === object.distinguishedName;
  const change = plan.changes.find(concerns);
  const held = plan.held.filter(concerns);
  const nothing =
    device === null
      ? 'There is nothing to do: no Entra device asks for it.'
      : object === null
        ? 'There is nothing to do: the Entra device is out of scope.'
        : 'The object equals the Entra device, or waits as the plan wants it to.';
  const sentences = [...(change === undefined ? [] : [change.sentence]), ...held.map((one) => one.sentence)];
  return {
    identity,
    name: device?.displayName ?? object?.attributes.displayName?.[0] ?? null,
    deviceId,
    objectId,
    distinguishedName: object?.distinguishedName ?? change?.distinguishedName ?? null,
    verdict: change !== undefined ? capital(change.action) : held.length > 0 ? 'Held' : 'Nothing',
    reason: change === undefined ? (held[0]?.reason ?? null) : capital(change.cause),
    description: sentences.length === 0 ? nothing : sentences.join(' '),
    ownership: object === null ? 'Absent' : capital(ownershipOf(object, plan.tenantId)),
    adFs: adFsView(valuesAfter(object, change), object?.hasTransportKey ?? false).map(
      ({ name, value }) => `${name}: ${value}`,
    ),
    attributes: ATTRIBUTE_NAMES.filter((name) => available.has(name)).map((name) =>
      explainAttribute(name, device, object, available),
    ),
  };
}

/** The values of the object once the change is applied, null where there will be none. */
function valuesAfter(object: DeviceObject | null, change: Change | undefined): AttributeValues | null {
  if (change?.action === 'delete' || (object === null && change === undefined)) return null;
  const values: Partial<Record<AttributeName, Values>> = { ...object?.attributes };
  for (const { attribute, after } of change?.attributes ?? []) {
    if (attribute !== MARK_ATTRIBUTE) values[attribute] = after;
  }
  return values;
}

function explainAttribute(
  name: AttributeName,
  device: EntraDevice | null,
  object: DeviceObject | null,
  available: ReadonlySet<AttributeName>,
): WireDeviceAttribute {
  const flowed = device === null ? undefined : attributeFlow(device, available)[name];
  const current = object?.attributes[name] ?? [];
  const desired = flowed === undefined || flowed.kind === 'left' ? current : flowed.values;
  const show = (values: readonly string[]): readonly string[] => values.map((value) => displayValue(name, value));
  return {
    name,
    source: device === null ? null : sourceText(device, name),
    desired: show(desired),
    current: show(current),
  };
}

function sourceText(device: EntraDevice, name: AttributeName): string | null {
  const answer = device[SOURCES[name]];
  if (answer === undefined) return '(not read)';
  if (answer === null) return null;
  return typeof answer === 'string' ? answer : JSON.stringify(answer);
}
