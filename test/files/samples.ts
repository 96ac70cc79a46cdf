import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readJournal, type OpenJournal } from '../../src/files/journal.ts';
import { reportChanges, writeReport, type ReportEnding } from '../../src/files/report.ts';
import type { Action, Change } from '../../src/plan/change.ts';
import type { RunEnding, RunHeader } from '../../src/ports.ts';

export const TENANT = '8d1c1f2e-4b3a-4c5d-9e6f-0a1b2c3d4e5f';
export const DOMAIN = 'corp.contoso.test';

/** A folder of its own for each test, removed after it. */
export function temporaryFolders(): () => string {
  const made: string[] = [];
  afterEach(() => {
    for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
  return () => {
    const folder = mkdtempSync(join(tmpdir(), 'devicewriteback-files-'));
    made.push(folder);
    return folder;
  };
}

export function header(runId: string): RunHeader {
  return {
    runId,
    started: '2026-11-22T14:23:12.000Z',
    reading: { kind: 'full', why: 'there are no hints of an earlier run', milliseconds: 1500 },
    inputs: {
      policy: { deleteAfterDays: 30, keepRemoved: false, maximumRemoval: null, adopt: false },
      scope: { trustTypes: ['AzureAd'], operatingSystems: [], groups: [] },
    },
    tenantId: TENANT,
    server: 'dc1.corp.contoso.test:636',
    container: 'CN=RegisteredDevices,DC=corp,DC=contoso,DC=test',
    containerGuid: '77777777-0000-4000-8000-000000000000',
    digest: 'ab'.repeat(32),
    held: [
      {
        reason: 'Unowned',
        deviceId: '11111111-2222-3333-4444-555555555555',
        objectId: null,
        distinguishedName: 'CN=x,CN=RegisteredDevices,DC=corp,DC=contoso,DC=test',
        displayName: 'Größe 設備 💻',
        attribute: null,
        sentence: 'It carries no mark.',
      },
    ],
    summary: {
      entraDevices: 3,
      inScope: 3,
      census: { objects: 2, owned: 1, unowned: 1, foreign: 0, ownedEnabled: 1 },
      unchanged: 0,
      actions: { create: 2, update: 0, disable: 0, enable: 0, delete: 0 },
      held: { Unowned: 1 },
      removals: 0,
    },
    refusal: null,
    declined: 1,
  };
}

/** Writes the report of an open journal, and returns its path. */
export function reportTo(folder: string, { fd, path }: OpenJournal, end: ReportEnding): string {
  const content = readJournal(fd, path);
  return writeReport(folder, content, reportChanges(fd, content.entries), end);
}

export function change(number: number, action: Action = 'create'): Change {
  const deviceId = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
  return {
    action,
    cause: 'flow',
    deviceId,
    objectId: '99999999-0000-4000-8000-000000000000',
    objectGuid: null,
    distinguishedName: `CN=${deviceId},CN=RegisteredDevices,DC=corp,DC=contoso,DC=test`,
    displayName: `Gerät ${number} 💻`,
    attributes: [{ attribute: 'displayName', before: ['old\nname'], after: [`Gerät ${number} 💻`] }],
    mark: null,
    warnings: [],
    sentence: `Change ${number}.`,
  };
}

export function ending(outcome: RunEnding['outcome'] = 'completed'): RunEnding {
  return {
    ended: '2026-11-22T14:25:00.000Z',
    outcome,
    graphRequests: 7,
    directoryRequests: 5,
    cancelled: 0,
    error: null,
  };
}
