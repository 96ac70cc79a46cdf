/** The changes and held differences of a report, as its page shows them. */
import { displayValue } from '../device/displayValue.ts';
import { HELD_REASONS, type AttributeChange, type Change, type Held, type HeldReason } from '../plan/change.ts';
import { html, NOTHING, type Html } from './html.ts';
import type { ReportChange } from './report.ts';

/** So many of each list are shown; the report itself has all. */
const MOST_SHOWN = 1000;

const STATES: readonly ReportChange['result']['state'][] = ['failed', 'unknown', 'skipped', 'cancelled', 'applied'];

/** What went wrong comes first. */
export function changeList(all: readonly ReportChange[]): Html {
  if (all.length === 0)
    return html`<section>
      <h2>Changes</h2>
      <p>None was begun.</p>
    </section>`;
  const ordered = STATES.flatMap((state) => all.filter(({ result }) => result.state === state));
  return html`<section>
    <h2>Changes (${all.length})</h2>
    ${ordered.slice(0, MOST_SHOWN).map(changeOf)} ${more(all.length)}
  </section>`;
}

function changeOf({ number, change, result }: ReportChange): Html {
  const why = result.why === null ? NOTHING : html`<p class="why">${result.why}</p>`;
  if (change === null)
    return html`<article class="${result.state}">
      <h3>Change ${number} <span class="state">${result.state}</span></h3>
      ${why}
    </article>`;
  return html`<article class="${result.state}">
    <h3>${change.action} ${change.displayName} <span class="state">${result.state}</span></h3>
    ${why}
    <p>${change.sentence}</p>
    <p class="dn">${change.distinguishedName}</p>
    ${change.warnings.map((warning) => html`<p class="notice">${warning}</p>`)} ${values(change)}
  </article>`;
}

function values({ attributes }: Change): Html {
  const rows = attributes.map(
    (one) =>
      html`<tr>
        <td>${one.attribute}</td>
        <td>${shown(one, one.before)}</td>
        <td class="arrow">→</td>
        <td>${shown(one, one.after)}</td>
      </tr>`,
  );
  return html`<table>
    ${rows}
  </table>`;
}

function shown({ attribute }: AttributeChange, list: readonly string[]): Html {
  if (list.length === 0) return html`<i>none</i>`;
  return html`${list.map((value) => html`<div>${displayValue(attribute, value)}</div>`)}`;
}

export function heldList(held: readonly Held[]): Html {
  if (held.length === 0)
    return html`<section>
      <h2>Held</h2>
      <p>Nothing was held.</p>
    </section>`;
  const groups = HELD_REASONS.flatMap((reason) => {
    const list = held.filter((one) => one.reason === reason);
    return list.length === 0 ? [] : [heldGroup(reason, list)];
  });
  return html`<section>
    <h2>Held (${held.length})</h2>
    ${groups}
  </section>`;
}

function heldGroup(reason: HeldReason, list: readonly Held[]): Html {
  const lines = list.slice(0, MOST_SHOWN).map(
    (one) =>
      html`<li>
        ${one.sentence}
        <div class="dn">${one.distinguishedName ?? one.deviceId ?? one.objectId ?? ''}</div>
      </li>`,
  );
  return html`<details>
    <summary>${reason} (${list.length})</summary>
    <ul>
      ${lines}
    </ul>
    ${more(list.length)}
  </details>`;
}

function more(number: number): Html {
  return number <= MOST_SHOWN
    ? NOTHING
    : html`<p class="notice">${number - MOST_SHOWN} more are in the report itself.</p>`;
}
