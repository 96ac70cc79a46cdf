import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CAUSES, HELD_REASONS } from '../../src/plan/change.ts';
import { FakeEngineSetup } from './fakeEngineSetup.ts';
import { fileCommandLine, MANIFEST, POWERSHELL_ENVIRONMENT, PowerShell, quote, ROOT } from './powerShell.ts';

const CMDLETS = [
  'ConvertTo-DeviceWritebackReport',
  'Enable-DeviceWriteback',
  'Get-DeviceWritebackDevice',
  'Get-DeviceWritebackPlan',
  'Sync-DeviceWriteback',
  'Test-DeviceWritebackPrereq',
];

interface Help {
  readonly name: string;
  readonly synopsis: string;
  readonly description: string;
  readonly outputs: string;
  readonly examples: readonly { readonly code: string; readonly remarks: string }[];
  readonly parameters: readonly { readonly name: string; readonly description: string }[];
  readonly expected: readonly string[];
}

describe('the module', function () {
  this.timeout(60_000);
  let setup: FakeEngineSetup;

  before(() => {
    setup = new FakeEngineSetup();
  });

  after(() => setup.close());

  it('has a valid manifest that names its exports one by one', async () => {
    const { output, errors } = await setup.powerShell.runBare({
      script: `$m = Test-ModuleManifest ${quote(MANIFEST)}
      $m.ExportedCmdlets.Keys; $m.ExportedFunctions.Count; $m.ExportedAliases.Count; $m.ExportedVariables.Count
      "$($m.PowerShellVersion) $($m.CompatiblePSEditions)"`,
    });
    expect(errors).to.deep.equal([]);
    expect(output.slice(0, CMDLETS.length).sort()).to.deep.equal(CMDLETS);
    expect(output.slice(CMDLETS.length)).to.deep.equal([0, 0, 0, '5.1 Desktop Core']);
    expect(readFileSync(MANIFEST, 'utf8')).to.not.match(/ToExport\s*=\s*('\*'|"\*"|\$null)/);
  });

  it('exports the cmdlets and nothing else', async () => {
    const { output } = await setup.powerShell.run(
      'Get-Command -Module DeviceWriteback | ForEach-Object { "$($_.CommandType) $($_.Name)" }',
    );
    expect([...output].sort()).to.deep.equal(CMDLETS.map((name) => `Cmdlet ${name}`));
  });

  it('starts no engine at import', async () => {
    await setup.powerShell.run('Get-Command Sync-DeviceWriteback');
    expect(setup.engines()).to.deep.equal([]);
  });

  it('holds script files in ASCII that parse without an error', async () => {
    const files = globSync('{*.psd1,module/*.{psm1,ps1xml},test/powershell/*.ps1,en-US/*.txt}', { cwd: ROOT });
    expect(files).to.include.members([
      'DeviceWriteback.psd1',
      'module/DeviceWriteback.psm1',
      'module/DeviceWriteback.Format.ps1xml',
    ]);
    for (const file of files) expect(readFileSync(path.join(ROOT, file), 'latin1'), file).to.match(/^[\n\x20-\x7e]*$/);
    const scripts = files.filter((file) => /\.(psd1|psm1|ps1)$/.test(file)).map((file) => quote(path.join(ROOT, file)));
    const { output } = await setup.powerShell.runBare({
      script: `foreach ($file in ${scripts.join(', ')}) {
        $tokens = $errors = $null
        $null = [Management.Automation.Language.Parser]::ParseFile($file, [ref]$tokens, [ref]$errors)
        $errors | ForEach-Object { "$file $_" }
      }`,
    });
    expect(output).to.deep.equal([]);
  });

  it('says clearly at import that it is not built', async () => {
    const copy = path.join(setup.folder, 'DeviceWriteback.psd1');
    mkdirSync(path.join(setup.folder, 'module'));
    for (const file of [
      'DeviceWriteback.psd1',
      'module/DeviceWriteback.psm1',
      'module/DeviceWriteback.Format.ps1xml',
    ]) {
      copyFileSync(path.join(ROOT, file), path.join(setup.folder, file));
    }
    // In a process of its own: an assembly that is loaded already would be taken instead of the missing one.
    const powerShell = new PowerShell();
    const { errors } = await powerShell.runBare({ script: `Import-Module ${quote(copy)}` });
    await powerShell.close();
    expect(errors.map(({ id }) => id)).to.deep.equal([
      'Modules_ModuleFileNotFound,Microsoft.PowerShell.Commands.ImportModuleCommand',
    ]);
    expect(errors[0]?.message).to.include(path.join(setup.folder, 'module/bin/DeviceWriteback.dll'));
  });

  /** Runs a script file as a scheduled task does; gives what it showed and its exit code. */
  const show = (script: string): { readonly text: string; readonly status: number | null } => {
    const file = path.join(setup.folder, 'show.ps1');
    writeFileSync(file, `Import-Module ${quote(MANIFEST)}\n${script}\n`);
    const [program, ...parameters] = fileCommandLine(file);
    const { stdout, stderr, status } = spawnSync(program, parameters, {
      encoding: 'utf8',
      env: {
        ...process.env,
        ...POWERSHELL_ENVIRONMENT,
        DEVICEWRITEBACK_NODE: path.join(setup.folder, 'fake node'),
        COLUMNS: '120',
        NO_COLOR: '1',
      },
    });
    return { text: stdout + stderr, status };
  };

  describe('help', () => {
    let all: readonly Help[];

    before(async () => {
      const { output } = await setup.powerShell.run(`
        foreach ($command in Get-Command -Module DeviceWriteback) {
          $help = Get-Help $command.Name -Full
          @{
            name = $command.Name
            synopsis = $help.Synopsis
            description = ($help.description | ForEach-Object Text) -join ' '
            outputs = ($help.returnValues.returnValue | ForEach-Object { $_.type.name }) -join ' '
            examples = @($help.examples.example | ForEach-Object { @{ code = $_.code; remarks = ($_.remarks | ForEach-Object Text) -join ' ' } })
            parameters = @($help.parameters.parameter | ForEach-Object { @{ name = $_.name; description = ($_.description | ForEach-Object Text) -join ' ' } })
            expected = @($command.Parameters.Keys | Where-Object { [Management.Automation.Cmdlet]::CommonParameters -notcontains $_ })
          }
        }`);
      all = output as readonly Help[];
    });

    it('is there for every cmdlet', () => {
      expect(all.map(({ name }) => name).sort()).to.deep.equal(CMDLETS);
      for (const { name, synopsis, description, outputs } of all) {
        expect(synopsis, name).to.match(/^[A-Z].{20,}\.$/);
        expect(description, name).to.match(/^[A-Z].{100,}\.$/s);
        expect(outputs, name).to.match(
          /^(DeviceWriteback\.\w+|System\.Boolean|System\.IO\.FileInfo)( (DeviceWriteback\.\w+|System\.Boolean))*$/,
        );
      }
    });

    it('describes every parameter', () => {
      for (const { name, parameters, expected } of all) {
        expect(parameters.map((parameter) => parameter.name).sort(), name).to.deep.equal([...expected].sort());
        for (const parameter of parameters)
          expect(parameter.description, `${name} -${parameter.name}`).to.match(/^[A-Z].{10,}/);
      }
    });

    it('has at least two examples whose parameters exist', () => {
      for (const { name, examples, expected } of all) {
        expect(examples.length, name).to.be.at.least(2);
        for (const { code, remarks } of examples) {
          expect(code, name).to.include(name);
          expect(remarks, name).to.match(/\.$/);
          const own = code.slice(code.indexOf(name)).split(/[|)]/)[0] ?? '';
          for (const [, parameter] of own.matchAll(/ -([A-Za-z]+)/g))
            expect(expected, `${name}: ${code}`).to.include(parameter);
        }
      }
    });

    it('shows each way to use a cmdlet with the parameters that go together', async () => {
      const { output } = await setup.powerShell.run(`
        foreach ($item in (Get-Help Sync-DeviceWriteback).syntax.syntaxItem) { ($item.parameter | ForEach-Object name) -join ' ' }`);
      expect(output).to.have.length(2);
      const [entra, plan] = output.map((names) => String(names).split(' '));
      expect(entra).to.include.members([
        'Adopt',
        'Full',
        'FullAfter',
        'TrustType',
        'DeleteAfter',
        'MaximumRemoval',
        'WhatIf',
      ]);
      expect(entra).to.not.include.members(['Plan']);
      expect(plan).to.include.members(['Plan', 'Digest', 'PlanMaximumAge', 'DeleteAfter', 'MaximumRemoval', 'WhatIf']);
      for (const name of ['Adopt', 'Full', 'FullAfter', 'TrustType', 'OperatingSystem', 'Group']) {
        expect(plan).to.not.include(name);
      }
    });

    it('names every cause of a change and every reason to hold one back', async () => {
      const documentation = readFileSync(path.join(ROOT, 'module/bin/DeviceWriteback.xml'), 'utf8');
      const text = /<member name="P:DeviceWriteback.Change.Reason">([^]*?)<\/member>/.exec(documentation)?.[1] ?? '';
      const words = new Set(text.match(/\w+/g));
      for (const cause of CAUSES) expect(words).to.include(cause.charAt(0).toUpperCase() + cause.slice(1));
      for (const reason of HELD_REASONS) expect(words).to.include(reason);
    });

    it('has a topic about the module', async () => {
      const { output } = await setup.powerShell.run('"$(Get-Help about_DeviceWriteback)"');
      expect(output[0]).to.match(/^TOPIC\s+about_DeviceWriteback/);
    });
  });

  describe('views', () => {
    it('show checks, steps, changes, results and devices as tables or lists', () => {
      const text = show(
        [
          'Test-DeviceWritebackPrereq -Server checks',
          'Enable-DeviceWriteback',
          'Get-DeviceWritebackPlan -Server unnamed',
          'Sync-DeviceWriteback -Server three -PassThru',
          'Sync-DeviceWriteback -Server three',
          'Get-DeviceWritebackDevice PC-1',
          '(Get-DeviceWritebackPlan -Server three)[0].Attributes',
          '(Get-DeviceWritebackDevice PC-1).Attributes',
        ]
          // Each as a pipeline of its own, as at a prompt: the views of one pipeline follow its first object.
          .map((command) => `${command} | Out-Default`)
          .join('\n'),
      ).text;
      expect(text).to.match(/^State +Id +Evidence and remedy\s*$/m);
      expect(text).to.match(/^Fail +Container +Evidence of Container\s+-> Mend it\.$/m);
      expect(text).to.match(/^State +Id +Description, target and detail\s*$/m);
      expect(text).to.match(/^Done +Step0 +Create Step0\s+CN=Step0,DC=example,DC=test$/m);
      expect(text).to.match(/^ +CN=Step1,DC=example,DC=test\n +\(OA;;CCDC;1;;S-1-5\)\s+\(OA;CIIO;RPWP;;1;S-1-5\)$/m);
      expect(text).to.match(/^Action +Name +Reason +Description\s*$/m);
      expect(text).to.match(/^Held +Held by +DuplicateInDirectory +Helds the device object/m);
      expect(text).to.match(/^State +Action +Name +DeviceId +Message\s*$/m);
      expect(text).to.match(/^Outcome +: Completed\s+Reading +: Delta\s+Why +: Only what has changed/m);
      expect(text).to.match(/^Started +: 2026-11-22 14:23:12Z$/m);
      expect(text).to.match(/^Verdict +: Nothing$/m);
      expect(text).to.match(/^AdFs +: isknown: TRUE\s+displayname: PC-1$/m);
      expect(text).to.match(/^Attributes +: displayName: PC-1\s+msDS-IsManaged: \(none\) -> TRUE\s+msDS-Dev.*: a, b$/m);
      expect(text).to.match(/^Name +Before +After\s*$/m);
      expect(text).to.match(/^Name +Source +Desired +Current\s*$/m);
      expect(text).to.match(/^msDS-DevicePhysicalIDs +a, b +a, b +a, b\s*$/m);
      expect(text).to.include('3 differences are held back');
      expect(text).to.not.match(/[{}]/);
      expect(text).to.not.include('\u001b');
    });

    it('show of what did not happen in a run only that which is', () => {
      const whole = show('Sync-DeviceWriteback -Server three').text;
      expect(whole).to.match(/^Failed +: 0$/m);
      expect(whole).to.not.match(/^(Skipped|Cancelled|Declined) /m);
      const partial = show('Sync-DeviceWriteback -Server changed').text;
      expect(partial).to.match(/^Skipped +: 1$/m);
      expect(partial).to.not.match(/^(Cancelled|Declined) /m);
    });

    it('show a run the same behind its results as alone, each at a prompt', () => {
      const [alone = '', behind = ''] = ['', ' -PassThru'].map(
        (more) => show(`Sync-DeviceWriteback -Server three${more}`).text,
      );
      const run = (text: string): string => text.slice(text.indexOf('Outcome ')).trimEnd();
      expect(run(behind)).to.equal(run(alone));
      expect(run(behind)).to.match(/^Started +: 2026-11-22 14:23:12Z\nEnded +: 2026-11-22 14:23:13Z$/m);
      expect(behind).to.match(/^State +Action +Name +DeviceId +Message\s*$/m);
    });

    for (const command of [
      'Get-DeviceWritebackPlan -Server disguised',
      '(Get-DeviceWritebackPlan -Server disguised).Attributes',
      'Get-DeviceWritebackPlan -Server disguised | ForEach-Object { "$_" }',
      'Sync-DeviceWriteback -Server disguised -PassThru -Verbose -WhatIf',
      'Sync-DeviceWriteback -Server disguised -PassThru -Verbose',
      'Get-DeviceWritebackDevice disguised',
      '(Get-DeviceWritebackDevice disguised).Attributes',
    ]) {
      it(`let no character of a device name reach the terminal that moves the cursor or turns text: ${command}`, () => {
        const { text, status } = show(`$PSStyle.OutputRendering = 'Ansi'; ${command} | Out-Default`);
        expect(status, text).to.equal(0);
        expect(text.replaceAll(/\s/g, '')).to.include('a\\u001b]0;b\\u0007\\u202e');
        for (const unseen of ['\u001b]', '\u0007', '\u202e']) expect(text).to.not.include(unseen);
      });
    }

    it('spell out in every view, also in those that are asked for, the texts that come from outside', () => {
      const views = readFileSync(path.join(ROOT, 'module/DeviceWriteback.Format.ps1xml'), 'utf8')
        .split('<View>')
        .slice(1);
      const ofDevices = views.filter((view) => /<TypeName>DeviceWriteback\.(Change|Result|Device)</.test(view));
      expect(ofDevices).to.have.length(6);
      for (const view of ofDevices) {
        expect(view).to.match(/\[DeviceWriteback\.VisibleText\]::Of\(\$_\.Name\)|\$\(if \(\$_\.Name\)/);
        expect(view).to.not.match(/<PropertyName>(Name|Identity|DistinguishedName|Description|Message)</);
      }
      const ofValues = views.filter((view) => /<TypeName>DeviceWriteback\.(Device)?Attribute(Change)?</.test(view));
      expect(ofValues).to.have.length(4);
      for (const view of ofValues) {
        expect(view.match(/\[DeviceWriteback\.VisibleText\]::/g)).to.have.length.within(2, 3);
        expect(view).to.not.match(/<PropertyName>(Source|Desired|Current|Before|After)</);
      }
    });

    for (const view of ['ConciseView', 'NormalView']) {
      it(`show an error with its remedy once: ${view}`, () => {
        const { text } = show(`$global:ErrorView = '${view}'; Test-DeviceWritebackPrereq -Server error`);
        const words = text.replaceAll(/\s*\|?\s+/g, ' ');
        expect(words).to.include('Binding to dc1 as EXAMPLE\\sync was refused. Check the password.');
        expect(words.split('Check the password.')).to.have.length(2);
      });
    }

    it('give Windows PowerShell, which shows the message and no recommended action, the remedy in it', async () => {
      const { output } = await setup.powerShell.run(
        'try { Test-DeviceWritebackPrereq -Server error } catch { "$_"; $_.ErrorDetails.Message }',
      );
      const line = 'Binding to dc1 as EXAMPLE\\sync was refused. Check the password.';
      expect(output).to.deep.equal([line, line]);
    });
  });

  describe('exit codes', () => {
    for (const [what, script, code] of [
      ['a failed check', 'Test-DeviceWritebackPrereq -Server error', 1],
      ['a run that cannot be planned', 'Sync-DeviceWriteback -Server unknown', 1],
      ['a refused run', 'Sync-DeviceWriteback -Server refused', 1],
      ['a run with a failed change', 'Sync-DeviceWriteback -Server failing', 1],
      ['a run', 'Sync-DeviceWriteback -Server three', 0],
    ] as const) {
      it(`are ${code} for ${what} under $ErrorActionPreference = 'Stop'`, () => {
        const { text, status } = show(`$ErrorActionPreference = 'Stop'; $null = ${script}; 'reached the end'`);
        expect(status, text).to.equal(code);
        expect(text.includes('reached the end')).to.equal(code === 0);
      });
    }

    for (const [ending, server, code] of [
      ['completed', 'three', 0],
      ['not planned', 'unknown', 1],
      ['completed with a failed change', 'failing', 2],
      ['refused', 'refused', 3],
    ] as const) {
      it(`are ${code} for a run that is ${ending}, in the script that the topic about the module shows`, () => {
        const topic = readFileSync(path.join(ROOT, 'en-US/about_DeviceWriteback.help.txt'), 'utf8');
        const script = /^ {6}try \{\n[^]*?^ {6}exit 0$/m.exec(topic)?.[0] ?? '';
        const command = 'Sync-DeviceWriteback -ConfigurationPath C:\\DeviceWriteback\\writeback.json';
        expect(script).to.include(command);
        const { text, status } = show(script.replace(command, `Sync-DeviceWriteback -Server ${server}`));
        expect(status, text).to.equal(code);
      });
    }
  });
});
