import type { EntraDevice } from '../device/entraDevice.ts';
import type { Guid } from '../device/guid.ts';

/**
 * Which Entra devices should have a device object. An empty list does not restrict, and without any every device is in
 * scope, as Entra Connect does: hybrid and Workplace too. All lists that are given must fit.
 */
export interface Scope {
  /** Values of trustType: AzureAd, ServerAd, Workplace. */
  readonly trustTypes: readonly string[];
  /** Values of operatingSystem. */
  readonly operatingSystems: readonly string[];
  /** Object ids of groups; a device fits that is a member of one, directly or not. */
  readonly groups: readonly Guid[];
}

/** unread: whether the device is in scope depends on a value that could not be read. */
export type ScopeAnswer = 'in' | 'out' | 'unread';

/** @param members devices of the scope's groups; null where the scope names none */
export function scopeOf(device: EntraDevice, scope: Scope, members: ReadonlySet<Guid> | null): ScopeAnswer {
  if (scope.trustTypes.length === 0 && scope.operatingSystems.length === 0 && members === null) return 'in';
  const answers = [
    fits(device.trustType, scope.trustTypes),
    fits(device.operatingSystem, scope.operatingSystems),
    members === null || members.has(device.id) ? 'in' : 'out',
  ];
  if (answers.includes('out')) return 'out';
  return answers.includes('unread') ? 'unread' : 'in';
}

function fits(value: string | null | undefined, wanted: readonly string[]): ScopeAnswer {
  if (wanted.length === 0) return 'in';
  if (value === undefined) return 'unread';
  return wanted.some((one) => one.toLowerCase() === value?.toLowerCase()) ? 'in' : 'out';
}
