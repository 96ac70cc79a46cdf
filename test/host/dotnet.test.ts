import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { findDotnet } from '../../src/host/dotnet.ts';

describe('which .NET is loaded', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'devicewriteback-dotnet-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const install = (name: string, versions: readonly string[]): string => {
    const place = path.join(folder, name);
    mkdirSync(place);
    writeFileSync(path.join(place, 'dotnet'), '');
    chmodSync(path.join(place, 'dotnet'), 0o755);
    for (const version of versions) {
      mkdirSync(path.join(place, 'shared/Microsoft.NETCore.App', version), { recursive: true });
    }
    return place;
  };

  it('is the newest released one, by number', () => {
    const place = install('one', ['8.0.31', '10.0.9', '10.0.12', '9.0.100', '11.0.0-preview.1']);
    expect(findDotnet({ DOTNET_ROOT: place })).to.deep.equal({ folder: place, version: '10.0.12' });
  });

  it('is found through a link on PATH', () => {
    const place = install('real', ['8.0.1']);
    const bin = path.join(folder, 'bin');
    mkdirSync(bin);
    symlinkSync(path.join(place, 'dotnet'), path.join(bin, 'dotnet'));
    expect(findDotnet({ PATH: bin })).to.deep.equal({ folder: place, version: '8.0.1' });
  });

  it('is not one before .NET 8, nor one named by a relative path', () => {
    const old = install('old', ['6.0.36', '7.0.20']);
    const good = install('good', ['9.0.1']);
    expect(findDotnet({ DOTNET_ROOT: old, PATH: `bin${path.delimiter}.${path.delimiter}${good}` })).to.deep.equal({
      folder: good,
      version: '9.0.1',
    });
  });
});
