import type { DeviceObject } from '../device/deviceObject.ts';
import type { Guid } from '../device/guid.ts';
import type { Log } from '../log.ts';
import { ownershipOf } from '../plan/decide.ts';

/**
 * Evidence of another machine that syncs this tenant to this directory: objects with this tenant's mark that were created
 * after the last run of this machine had ended, by the domain controller's clock. The lock sees runs of one machine only.
 */
export class Strangers {
  private readonly tenantId: Guid;
  private readonly since: Date | null;
  private count = 0;
  private latest: DeviceObject | null = null;

  /** @param since when the last run of this machine ended; null if that is not known, and then nothing is evidence */
  constructor(tenantId: Guid, since: Date | null) {
    this.tenantId = tenantId;
    this.since = since;
  }

  see(object: DeviceObject): void {
    if (this.since === null || object.whenCreated <= this.since) return;
    if (ownershipOf(object, this.tenantId) !== 'owned') return;
    this.count += 1;
    if (this.latest === null || object.whenCreated > this.latest.whenCreated) this.latest = object;
  }

  /** Warns if there is any; a run of this machine that was killed since explains them too. */
  tell(log: Log): void {
    if (this.latest === null) return;
    log.warning(
      `${this.count} device objects with this tenant's mark were created since the last run of this machine ended, ` +
        `the latest at ${this.latest.whenCreated.toISOString()} (${this.latest.distinguishedName}): ` +
        'another machine or account syncs this directory too. Let one do it.',
    );
  }
}
