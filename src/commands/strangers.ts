import type { DeviceObject } from '../device/deviceObject.ts';
import type { Guid } from '../device/guid.ts';
import type { Log } from '../log.ts';
import type { Hints } from '../ports.ts';
import { ownershipOf } from '../plan/decide.ts';

/**
 * Evidence of another machine that syncs this tenant to this directory: more objects with this tenant's mark were created
 * since the last whole read than this machine created. The lock sees runs of one machine only.
 */
export class Strangers {
  private readonly tenantId: Guid;
  private readonly since: Date | null;
  private readonly own: number;
  private count = 0;
  private latest: DeviceObject | null = null;

  /** @param witness what the runs of this machine have seen and created; null if that is not known: nothing is evidence */
  constructor(tenantId: Guid, witness: NonNullable<Hints['witness']> | null) {
    this.tenantId = tenantId;
    this.since = witness === null ? null : new Date(witness.seen);
    this.own = witness?.created ?? 0;
  }

  see(object: DeviceObject): void {
    if (this.since === null || object.whenCreated <= this.since) return;
    if (ownershipOf(object, this.tenantId) !== 'owned') return;
    this.count += 1;
    if (this.latest === null || object.whenCreated > this.latest.whenCreated) this.latest = object;
  }

  /** Warns if there is any; a run of this machine that was killed since explains them too. */
  tell(log: Log): void {
    if (this.latest === null || this.count <= this.own) return;
    log.warning(
      `${this.count - this.own} device objects with this tenant's mark were created by another than this machine since its last whole read, ` +
        `the latest at ${this.latest.whenCreated.toISOString()} (${this.latest.distinguishedName}): ` +
        'another machine or account syncs this directory too. Let one do it.',
    );
  }
}
