import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readHints, writeHints } from '../../src/files/hints.ts';
import { createLog } from '../../src/log.ts';
import type { Hints } from '../../src/ports.ts';
import { temporaryFolders } from './samples.ts';

const HINTS: Hints = {
  deltaLink: 'https://graph.example/v1.0/devices/delta?$deltatoken=abc',
  grounds: { 'the tenant': '8d1c1f2e-4b3a-4c5d-9e6f-0a1b2c3d4e5f', 'the scope': '{"groups":[]}' },
  completeRead: '2026-11-22T14:23:12.000Z',
  pending: ['00000000-0000-4000-9000-000000000001'],
};

describe('hints', () => {
  const folder = temporaryFolders();
  const messages: string[] = [];
  const log = createLog((level, message) => messages.push(`${level}: ${message}`));
  beforeEach(() => messages.splice(0));

  it('come back as they were left, in a file for their owner only', () => {
    const base = folder();
    writeHints(base, HINTS);
    expect(readHints(base, log)).to.deep.equal(HINTS);
    expect(readdirSync(base)).to.deep.equal(['hints.json']);
    expect(statSync(join(base, 'hints.json')).mode & 0o777).to.equal(0o600);
    expect(messages).to.deep.equal([]);
  });

  it('are none where none were left, without a word', () => {
    expect(readHints(folder(), log)).to.equal(null);
    expect(readHints(join(folder(), 'none'), log)).to.equal(null);
    expect(messages).to.deep.equal([]);
  });

  it('are gone when none are kept, also where there were none', () => {
    const base = folder();
    writeHints(base, HINTS);
    writeHints(base, null);
    writeHints(base, null);
    expect(existsSync(join(base, 'hints.json'))).to.equal(false);
  });

  it('replace the ones before whole', () => {
    const base = folder();
    writeHints(base, HINTS);
    writeHints(base, { ...HINTS, pending: [] });
    expect(readHints(base, log)?.pending).to.deep.equal([]);
  });

  const stored = (hints: unknown): string => {
    const base = folder();
    // The checksum of what stands there, so that only its form is wrong.
    writeHints(base, hints as Hints);
    return base;
  };
  const damages: Readonly<Record<string, () => string>> = {
    'cut short': () => {
      const base = stored(HINTS);
      writeFileSync(join(base, 'hints.json'), readFileSync(join(base, 'hints.json')).subarray(0, 100));
      return base;
    },
    'changed by a letter': () => {
      const base = stored(HINTS);
      const text = readFileSync(join(base, 'hints.json'), 'utf8');
      writeFileSync(join(base, 'hints.json'), text.replace('deltatoken=abc', 'deltatoken=abd'));
      return base;
    },
    empty: () => {
      const base = folder();
      writeFileSync(join(base, 'hints.json'), '');
      return base;
    },
    'a folder': () => {
      const base = folder();
      mkdirSync(join(base, 'hints.json'));
      return base;
    },
    'null in JSON': () => {
      const base = folder();
      writeFileSync(join(base, 'hints.json'), 'null');
      return base;
    },
    'without a link': () => stored({ ...HINTS, deltaLink: null }),
    'with a time that is none': () => stored({ ...HINTS, completeRead: 'yesterday' }),
    'with grounds that are no texts': () => stored({ ...HINTS, grounds: { 'the scope': 1 } }),
    'without grounds': () => stored({ ...HINTS, grounds: null }),
    'with ids that are none': () => stored({ ...HINTS, pending: ['x'] }),
    'with ids in capitals': () => stored({ ...HINTS, pending: ['ABCDEF00-0000-4000-9000-000000000001'] }),
    'with no list of ids': () => stored({ ...HINTS, pending: 'x' }),
  };
  for (const [what, make] of Object.entries(damages)) {
    it(`are none where the file is ${what}, with one warning that a full read follows`, () => {
      const base = make();
      expect(readHints(base, log)).to.equal(null);
      expect(messages).to.have.length(1);
      expect(messages[0]).to.match(
        /^warning: .*hints\.json (?:is damaged|cannot be read \(.+\)): this run reads everything\.$/,
      );
    });
  }
});
