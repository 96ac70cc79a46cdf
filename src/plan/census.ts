import type { DeviceObject } from '../device/deviceObject.ts';
import type { Guid } from '../device/guid.ts';
import type { Census } from './change.ts';
import { isEnabled, ownershipOf } from './decide.ts';

/** Counts the objects of a whole container, one by one. */
export class CensusTaker {
  private readonly tenantId: Guid;
  private readonly totals = { objects: 0, owned: 0, unowned: 0, foreign: 0, ownedEnabled: 0 };

  constructor(tenantId: Guid) {
    this.tenantId = tenantId;
  }

  add(object: DeviceObject): void {
    const ownership = ownershipOf(object, this.tenantId);
    this.totals.objects += 1;
    this.totals[ownership] += 1;
    if (ownership === 'owned' && isEnabled(object)) this.totals.ownedEnabled += 1;
  }

  counts(): Census {
    return { ...this.totals };
  }
}

export function takeCensus(objects: readonly DeviceObject[], tenantId: Guid): Census {
  const taker = new CensusTaker(tenantId);
  for (const object of objects) taker.add(object);
  return taker.counts();
}
