import type { Guid } from '../device/guid.ts';

/** Whose an object is: it carries this tenant's mark, none, or another tenant's. */
export type Ownership = 'owned' | 'unowned' | 'foreign';

/** What matching needs of one Entra device in scope. */
export interface SourceRow {
  readonly id: Guid;
  /** null where Entra gave none that can be used. */
  readonly deviceId: Guid | null;
  readonly keys: readonly string[];
}

/** What matching needs of one device object. */
export interface DirectoryRow {
  readonly deviceId: Guid;
  readonly anchor: Guid | null;
  readonly ownership: Ownership;
  readonly name: string;
  readonly keys: readonly string[];
}

/**
 * How one device, one object, or one of each stand to each other; numbers are positions in the rows. Every object and
 * every device in scope is in at least one case, an object in exactly one.
 *
 * | case                 | the directory has                                              | the source has              |
 * |----------------------|----------------------------------------------------------------|-----------------------------|
 * | pair                 | one object, joined by device id or anchor                      | one device                  |
 * | sourceOnly           | nothing, or only its name or its key on another object         | one device                  |
 * | directoryOnly        | one object                                                     | nothing                     |
 * | foreign              | an object of another tenant                                    | one device, or nothing      |
 * | duplicateInDirectory | objects that share device id, anchor or the device they join   | any                         |
 * | duplicateInSource    | one object, or nothing                                         | devices that share device id or object |
 */
export type Case =
  | { readonly kind: 'pair'; readonly device: number; readonly object: number }
  | { readonly kind: 'sourceOnly'; readonly device: number; readonly nameTaken: boolean; readonly keyInUse: boolean }
  | { readonly kind: 'directoryOnly'; readonly object: number }
  | { readonly kind: 'foreign'; readonly object: number; readonly device: number | null }
  | { readonly kind: 'duplicateInDirectory'; readonly object: number; readonly device: number | null }
  | { readonly kind: 'duplicateInSource'; readonly object: number | null; readonly device: number | null };

/** Joins both sides by msDS-DeviceID and anchor. Never guesses: what leads to two is a duplicate, not a choice. */
export function match(source: readonly SourceRow[], directory: readonly DirectoryRow[]): readonly Case[] {
  const objectsByDeviceId = groupBy(directory, (row) => [row.deviceId]);
  const objectsByAnchor = groupBy(directory, (row) => (row.anchor === null ? [] : [row.anchor]));
  const devicesByDeviceId = groupBy(source, (row) => (row.deviceId === null ? [] : [row.deviceId]));

  const joined = source.map((row) => [
    ...new Set([
      ...(row.deviceId === null ? [] : (objectsByDeviceId.get(row.deviceId) ?? [])),
      ...(objectsByAnchor.get(row.id) ?? []),
    ]),
  ]);
  const devicesOf = directory.map((): number[] => []);
  joined.forEach((objects, device) => objects.forEach((object) => devicesOf[object]?.push(device)));

  const doubledObjects = new Set<number>();
  for (const group of [...objectsByDeviceId.values(), ...objectsByAnchor.values(), ...joined]) {
    if (group.length > 1) group.forEach((object) => doubledObjects.add(object));
  }
  const doubledDevices = new Set<number>();
  for (const group of [...devicesByDeviceId.values(), ...devicesOf]) {
    if (group.length > 1) group.forEach((device) => doubledDevices.add(device));
  }

  const cases: Case[] = [];
  directory.forEach((row, object) => {
    const devices = devicesOf[object] ?? [];
    const device = devices[0] ?? null;
    if (row.ownership === 'foreign') cases.push({ kind: 'foreign', object, device });
    else if (doubledObjects.has(object)) cases.push({ kind: 'duplicateInDirectory', object, device });
    else if (devices.some((one) => doubledDevices.has(one)))
      cases.push({ kind: 'duplicateInSource', object, device: null });
    else if (device === null) cases.push({ kind: 'directoryOnly', object });
    else cases.push({ kind: 'pair', device, object });
  });

  const names = new Set(directory.map((row) => row.name.toLowerCase()));
  const keys = new Map<string, number>();
  for (const row of directory) row.keys.forEach((key) => keys.set(key, 1));
  const newcomers = source.flatMap((_, device) =>
    (joined[device] ?? []).length === 0 && !doubledDevices.has(device) ? [device] : [],
  );
  for (const device of newcomers) source[device]?.keys.forEach((key) => keys.set(key, (keys.get(key) ?? 0) + 1));
  source.forEach((_, device) => {
    if (doubledDevices.has(device)) cases.push({ kind: 'duplicateInSource', object: null, device });
  });
  for (const device of newcomers) {
    const row = source[device];
    if (row === undefined) continue;
    cases.push({
      kind: 'sourceOnly',
      device,
      nameTaken: row.deviceId !== null && names.has(row.deviceId),
      keyInUse: row.keys.some((key) => (keys.get(key) ?? 0) > 1),
    });
  }
  return cases;
}

function groupBy<T>(rows: readonly T[], keysOf: (row: T) => readonly string[]): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  rows.forEach((row, index) => {
    for (const key of keysOf(row)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [index]);
      else group.push(index);
    }
  });
  return groups;
}
