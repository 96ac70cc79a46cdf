import type { DeviceObject } from '../device/deviceObject.ts';
import type { EntraDevice } from '../device/entraDevice.ts';
import type { Guid } from '../device/guid.ts';
import type { Plan } from './change.ts';
import type { Whereabouts } from './decide.ts';
import { Draft, SCOPE_UNREAD, type Absence, type PlanFacts } from './draft.ts';
import type { Case } from './match.ts';
import type { Matcher } from './matcher.ts';

/** Where the values are that a decision needs. */
export interface ValueReader {
  /** The device whose values wait at this offset. */
  device(offset: number): EntraDevice;
  /** Those of these objects that are there, as they are now. */
  objects(objectGuids: readonly Guid[]): Promise<ReadonlyMap<Guid, DeviceObject>>;
}

/** Cases whose values are in memory at once. */
const BATCH = 1000;

/**
 * The plan of rows: the same as `computePlan` makes of the devices and objects themselves. Only the values
 * of rows that differ are looked at. null where an object was changed between its row and now; its row is then as it is
 * now, and the plan can be asked for again; it stays null where values would be needed that were not kept.
 */
export async function planOfRows(
  matcher: Matcher,
  facts: PlanFacts,
  absences: ReadonlyMap<Guid, Absence>,
  values: ValueReader,
): Promise<Plan | null> {
  const { source } = matcher;
  const whereabouts = (anchor: Guid): Whereabouts | null => {
    const row = matcher.deviceOf(anchor);
    if (row === null) return absences.get(anchor) ?? null;
    const scope = source.scope(row);
    if (scope === 'in') return { state: 'inScope', device: values.device(source.offset(row)) };
    if (scope === 'out') return { state: 'outOfScope' };
    return { state: 'unproven', why: SCOPE_UNREAD, device: values.device(source.offset(row)) };
  };
  const draft = new Draft(facts, matcher.secondWriter, whereabouts);
  for (let row = 0; row < source.table.count; row += 1) {
    if (source.counts(row) && source.scope(row) === 'unread') draft.undecided(values.device(source.offset(row)));
  }
  let decided = true;
  const moved: Moved[] = [];
  for (const batch of differing(matcher, draft)) {
    decided = (await decideBatch(batch, matcher, draft, values, moved)) && decided;
  }
  for (const { row, object } of moved) matcher.refresh(row, object);
  if (!decided) return null;
  const { all, inScope } = matcher.devices();
  return draft.finish({ entraDevices: all, inScope, census: matcher.census() });
}

/** The cases whose values must be looked at, in batches. */
function* differing(matcher: Matcher, draft: Draft): Generator<readonly Case[]> {
  let batch: Case[] = [];
  for (const situation of matcher.match()) {
    const settled = matcher.settled(situation);
    if (settled === 'unchanged') draft.unchanged();
    if (settled !== null) continue;
    batch.push(situation);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** An object that is not any longer as its row says; null: it is gone. */
interface Moved {
  readonly row: number;
  readonly object: DeviceObject | null;
}

/** Decides the cases that it can; returns whether that was all of them. */
async function decideBatch(
  batch: readonly Case[],
  matcher: Matcher,
  draft: Draft,
  values: ValueReader,
  moved: Moved[],
): Promise<boolean> {
  const { source } = matcher;
  const rows = batch.flatMap((situation) => objectOf(situation) ?? []);
  const objects = rows.length === 0 ? new Map<Guid, DeviceObject>() : await values.objects(rows.map(guidOf));
  let decided = 0;
  for (const situation of batch) {
    const row = objectOf(situation);
    const object = row === null ? null : (objects.get(guidOf(row)) ?? null);
    const device = 'device' in situation ? situation.device : null;
    if (row !== null && !matcher.isAsRead(row, object)) moved.push({ row, object });
    // Only of a device whose object was its equal and is not any longer are the values not there.
    else if (device === null || source.isWhole(device) || !needsAllValues(situation)) {
      draft.decide(situation, device === null ? null : values.device(source.offset(device)), object);
      decided += 1;
    }
  }
  return decided === batch.length;

  function guidOf(row: number): Guid {
    return matcher.directory.objectGuid(row);
  }
}

function objectOf(situation: Case): number | null {
  return 'object' in situation ? situation.object : null;
}

function needsAllValues({ kind }: Case): boolean {
  return kind === 'pair' || kind === 'sourceOnly';
}
