import { attributeFlow } from '../device/attributeFlow.ts';
import { ATTRIBUTE_NAMES, sameValues, type AttributeName } from '../device/attributes.ts';
import type { EntraDevice } from '../device/entraDevice.ts';
import type { Guid } from '../device/guid.ts';
import { sameName } from '../device/distinguishedName.ts';
import { quotedText } from '../device/visibleText.ts';
import { WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import { CensusTaker } from '../plan/census.ts';
import type { Change, Held, Plan } from '../plan/change.ts';
import { countActions, countHeld } from '../plan/counts.ts';
import { heldInOrder } from '../plan/order.ts';
import { scopeOf, type ScopeAnswer } from '../plan/scope.ts';
import { countsAsRemoval } from '../plan/thresholds.ts';
import { checkPlan, refusalOf } from '../plan/checkPlan.ts';
import { renderText } from '../plan/render.ts';
import { renderLdif } from '../plan/renderLdif.ts';
import type { Directory, DeviceSource, Outside } from '../ports.ts';
import {
  directorySettings,
  planFileOptions,
  policyOf,
  savedFormat,
  scopeOptions,
  sourceSettings,
  stateSettings,
  type Options,
} from './options.ts';
import {
  availableAttributes,
  directoryClock,
  domainOf,
  findPlace,
  millisecondsSince,
  refuseOtherTenant,
  refuseOtherToken,
} from './place.ts';
import type { PlannedRun } from './plan.ts';
import { membersOf } from './read.ts';
import { Strangers } from './strangers.ts';

/** Saves a plan as the options say, if they say so: to be applied later, or to be reviewed. */
export function saveIfAsked(run: PlannedRun, options: Options, outside: Outside): void {
  const outFile = options.text('outFile');
  if (outFile === null) return;
  const { plan, place, directory } = run;
  const format = savedFormat(options);
  if (format === 'Text') outside.saveText(outFile, renderText(plan));
  else if (format === 'Ldif') outside.saveText(outFile, renderLdif(plan));
  else {
    const made = outside.clock.now().toISOString();
    outside.savePlan(outFile, { ...plan, made, server: directory.server, containerGuid: place.objectGuid });
  }
}

/**
 * The plan of a file instead of a new one, trusted for nothing: every change is checked as for a new plan, the thresholds
 * are counted against the container as it is now, and the next run reads everything.
 */
export async function planFromFile(
  options: Options,
  outside: Outside,
  log: Log,
  signal: AbortSignal,
): Promise<PlannedRun> {
  const { tenantId, ...settings } = sourceSettings(options, log);
  const policy = policyOf(options);
  const { path, digest, maximumAgeHours } = planFileOptions(options);
  const directory = await outside.openDirectory(directorySettings(options), log);
  try {
    const place = await findPlace(directory, options.text('domainName'), signal);
    const { container, objectGuid: containerGuid, rootDse } = place;
    refuseOtherTenant(tenantId, await directory.serviceConnectionPoint(signal));
    const now = outside.clock.now();
    const expected = { tenantId, container, containerGuid, digest, now, maximumAgeHours };
    const { made, server: _server, containerGuid: _guid, ...saved } = outside.loadPlan(path, expected);
    refuseFaults(path, saved, { tenantId, container, made: new Date(made), now: rootDse.currentTime, policy });
    const source = await outside.openSource({ ...settings, tenantId }, log);
    refuseOtherToken(tenantId, await source.signIn(signal));
    const ownedEnabled = await countOwnedEnabled(path, saved, directory, signal);
    const devices = await devicesOf(saved.changes, source, signal);
    const scope = scopeOptions(options);
    const members = await membersOf(scope, source, signal);
    const plan = stillTrue(saved, (change) => agrees(change, devices, (device) => scopeOf(device, scope, members)));
    if (plan.held.length > saved.held.length) {
      log.warning(
        `${plan.held.length - saved.held.length} changes rest on what Entra does not say any longer: they are held.`,
      );
    }
    const available = await availableAttributes(directory, place, signal);
    tellContradictions(plan, available, devices, log);
    return {
      plan: { ...plan, refusal: refusalOf(plan, ownedEnabled, policy) },
      inputs: { policy, scope: null },
      reading: {
        kind: 'planFile',
        why: `${path}, made ${made}`,
        milliseconds: millisecondsSince(now, outside.clock),
      },
      place,
      available,
      devices: [],
      objects: [],
      source,
      directory,
      files: outside.openRunFiles(stateSettings(options, tenantId, domainOf(rootDse)), log),
      strangers: new Strangers(tenantId, null),
      directoryTime: directoryClock(rootDse, now, outside.clock),
      previous: null,
      next: null,
      close: () => directory.close(),
    };
  } catch (error) {
    await directory.close();
    throw error;
  }
}

function refuseFaults(path: string, plan: Plan, rules: Parameters<typeof checkPlan>[1]): void {
  const faults = checkPlan(plan, rules);
  const [first] = faults;
  if (first === undefined) return;
  const more = faults.length === 1 ? '' : ` (and ${faults.length - 1} more)`;
  throw new WritebackError(
    'PlanFileInvalid',
    `The plan of ${path} is none that this version makes: ${first.distinguishedName ?? 'the whole plan'}: ${first.fault}${more}.`,
    { target: first.distinguishedName ?? path, remedy: 'Make a new plan with Get-DeviceWritebackPlan -OutFile.' },
  );
}

/** Counts the container as it is now, and refuses a plan that gives an object another's name. */
async function countOwnedEnabled(
  path: string,
  { changes, container, tenantId }: Plan,
  directory: Directory,
  signal: AbortSignal,
): Promise<number> {
  const names = new Map(
    changes.flatMap(({ objectGuid, distinguishedName }) =>
      objectGuid === null ? [] : [[objectGuid, distinguishedName]],
    ),
  );
  const census = new CensusTaker(tenantId);
  for await (const object of directory.devices(container, signal)) {
    census.add(object);
    const name = names.get(object.objectGuid);
    if (name === undefined || sameName(name, object.distinguishedName)) continue;
    throw new WritebackError(
      'PlanFileInvalid',
      `The plan of ${path} names ${name} for the object ${object.distinguishedName}.`,
      { target: object.distinguishedName, remedy: 'Make a new plan with Get-DeviceWritebackPlan -OutFile.' },
    );
  }
  return census.counts().ownedEnabled;
}

/** What Entra says now of the devices that the changes are about; null: gone. What is not here was not proven. */
async function devicesOf(
  changes: readonly Change[],
  source: DeviceSource,
  signal: AbortSignal,
): Promise<ReadonlyMap<Guid, EntraDevice | null>> {
  const asked = changes.filter(({ cause }) => cause !== 'flow' && cause !== 'adoption');
  const ids = new Set(asked.flatMap(({ objectId }) => objectId ?? []));
  const devices = new Map<Guid, EntraDevice | null>();
  if (ids.size === 0) return devices;
  for await (const presence of source.devicesById([...ids], signal)) {
    if (presence.state === 'present') devices.set(presence.id, presence.device);
    else if (presence.state === 'gone') devices.set(presence.id, null);
  }
  return devices;
}

/**
 * Whether Entra still says what the change rests on: a removal and a delete need a device that is gone or out of scope, a
 * revocation one that is disabled, the other disable one without a key.
 */
function agrees(
  { cause, objectId }: Change,
  devices: ReadonlyMap<Guid, EntraDevice | null>,
  scope: (device: EntraDevice) => ScopeAnswer,
): boolean {
  if (cause === 'flow' || cause === 'adoption' || cause === 'undo') return true;
  const device = objectId === null ? undefined : devices.get(objectId);
  if (device === undefined) return false;
  if (cause === 'stated') return device?.accountEnabled === false;
  if (cause === 'noKey') return device?.alternativeSecurityIds?.length === 0;
  return device === null || scope(device) === 'out';
}

/** The plan less the changes that are not true any longer, which are held. */
function stillTrue(plan: Plan, isTrue: (change: Change) => boolean): Plan {
  const changes = plan.changes.filter(isTrue);
  const lapsed = plan.changes
    .filter((change) => !isTrue(change))
    .map((change): Held => ({
      reason: 'AbsenceUnproven',
      deviceId: change.deviceId,
      objectId: change.objectId,
      distinguishedName: change.distinguishedName,
      displayName: change.displayName,
      attribute: null,
      sentence: `${quotedText(change.displayName)} is left as it is: Entra does not say any longer what the plan rests on.`,
    }));
  const held = heldInOrder([...plan.held, ...lapsed]);
  const removals = changes.filter(countsAsRemoval).length;
  return {
    ...plan,
    changes,
    held,
    summary: { ...plan.summary, actions: countActions(changes), held: countHeld(held), removals },
  };
}

/** Names what an undo plan sets against Entra: the next sync sets it right again. */
function tellContradictions(
  { changes }: Plan,
  available: ReadonlySet<AttributeName>,
  devices: ReadonlyMap<Guid, EntraDevice | null>,
  log: Log,
): void {
  const undone = changes.filter((change) => change.cause === 'undo' && change.objectId !== null);
  const contradicted = undone.filter((change) =>
    contradicts(change, devices.get(change.objectId ?? '') ?? undefined, available),
  );
  if (contradicted.length === 0) return;
  const names = contradicted.map(({ displayName }) => quotedText(displayName));
  const shown = names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
  log.warning(
    `Entra contradicts ${names.length} of ${changes.length} changes, and the next sync undoes them: ${shown}.`,
  );
}

/** Whether the change leaves the object otherwise than the device in Entra asks for. */
function contradicts(change: Change, device: EntraDevice | undefined, available: ReadonlySet<AttributeName>): boolean {
  // A device that is gone asks for no enabled object, one that is there for an object.
  if (device === undefined) return change.action !== 'delete' && change.action !== 'disable';
  if (change.action === 'delete') return true;
  const flow = attributeFlow(device, available);
  return ATTRIBUTE_NAMES.some((name) => {
    const given = change.attributes.find(({ attribute }) => attribute === name);
    const wanted = flow[name];
    return given !== undefined && wanted?.kind === 'values' && !sameValues(given.after, wanted.values);
  });
}
