import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { ERROR_CODES } from '../src/errors.ts';
import { HELD_REASONS } from '../src/plan/change.ts';

const read = (file: string): string => readFileSync(file, 'utf8');
const firstCells = (markdown: string): readonly string[] =>
  [...markdown.matchAll(/^\| (\w+) \|/gm)].map((row) => row[1] ?? '');
const named = (text: string, pattern: RegExp): readonly string[] =>
  [...text.matchAll(pattern)].map((match) => match[1] ?? '');

const DECISIONS = 'docs/decisions/*.md';
const PAGES = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/*.md')];

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

  it('names every script of package.json and every part of src to who contributes', () => {
    const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
    const text = read('CONTRIBUTING.md');
    for (const name of Object.keys(scripts)) {
      expect(text, name).to.include(name === 'test' ? '`npm test`' : `\`npm run ${name}\``);
    }
    for (const folder of new Set(globSync('src/*/*.ts').map((file) => file.split(/[\\/]/)[1]))) {
      expect(text, folder).to.include(`\`${folder}\``);
    }
  });

  it('names every cmdlet and every parameter', () => {
    const readme = read('README.md');
    const cmdlets = named(read('DeviceWriteback.psd1'), /^ +'(\w+-\w*DeviceWriteback\w*)'$/gm);
    expect(cmdlets.length).to.be.greaterThan(0);
    for (const cmdlet of cmdlets) expect(readme, cmdlet).to.include(`| \`${cmdlet}\` |`);
    const pages = PAGES.map(read).join('\n');
    const code = globSync('module/Cmdlets/*.cs').map(read).join('\n');
    const parameters = named(code, /\[Parameter\b[^]*?public [\w?[\]]+ (\w+) \{ get; set; \}/g);
    expect(parameters).to.include.members(['TenantId', 'Adopt', 'Digest', 'OutFile']);
    // Those that take what is piped stand without their name.
    const positional = ['Path', 'Identity'];
    for (const name of parameters.filter((one) => !positional.includes(one))) {
      expect(pages.includes(`-${name}`), name).to.equal(true);
    }
  });

  it('names every Graph permission that a request is made with', () => {
    const permissions = new Set(named(sources, /_PERMISSION = '([\w.]+)'/g));
    expect(permissions.size).to.equal(4);
    for (const page of ['README.md', 'docs/graph.md']) {
      expect(new Set(named(read(page), /^\| (\w+\.Read\.All) \|/gm)), page).to.deep.equal(permissions);
    }
  });

  it('links only to files and headings that exist', () => {
    let links = 0;
    for (const page of [...PAGES, ...globSync(DECISIONS)]) {
      for (const [, target = ''] of read(page).matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
        links += 1;
        const [file = '', heading] = target.split('#');
        const found = globSync(file === '' ? page : join(dirname(page), file));
        expect(found, `${page}: ${target}`).to.have.length(1);
        if (heading === undefined) continue;
        const headings = named(read(found[0] ?? ''), /^#+ (.+)$/gm).map(anchorOf);
        expect(headings, `${page}: ${target}`).to.include(heading);
      }
    }
    expect(links).to.be.greaterThan(0);
  });

  it('is reached from the README, every page of it', () => {
    const readme = read('README.md') + read('CONTRIBUTING.md');
    for (const page of globSync('docs/*.md')) expect(readme, page).to.include(`](${page.replaceAll('\\', '/')}`);
  });

  it('numbers its decisions, each once and none left out', () => {
    const numbers = globSync(DECISIONS).map((file) => Number(/(\d{4})-[\w-]+\.md$/.exec(file)?.[1]));
    expect(numbers.toSorted((a, b) => a - b)).to.deep.equal(numbers.map((_, index) => index + 1));
  });

  it('says which files are opened outside src/files', () => {
    const openers = globSync('src/{graph,directory,plan,device,commands,protocol}/*.ts').filter((file) =>
      /from 'node:fs/.test(read(file)),
    );
    const text = read('docs/decisions/0002-certificate-files.md');
    expect(new Set(named(text, /\| `(src\/[\w/.]+)` \|/g))).to.deep.equal(
      new Set(openers.map((file) => file.replaceAll('\\', '/'))),
    );
  });
});

/** The anchor that Markdown viewers give a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
