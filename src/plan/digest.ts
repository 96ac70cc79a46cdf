import { createHash, hash } from 'node:crypto';
import type { AttributeChange, Change } from './change.ts';
import { byDeviceId } from './order.ts';

/** SHA-256 over the changes in device-id order, as 64 lower-case hexadecimal digits: the same changes, the same digest. */
export function digest(changes: readonly Change[]): string {
  const whole = createHash('sha256');
  for (const change of changes.toSorted(byDeviceId)) whole.update(`${JSON.stringify(canonical(change))}\n`);
  return whole.digest('hex');
}

/** The first 128 bits of a text's SHA-256, as 32 lower-case hexadecimal digits: what stands for the text in a row. */
export function shortDigest(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}

/** The members in the order of the alphabet, named one by one: a general sort costs several times what the text does. */
function canonical(change: Change): Change {
  const { action, attributes, cause, deviceId, displayName, distinguishedName } = change;
  const { mark, objectGuid, objectId, sentence, warnings } = change;
  return {
    action,
    attributes: attributes.map(({ after, attribute, before }): AttributeChange => ({ after, attribute, before })),
    cause,
    deviceId,
    displayName,
    distinguishedName,
    mark,
    objectGuid,
    objectId,
    sentence,
    warnings,
  };
}
