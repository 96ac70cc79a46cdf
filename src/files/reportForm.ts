import { ERROR_CODES, type ErrorCode, type ErrorData } from '../errors.ts';
import type { Reading, RunInputs } from '../ports.ts';
import { boolean, count, FormFault, guid, listOf, object, oneOf, orNull, text, time, type Form } from './form.ts';
import { changeForm, digestForm, heldForm, refusalForm, summaryForm } from './planForm.ts';
import {
  REPORT_FORMAT_VERSION,
  type Report,
  type ReportChange,
  type ReportCounts,
  type ReportResult,
} from './report.ts';

const error = object<ErrorData>({
  code: oneOf(Object.keys(ERROR_CODES) as ErrorCode[]),
  category: text,
  message: text,
  target: orNull(text),
  remedy: text,
  detail: orNull(text),
  retryable: boolean,
});

const result = object<ReportResult>({
  state: oneOf(['applied', 'failed', 'skipped', 'cancelled', 'unknown']),
  why: orNull(text),
  code: orNull(text),
  milliseconds: orNull(count),
});

const counts = object<ReportCounts>({
  created: count,
  updated: count,
  disabled: count,
  enabled: count,
  deleted: count,
  failed: count,
  skipped: count,
  cancelled: count,
  unknown: count,
});

const policy = object<RunInputs['policy']>({
  deleteAfterDays: count,
  keepRemoved: boolean,
  maximumRemoval: orNull(count),
  adopt: boolean,
});

const scope = object<NonNullable<RunInputs['scope']>>({
  trustTypes: listOf(text),
  operatingSystems: listOf(text),
  groups: listOf(guid),
});

const report: Form<Report> = object<Report>({
  formatVersion: oneOf([REPORT_FORMAT_VERSION]),
  runId: text,
  started: time,
  ended: time,
  outcome: oneOf(['completed', 'failures', 'refused', 'cancelled', 'interrupted']),
  reading: object<Reading>({ kind: oneOf(['full', 'delta', 'planFile']), why: text, milliseconds: count }),
  inputs: object<RunInputs>({ policy, scope: orNull(scope) }),
  tenantId: guid,
  server: text,
  container: text,
  containerGuid: guid,
  digest: digestForm,
  counts,
  declined: count,
  graphRequests: orNull(count),
  directoryRequests: orNull(count),
  refusal: orNull(refusalForm),
  error: orNull(error),
  notices: listOf(text),
  summary: summaryForm,
  held: listOf(heldForm),
  changes: listOf(object<ReportChange>({ number: count, change: orNull(changeForm), result })),
});

/** The report that parsed JSON is, in the form that docs/report.schema.json publishes. Throws FormFault. */
export function parseReport(value: unknown): Report {
  const version = (value as { readonly formatVersion?: unknown } | null | undefined)?.formatVersion;
  if (typeof version === 'number' && version !== REPORT_FORMAT_VERSION) {
    throw new FormFault(`it has format ${version}, and this version reads format ${REPORT_FORMAT_VERSION}`);
  }
  return report(value, '');
}
