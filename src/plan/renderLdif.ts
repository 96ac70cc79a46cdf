import { MARK_ATTRIBUTE, sameValues, syntaxOf, type Values, type WritableAttribute } from '../device/attributes.ts';
import type { AttributeChange, Change, Plan } from './change.ts';
import { WARNING_SENTENCES } from './render.ts';
import { appliesThoughRefused } from './thresholds.ts';

/**
 * The plan as LDIF change records (RFC 2849) for reading with the tools of a directory; `ldapmodify` and `ldifde -i` take
 * it. Each modify names the old values and the mark, so that a server refuses it where they changed; before a delete
 * stands a modify of the mark alone, at which they stop if it changed. Of a refused plan only what may be applied stands
 * there, the rest in comments. What is said beside the changes stands in comments. No clock, no machine in it.
 */
export function renderLdif(plan: Plan): string {
  return [
    'version: 1',
    comment(`tenant ${plan.tenantId}, container ${plan.container}, digest ${plan.digest}`),
    ...plan.notices.map((notice) => comment(notice)),
    ...(plan.refusal === null ? [] : [comment(`refused: ${plan.refusal.code}: ${plan.refusal.sentence}`)]),
    '',
    ...plan.changes.flatMap((change) => [...record(change, plan), '']),
    ...plan.held.map(({ reason, sentence }) => comment(`held ${reason}: ${sentence}`)),
    '',
  ].join('\n');
}

/** A change that a refused plan does not allow is for reading only. */
function record(change: Change, { refusal }: Plan): readonly string[] {
  const lines = renderChange(change);
  return refusal === null || appliesThoughRefused(change)
    ? lines
    : lines.map((text) => (text.startsWith('#') ? text : `# ${text}`));
}

function renderChange(change: Change): readonly string[] {
  const head = [
    comment(change.sentence),
    ...change.warnings.map((warning) => comment(`warning: ${warning}: ${WARNING_SENTENCES[warning]}`)),
    line('dn', Buffer.from(change.distinguishedName)),
  ];
  if (change.action === 'delete') {
    const name = line('dn', Buffer.from(change.distinguishedName));
    const guarded = change.mark === null ? [] : ['changetype: modify', ...markAgain(change.mark), '', name];
    return [...head, ...guarded, 'changetype: delete'];
  }
  if (change.action === 'create') {
    const given = change.attributes.flatMap(({ attribute, after }) => valueLines(attribute, after));
    return [...head, 'changetype: add', 'objectClass: msDS-Device', ...given];
  }
  return [...head, 'changetype: modify', ...guard(change), ...change.attributes.flatMap(modification)];
}

/** Deletes the mark and adds it again, which fails where it is not the planned one. */
function guard({ attributes, mark }: Change): readonly string[] {
  const changes = attributes.some((one) => one.attribute === MARK_ATTRIBUTE && !sameValues(one.before, one.after));
  return changes || mark === null ? [] : markAgain(mark);
}

function markAgain(mark: string): readonly string[] {
  return [...part('delete', MARK_ATTRIBUTE, [mark]), ...part('add', MARK_ATTRIBUTE, [mark])];
}

function modification({ attribute, before, after }: AttributeChange): readonly string[] {
  const goes = before.filter((value) => !after.includes(value));
  const comes = after.filter((value) => !before.includes(value));
  return [...part('delete', attribute, goes), ...part('add', attribute, comes)];
}

function part(operation: 'add' | 'delete', attribute: WritableAttribute, values: Values): readonly string[] {
  return values.length === 0 ? [] : [`${operation}: ${attribute}`, ...valueLines(attribute, values), '-'];
}

function valueLines(attribute: WritableAttribute, values: Values): readonly string[] {
  const encoding = syntaxOf(attribute) === 'octet' ? 'hex' : 'utf8';
  return values.map((value) => line(attribute, Buffer.from(value, encoding)));
}

/** SAFE-STRING of RFC 2849, less its control characters: what begins with no space, colon or less-than sign. */
const SAFE = /^(?![ :<])[\x20-\x7e]*(?<! )$/;

function line(name: string, value: Buffer): string {
  const text = value.toString('latin1');
  return SAFE.test(text) ? `${name}: ${text}` : `${name}:: ${value.toString('base64')}`;
}

/** A sentence is one line already; in a plan that somebody else wrote it might not be. */
function comment(text: string): string {
  return `# ${text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, ' ')}`;
}
