import { readAnchor } from '../device/anchor.ts';
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

const DAY = 24 * 60 * 60 * 1000;

/**
 * Whether an object shows that another program writes devices of Entra here: it carries an anchor and no mark, and was
 * created in the last 24 hours. Entra Connect writes the anchor; the objects of AD FS have none.
 */
export function showsSecondWriter(object: DeviceObject, tenantId: Guid, now: Date): boolean {
  return (
    now.getTime() - object.whenCreated.getTime() < DAY &&
    ownershipOf(object, tenantId) === 'unowned' &&
    readAnchor(object.attributes['msDS-CloudAnchor']) !== null
  );
}

export function takeCensus(objects: readonly DeviceObject[], tenantId: Guid): Census {
  const taker = new CensusTaker(tenantId);
  for (const object of objects) taker.add(object);
  return taker.counts();
}
