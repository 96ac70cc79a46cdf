import { displayValue } from '../device/displayValue.ts';
import { quotedText } from '../device/visibleText.ts';
import {
  ACTIONS,
  HELD_REASONS,
  type Action,
  type AttributeChange,
  type Census,
  type Change,
  type ChangeWarning,
  type Held,
  type Plan,
  type PlanSummary,
  type Refusal,
} from './change.ts';

const MARKS: Readonly<Record<Action, string>> = { create: '+', update: '~', disable: '-', enable: '+', delete: 'x' };

/** What each warning says. */
export const WARNING_SENTENCES: Readonly<Record<ChangeWarning, string>> = {
  TransportKeyStale: 'msDS-KeyCredentialLink is kept, though key or registration change',
  TransportKeyLost: 'msDS-KeyCredentialLink goes with the object, and no undo brings it back',
};

/** The whole plan as text, for reading and for golden files: no clock, no machine in it. */
export function renderText(plan: Plan): string {
  return [
    ...plan.changes.flatMap(renderChange),
    ...plan.held.map(renderHeld),
    ...plan.notices.map((notice) => `note: ${notice}`),
    ...(plan.refusal === null ? [] : renderRefusal(plan.refusal)),
    renderSummary(plan.summary, plan.reading),
    '',
  ].join('\n');
}

/** One line: what is there, what would be done, what is held. */
export function renderSummary(summary: PlanSummary, reading: Plan['reading'] = 'full'): string {
  const actions = ACTIONS.filter((action) => summary.actions[action] > 0).map(
    (action) => `${summary.actions[action]} to ${action}`,
  );
  const held = HELD_REASONS.flatMap((reason) => {
    const number = summary.held[reason];
    return number === undefined ? [] : [`${reason} ${number}`];
  });
  return [
    renderDevices(summary, reading),
    ...(summary.census === null ? [] : [renderCensus(summary.census)]),
    actions.length === 0 ? 'nothing to do' : actions.join(', '),
    `${summary.unchanged} unchanged`,
    held.length === 0 ? 'nothing held' : `held: ${held.join(', ')}`,
  ].join('; ');
}

function renderDevices({ inScope, entraDevices }: PlanSummary, reading: Plan['reading']): string {
  if (reading === 'full') return `${inScope} of ${entraDevices} Entra devices in scope`;
  return entraDevices === 0 ? 'no Entra device read' : `${inScope} of ${entraDevices} changed Entra devices in scope`;
}

function renderRefusal({ code, sentence, remedy }: Refusal): readonly string[] {
  return [`refused: ${code}: ${sentence}`, `    ${remedy}`];
}

function renderCensus({ objects, owned, unowned, foreign }: Census): string {
  return `${objects} device objects (${owned} owned, ${unowned} unowned, ${foreign} foreign)`;
}

function renderChange(change: Change): readonly string[] {
  const head = `${MARKS[change.action]} ${change.action} (${change.cause}) ${change.distinguishedName}`;
  const warnings = change.warnings.map((warning) => `    warning: ${warning}: ${WARNING_SENTENCES[warning]}`);
  return [head, `    ${change.sentence}`, ...warnings, ...change.attributes.map(renderAttribute)];
}

function renderAttribute({ attribute, before, after }: AttributeChange): string {
  const list = (values: readonly string[]): string =>
    values.length === 0 ? '(none)' : values.map((value) => quotedText(displayValue(attribute, value))).join(', ');
  const name = attribute.padEnd(24);
  return before.length === 0 ? `    ${name} ${list(after)}` : `    ${name} ${list(before)} -> ${list(after)}`;
}

function renderHeld(held: Held): string {
  const ids = [held.deviceId ?? 'no device id', `(object id ${held.objectId})`];
  const subject = held.distinguishedName ?? ids.join(' ');
  const attribute = held.attribute === null ? '' : ` ${held.attribute}`;
  return `! held ${held.reason} ${subject}${attribute}\n    ${held.sentence}`;
}
