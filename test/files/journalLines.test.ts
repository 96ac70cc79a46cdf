import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  JOURNAL_FORMAT_VERSION,
  lineText,
  parseHeader,
  parseLine,
  readLines,
  type Line,
} from '../../src/files/journalLines.ts';
import { ownIdentity } from '../../src/files/processIdentity.ts';
import { change, header, temporaryFolders } from './samples.ts';

describe('journalLines', () => {
  const folder = temporaryFolders();

  const linesOf = (content: string): Line[] => {
    const path = join(folder(), 'lines');
    writeFileSync(path, content);
    const fd = openSync(path, 'r');
    try {
      return [...readLines(fd)];
    } finally {
      closeSync(fd);
    }
  };

  it('gives back what it wrote, on one line, whatever the text holds', () => {
    const first = {
      kind: 'run',
      formatVersion: JOURNAL_FORMAT_VERSION,
      process: ownIdentity(),
      run: header('r1'),
    } as const;
    const before = { kind: 'before', number: 3, change: change(3) } as const;
    const after = {
      kind: 'after',
      number: 3,
      result: { state: 'failed', why: 'a\nb', code: 'ChangeFailed', milliseconds: 3 },
    } as const;
    const [one, two, three, ...rest] = linesOf([first, before, after].map(lineText).join(''));
    expect(rest).to.deep.equal([]);
    expect(parseHeader(one?.text ?? '')).to.deep.equal(first);
    expect(parseLine(two?.text ?? '')).to.deep.equal(before);
    expect(parseLine(three?.text ?? '')).to.deep.equal(after);
  });

  it('finds lines longer than what it reads at once, with their places in bytes', () => {
    const texts = ['a', 'ü'.repeat(700_000), '', 'b'.repeat(262_144), 'c'];
    const lines = linesOf(texts.map((text) => `${text}\n`).join(''));
    expect(lines.map((line) => line.text)).to.deep.equal(texts);
    expect(lines.map((line) => [line.at, line.length])).to.deep.equal([
      [0, 1],
      [2, 1_400_000],
      [1_400_003, 0],
      [1_400_004, 262_144],
      [1_662_149, 1],
    ]);
    expect(lines.every((line) => line.ended)).to.equal(true);
  });

  it('tells a half line from a whole one', () => {
    expect(linesOf('a\nb').map((line) => line.ended)).to.deep.equal([true, false]);
    expect(linesOf('')).to.deep.equal([]);
  });

  it('refuses what is no line of a journal', () => {
    for (const text of [
      '',
      'null',
      '5',
      '{"kind":"before","number":1}',
      '{"kind":"before","number":1,"change":{"action":"burn"}}',
      '{"kind":"after","number":"1","result":{"state":"applied"}}',
      '{"kind":"after","number":1,"result":{"state":"unknown"}}',
      '{"kind":"after","number":1,"result":{"state":"appl',
    ]) {
      expect(parseLine(text), text).to.equal(null);
    }
    for (const text of ['', '{}', JSON.stringify({ kind: 'run', formatVersion: 1, run: header('r1') })]) {
      expect(parseHeader(text), text).to.equal(null);
    }
  });
});
