import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../powershell/powerShell.ts';
import { Session } from './session.ts';

/** Milliseconds for each way. */
const PATIENCE = 45_000;

interface Shown {
  readonly code: number | null;
  readonly text: string;
}

/** The last that the demo says with --keep. */
const STAYS = 'Ctrl+C ends both and removes what they left.';

/**
 * Plays the demo. Where it stays, `visit` is called with what it said, and then Ctrl+C pressed: the whole process group
 * gets SIGINT.
 *
 * @param mark stands in the environment of every process that the demo starts
 */
async function demonstrate(
  words: readonly string[],
  mark: string,
  visit: (text: string) => Promise<void>,
): Promise<Shown> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'demo.ts'), ...words], {
    cwd: ROOT,
    env: { ...process.env, DEVICEWRITEBACK_DEMO: mark },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (piece) => (text += piece));
  const stays = (): boolean => text.includes(STAYS);
  if (words.includes('--keep')) {
    await new Promise<void>((resolve) => {
      child.stdout.on('data', () => stays() && resolve());
      child.once('close', () => resolve());
    });
    if (stays() && child.pid !== undefined) {
      try {
        await visit(text);
      } finally {
        process.kill(-child.pid, 'SIGINT');
      }
    }
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, text };
}

/** What each command printed, in the order in which they were typed. */
function answers(text: string, cmdlet: string): readonly string[] {
  return text
    .split(/^(?:\w+ )?PS> /m)
    .slice(1)
    .flatMap((typed) =>
      typed.startsWith(`${cmdlet} `) ? [typed.slice(typed.indexOf('\n')).split(/^={8} /m)[0] ?? ''] : [],
    );
}

const WAYS = [
  ['with passwords', ['--keep'], /^Pass +DirectoryProtection +LDAPS, TLS 1\.[23]/m],
  ['by Kerberos', ['--kerberos'], /^Pass +DirectoryProtection +LDAP sealed by Kerberos/m],
] as const;

for (const [name, words, protection] of WAYS) {
  describe(`the demo ${name}`, function () {
    this.timeout(PATIENCE + 5000);
    const mark = randomUUID();
    let shown: Shown;
    let byHand: readonly string[] = [];

    before(async () => {
      shown = await demonstrate(words, mark, async (text) => {
        const session = new Session({});
        try {
          byHand = await session.type(/^PS> (Import-Module .*; Sync-DeviceWriteback .*)$/m.exec(text)?.[1] ?? '');
        } finally {
          await session.close();
        }
      });
    });

    it('ends well', () => {
      expect(shown.code, shown.text).to.equal(0);
    });

    it('leaves no process and no file behind', () => {
      expect(processesMarked(mark)).to.deep.equal([]);
      const configuration = /-ConfigurationPath (\S+)/.exec(shown.text)?.[1] ?? ROOT;
      expect(existsSync(path.dirname(configuration)), configuration).to.equal(false);
    });

    if (words.some((word) => word === '--keep')) {
      it('stays up until Ctrl+C, and its line for another sync works by hand', () => {
        expect(shown.text).to.match(/^=+ Both servers stay up until Ctrl\+C =+$/m);
        expect(shown.text)
          .to.match(/^ldapsearch: LDAPTLS_CACERT=/m)
          .and.to.match(/^Graph: http:/m);
        expect(byHand.join('\n')).to.match(/^Outcome +: Completed$/m);
      });
    }

    it('shows what an unprepared forest lacks with remedies, and after Enable that nothing fails', () => {
      const [unprepared = '', prepared = '', quiet = ''] = answers(shown.text, 'Test-DeviceWritebackPrereq');
      expect(unprepared).to.match(
        /^Fail +RegistrationService .*\n +-> Run Enable-DeviceWriteback as an administrator/m,
      );
      const [enabled = ''] = answers(shown.text, 'Enable-DeviceWriteback');
      expect(enabled.match(/^Done /gm)).to.have.length(5);
      expect(prepared).to.match(protection);
      expect(prepared).to.match(/^Pass +Rights /m);
      expect(prepared).to.not.match(/^Fail /m);
      expect(quiet).to.match(/^True$/m);
    });

    it('writes nothing with -WhatIf, everything in the first sync and nothing in the second', () => {
      const [tried = '', first = '', second = ''] = answers(shown.text, 'Sync-DeviceWriteback');
      expect(tried).to.match(/^What if: 500 of 500 Entra devices in scope; .* 445 to create;/m);
      expect(first).to.match(/^Reading +: Full$[^]*^Created +: 445$[^]*^Failed +: 0$/m);
      expect(second).to.match(/^Reading +: Delta$/m);
      for (const count of ['Created', 'Updated', 'Disabled', 'Enabled', 'Deleted', 'Failed']) {
        expect(second).to.match(new RegExp(`^${count} +: 0$`, 'm'));
      }
      const [, before, after] = /USN was (\d+) before the second sync and is (\d+)\./.exec(shown.text) ?? [];
      expect(Number(before)).to.be.above(0);
      expect(after).to.equal(before);
    });

    it('leaves nothing readable on the wire', () => {
      expect(shown.text).to.match(/^A proxy kept the [1-9]\d{2,} kB .*\n446 device names /m);
      expect(shown.text).to.match(/^Readable on the wire: nothing$/m);
    });

    it('shows the changes as the README does', () => {
      const [, , , changed = ''] = answers(shown.text, 'Sync-DeviceWriteback');
      const readme = readFileSync(path.join(ROOT, 'README.md'), 'utf8');
      const example = /^PS> Sync-DeviceWriteback .*\n([^]*?)^```$/m.exec(readme)?.[1] ?? '';
      expect(example.match(/^Applied /gm)).to.have.length(4);
      const seen = lines(changed).filter((line) => !line.startsWith('WARNING: 127.'));
      const expected = lines(example);
      expect(seen.slice(0, expected.length)).to.deep.equal(expected);
    });
  });
}

/** Ids of the living processes that have the mark in their environment. */
function processesMarked(mark: string): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/environ`, 'utf8').includes(mark);
    } catch {
      return false;
    }
  });
}

/** The lines that say something; a device that is registered in the demo has another id each time. */
function lines(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trimEnd().replace(/^(.* New-Surface +)[-0-9a-f]{36}$/, '$1<id>'))
    .filter((line) => line !== '');
}
