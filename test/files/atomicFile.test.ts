import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { writeAll, writeAtomically } from '../../src/files/atomicFile.ts';
import { temporaryFolders } from './samples.ts';

describe('atomicFile', () => {
  const folder = temporaryFolders();

  it('puts the content under the name, for its owner only, and leaves nothing beside it', () => {
    const base = folder();
    const path = join(base, 'a.json');
    writeAtomically(path, (fd) => writeAll(fd, Buffer.from('content')));
    expect(readFileSync(path, 'utf8')).to.equal('content');
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    expect(readdirSync(base)).to.deep.equal(['a.json']);
  });

  it('shows the old content until the new one is whole, and keeps it when writing fails', () => {
    const base = folder();
    const path = join(base, 'a.json');
    writeFileSync(path, 'old');
    expect(() =>
      writeAtomically(path, (fd) => {
        writeAll(fd, Buffer.from('half'));
        expect(readFileSync(path, 'utf8')).to.equal('old');
        throw new Error('stop');
      }),
    ).to.throw('stop');
    expect(readFileSync(path, 'utf8')).to.equal('old');
    expect(readdirSync(base)).to.deep.equal(['a.json']);
  });

  it('removes the temporary file when the name cannot be taken', () => {
    const base = folder();
    mkdirSync(join(base, 'a.json'));
    expect(() => writeAtomically(join(base, 'a.json'), (fd) => writeAll(fd, Buffer.from('x')))).to.throw('EISDIR');
    expect(readdirSync(base)).to.deep.equal(['a.json']);
  });
});
