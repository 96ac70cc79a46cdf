import { globSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { ERROR_CODES } from '../src/errors.ts';
import { HELD_REASONS } from '../src/plan/change.ts';

const read = (file: string): string => readFileSync(file, 'utf8');
const firstCells = (markdown: string): readonly string[] =>
  [...markdown.matchAll(/^\| (\w+) \|/gm)].map((row) => row[1] ?? '');

describe('documentation', () => {
  const documented = firstCells(read('docs/errors.md'));
  const sources = globSync('src/**/*.ts')
    .filter((file) => file !== 'src/errors.ts')
    .map(read)
    .join('\n');
  const bridge = globSync('module/{Bridge,Cmdlets}/**/*.cs').map(read).join('\n');

  it('explains every error code and every held reason once', () => {
    const codes = [...Object.keys(ERROR_CODES), ...HELD_REASONS];
    for (const code of codes) {
      expect(
        documented.filter((one) => one === code),
        code,
      ).to.have.length(1);
    }
  });

  it('explains nothing that is no code', () => {
    const known = new Set<string>([...Object.keys(ERROR_CODES), ...HELD_REASONS, 'code', 'reason']);
    expect(documented.filter((one) => !known.has(one))).to.deep.equal([]);
  });

  it('has no error code that nothing throws', () => {
    const thrown = (code: string): boolean => sources.includes(`'${code}'`) || bridge.includes(`"${code}"`);
    expect(Object.keys(ERROR_CODES).filter((code) => code !== 'EngineFault' && !thrown(code))).to.deep.equal([]);
  });

  it('names every package of package.json', () => {
    const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
    const packages = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) =>
      Object.keys(manifest[kind] ?? {}),
    );
    const text = read('docs/dependencies.md');
    for (const name of packages.filter((one) => !one.startsWith('@types/'))) {
      expect(text.includes(`\`${name}\``), name).to.equal(true);
    }
  });

  it('links only to files that exist', () => {
    const links = [...read('README.md').matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((link) => link[1] ?? '');
    expect(links.length).to.be.greaterThan(0);
    for (const link of links) expect(globSync(link), link).to.have.length(1);
  });
});
