import { attributeFlow } from '../device/attributeFlow.ts';
import { ATTRIBUTE_NAMES, sameValues, type AttributeName } from '../device/attributes.ts';
import type { EntraDevice } from '../device/entraDevice.ts';
import type { Guid } from '../device/guid.ts';
import { quotedText } from '../device/quotedText.ts';
import { WritebackError } from '../errors.ts';
import type { Log } from '../log.ts';
import { CensusTaker } from '../plan/census.ts';
import type { Change, Plan } from '../plan/change.ts';
import { checkPlan, refusalOf } from '../plan/checkPlan.ts';
import { renderText } from '../plan/render.ts';
import { renderLdif } from '../plan/renderLdif.ts';
import type { Directory, DeviceSource, Outside } from '../ports.ts';
import {
  directorySettings,
  planFileOptions,
  policyOf,
  savedFormat,
  sourceSettings,
  stateSettings,
  type Options,
} from './options.ts';
import { availableAttributes, directoryClock, domainOf, findPlace, refuseOtherTenant, type Place } from './place.ts';
import type { PlannedRun } from './plan.ts';
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
    const place = await findPlace(directory, signal);
    const { container, objectGuid: containerGuid, rootDse } = place;
    refuseOtherTenant(tenantId, await directory.serviceConnectionPoint(signal));
    const now = outside.clock.now();
    const expected = { tenantId, container, containerGuid, digest, now, maximumAgeHours };
    const { made, server: _server, containerGuid: _guid, ...saved } = outside.loadPlan(path, expected);
    refuseFaults(path, saved, { tenantId, container, made: new Date(made), now: rootDse.currentTime, policy });
    const ownedEnabled = await countOwnedEnabled(directory, container, tenantId, signal);
    const plan: Plan = { ...saved, refusal: refusalOf(saved, ownedEnabled, policy) };
    const source = await outside.openSource({ ...settings, tenantId }, log);
    const available = await availableAttributes(directory, place, signal);
    await tellContradictions(plan, available, source, log, signal);
    return {
      plan,
      reading: { kind: 'planFile', why: `${path}, made ${made}` },
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

async function countOwnedEnabled(
  directory: Directory,
  container: Place['container'],
  tenantId: Guid,
  signal: AbortSignal,
): Promise<number> {
  const census = new CensusTaker(tenantId);
  for await (const object of directory.devices(container, signal)) census.add(object);
  return census.counts().ownedEnabled;
}

/** Names what an undo plan sets against Entra: the next sync sets it right again. */
async function tellContradictions(
  { changes }: Plan,
  available: ReadonlySet<AttributeName>,
  source: DeviceSource,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const undone = changes.filter((change) => change.cause === 'undo' && change.objectId !== null);
  if (undone.length === 0) return;
  const devices = new Map<Guid, EntraDevice>();
  for await (const presence of source.devicesById(
    [...new Set(undone.flatMap(({ objectId }) => objectId ?? []))],
    signal,
  )) {
    if (presence.state === 'present') devices.set(presence.id, presence.device);
  }
  const contradicted = undone.filter((change) => contradicts(change, devices.get(change.objectId ?? ''), available));
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
