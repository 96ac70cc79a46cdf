import type { StoredDevice } from '../emulator/entityTypes.ts';

/** The parameters of a run that name its scope. */
export type ScopeOption = Readonly<Partial<Record<'trustType' | 'operatingSystem' | 'group', readonly string[]>>>;

/** Told without the engine. `members` are those of the one group that may be named. */
export function inScope(device: StoredDevice, scope: ScopeOption, members: readonly string[]): boolean {
  const { trustType, operatingSystem, group } = scope;
  return (
    (trustType === undefined || trustType.includes(String(device['trustType']))) &&
    (operatingSystem === undefined || operatingSystem.includes(String(device['operatingSystem']))) &&
    (group === undefined || members.includes(device.id))
  );
}
