import { html, NOTHING, type Html } from './html.ts';
import type { ReportCounts, ReportHead } from './report.ts';

/** What a bar is made of, from the bottom up. */
const PARTS: readonly (keyof ReportCounts)[] = [
  'created',
  'updated',
  'enabled',
  'disabled',
  'deleted',
  'skipped',
  'failed',
];

const WIDTH = 720;
const HEIGHT = 150;
const TOP = 14;
const BASE = HEIGHT - 26;
const WIDEST_BAR = 36;

/**
 * The counts of runs, oldest first, as bars in SVG. A first run writes thousands where later ones write three, so the
 * height of a bar is the logarithm of its number, shared out among its parts.
 * @param current the run that is pointed out
 */
export function runChart(runs: readonly ReportHead[], current: string): Html {
  const first = runs[0];
  const last = runs.at(-1);
  if (first === undefined || last === undefined) return NOTHING;
  const most = Math.max(1, ...runs.map(totalOf));
  const step = Math.min(WIDEST_BAR, WIDTH / runs.length);
  const bars = runs.map((run, index) => bar(run, index * step, step, most, run.runId === current));
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Changes of each run">
    ${bars}
    <line x1="0" y1="${BASE}" x2="${WIDTH}" y2="${BASE}" class="axis" />
    <text x="0" y="${HEIGHT - 4}">${first.started.slice(0, 10)}</text>
    <text x="${WIDTH}" y="${HEIGHT - 4}" text-anchor="end">${last.started.slice(0, 10)}</text>
    <text x="0" y="10">highest: ${most}</text>
  </svg>`;
}

/** The colours' names. */
export function chartLegend(): Html {
  return html`<p class="legend">
    ${PARTS.map((part) => html`<span class="${part}">${part}</span>`)} (height: logarithm of the number)
  </p>`;
}

function bar(run: ReportHead, left: number, step: number, most: number, isCurrent: boolean): Html {
  const total = totalOf(run);
  const height = ((BASE - TOP) * Math.log1p(total)) / Math.log1p(most);
  const width = step * 0.8;
  let bottom = BASE;
  const parts = PARTS.flatMap((part) => {
    const number = run.counts[part];
    if (number === 0) return [];
    const share = (height * number) / total;
    bottom -= share;
    return [
      html`<rect
        x="${round(left)}"
        y="${round(bottom)}"
        width="${round(width)}"
        height="${round(share)}"
        class="${part}"
      />`,
    ];
  });
  const pointer = isCurrent
    ? html`<circle cx="${round(left + width / 2)}" cy="${BASE + 5}" r="3" class="current" />`
    : NOTHING;
  return html`<g
    ><title>${describe(run)}</title>${parts}${pointer}<rect
      x="${round(left)}"
      y="${TOP}"
      width="${round(width)}"
      height="${BASE - TOP}"
      class="touch"
  /></g>`;
}

function describe(run: ReportHead): string {
  const counts = PARTS.filter((part) => run.counts[part] > 0).map((part) => `${run.counts[part]} ${part}`);
  return `${run.started}, ${run.outcome}: ${counts.length === 0 ? 'nothing written' : counts.join(', ')}`;
}

function totalOf({ counts }: ReportHead): number {
  return PARTS.reduce((sum, part) => sum + counts[part], 0);
}

function round(value: number): string {
  return value.toFixed(1);
}
