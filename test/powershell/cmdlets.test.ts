import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { eventually, FakeEngineSetup } from './fakeEngineSetup.ts';
import { namedPwsh, quote, type ScenarioResult } from './powerShell.ts';

type Properties = Readonly<Record<string, unknown>>;

const objects = (result: ScenarioResult): readonly Properties[] => result.output as readonly Properties[];
const types = (result: ScenarioResult): readonly unknown[] => objects(result).map((one) => one['$type']);
/** A statement that puts the text into a variable as a SecureString. */
const secure = (variable: string, text: string): string =>
  `${variable} = [Net.NetworkCredential]::new('', ${quote(text)}).SecurePassword`;
const hostLines = (result: ScenarioResult, kind: string): readonly string[] =>
  result.host.filter((line) => line.startsWith(`${kind}: `)).map((line) => line.slice(kind.length + 2));

describe('the cmdlets', function () {
  this.timeout(60_000);
  let setup: FakeEngineSetup;
  const run: FakeEngineSetup['powerShell']['run'] = (scenario) => setup.powerShell.run(scenario);
  /** Runs it and gives the requests that the engine got meanwhile, releases left out. */
  const runAndListen = async (
    scenario: Parameters<typeof run>[0],
  ): Promise<{
    result: ScenarioResult;
    methods: readonly string[];
    params: (method: string) => Properties | undefined;
  }> => {
    const before = setup.log().length;
    const result = await run(scenario);
    const requests = setup
      .log()
      .slice(before)
      .flatMap(({ message }) => (message?.id !== undefined && message.method !== undefined ? [message] : []));
    return {
      result,
      methods: requests.map(({ method }) => method ?? '').filter((method) => method !== 'release'),
      params: (method) => requests.find((request) => request.method === method)?.params,
    };
  };

  before(() => {
    setup = new FakeEngineSetup();
  });

  after(() => setup.close());

  describe('parameters', () => {
    it('are sent by their protocol names, and only those that are given', async () => {
      const { params } = await runAndListen(
        "Test-DeviceWritebackPrereq -Tenant contoso.example -AppId 'an id' -DomainController dc1 -DomainName example.test -Account svc -Quiet",
      );
      expect(params('test')).to.deep.equal({
        tenantId: 'contoso.example',
        clientId: 'an id',
        server: 'dc1',
        domainName: 'example.test',
        adConnectorAccount: 'svc',
      });
    });

    it('that are paths are made absolute', async () => {
      const { params } = await runAndListen(
        `$ExecutionContext.SessionState.Path.SetLocation(${quote(setup.folder)}) | Out-Null
        Enable-DeviceWriteback -ConfigurationPath a.json -CertificatePath ./b.pem -TrustedCertificate ../c.pem -StatePath /d/e -CloudIssuerCertificatePath f.cer -WhatIf`,
      );
      expect(params('enable/plan')).to.deep.equal({
        configurationPath: path.join(setup.folder, 'a.json'),
        certificatePath: path.join(setup.folder, 'b.pem'),
        trustedCertificate: path.join(path.dirname(setup.folder), 'c.pem'),
        statePath: '/d/e',
        cloudIssuerCertificatePath: path.join(setup.folder, 'f.cer'),
      });
    });

    it('give the environment as a name or as two addresses', async () => {
      const named = await runAndListen('Test-DeviceWritebackPrereq -EnvironmentName USGov -Quiet');
      expect(named.params('test')).to.deep.equal({ environment: 'USGov' });
      const custom = await runAndListen(
        "Test-DeviceWritebackPrereq -Environment @{ Graph = 'http://127.0.0.1:1'; login = 'http://127.0.0.1:2' } -Quiet",
      );
      expect(custom.params('test')).to.deep.equal({
        environment: { graph: 'http://127.0.0.1:1', login: 'http://127.0.0.1:2' },
      });
    });

    for (const [form, value] of [
      [
        'an object, such as ConvertFrom-Json gives',
        "([pscustomobject]@{ Graph = 'http://127.0.0.1:1'; LOGIN = 'http://127.0.0.1:2' })",
      ],
      ['an ordered hashtable', "([ordered]@{ GRAPH = 'http://127.0.0.1:1'; login = 'http://127.0.0.1:2' })"],
    ] as const) {
      it(`give the two addresses of an environment as ${form}`, async () => {
        const { params } = await runAndListen(`Test-DeviceWritebackPrereq -Environment ${value} -Quiet`);
        expect(params('test')).to.deep.equal({
          environment: { graph: 'http://127.0.0.1:1', login: 'http://127.0.0.1:2' },
        });
      });
    }

    for (const [value, why] of [
      ["@{ graph = 'http://a' }", 'Hashtable with graph'],
      ["@{ graph = 'http://a'; login = 'http://b'; more = 1 }", 'more'],
      ["@{ graph = 'http://a'; logon = 'http://b' }", 'logon'],
      ["@{ graph = 'http://a'; login = ' ' }", 'its login is not a text'],
      ['@{ graph = 1; login = 2 }', 'is not a text'],
      ["([pscustomobject]@{ graph = 'http://a' })", 'PSCustomObject with graph'],
      ['([pscustomobject]@{})', 'PSCustomObject'],
      ["([pscustomobject]@{ graph = 'http://a'; login = $null })", 'its login is not a text'],
      ["([pscustomobject]@{ name = 'USGov' })", 'PSCustomObject with name'],
      ["' '", 'an empty text'],
      ['5', 'Int32'],
      ["'USGov', 'China'", 'Object[]'],
      ['{ USGov }', 'ScriptBlock'],
    ] as const) {
      it(`refuse an environment that is neither before anything is sent: ${value}`, async () => {
        const { result, methods } = await runAndListen(`Test-DeviceWritebackPrereq -Environment ${value}`);
        expect(result.errors).to.have.length(1);
        expect(result.errors[0]).to.deep.include({
          id: 'ParameterInvalid,DeviceWriteback.TestDeviceWritebackPrereqCommand',
          category: 'InvalidArgument',
          target: 'Environment',
        });
        expect(result.errors[0]?.message).to.include('graph and login').and.to.include(why);
        expect(methods).to.deep.equal([]);
      });
    }

    it('of every way to sign in and to bind are sent by their protocol names', async () => {
      const { params } = await runAndListen(
        `$ExecutionContext.SessionState.Path.SetLocation(${quote(setup.folder)}) | Out-Null
        ${secure('$password', 'pfx-pa\u00dfword')}; ${secure('$token', 'eyJ0.to.ken')}; ${secure('$secret', 's3cret')}
        $app = [pscredential]::new('an id', $secret); $account = [pscredential]::new('svc', $secret)
        Test-DeviceWritebackPrereq -CertificatePath app.pfx -CertificatePassword $password -ManagedIdentity -UseDeviceCode -AccessToken $token \`
          -CertificateThumbprint 0123456789abcdef0123456789ABCDEF01234567 -ClientSecretCredential $app -Credential $account \`
          -AuthType External -StartTls -DirectoryCertificatePath bind.pem -Quiet`,
      );
      expect(params('test')).to.deep.equal({
        certificatePath: path.join(setup.folder, 'app.pfx'),
        certificatePassword: 'pfx-pa\u00dfword',
        certificateThumbprint: '0123456789abcdef0123456789ABCDEF01234567',
        clientSecretCredential: { userName: 'an id', password: 's3cret' },
        managedIdentity: true,
        useDeviceCode: true,
        accessToken: 'eyJ0.to.ken',
        credential: { userName: 'svc', password: 's3cret' },
        authType: 'External',
        startTls: true,
        directoryCertificatePath: path.join(setup.folder, 'bind.pem'),
      });
    });

    it('have the names that Connect-MgGraph gives them too', async () => {
      for (const [alias, name] of [
        ['MSI', 'managedIdentity'],
        ['ManagedServiceIdentity', 'managedIdentity'],
        ['DeviceCode', 'useDeviceCode'],
        ['DeviceAuth', 'useDeviceCode'],
      ] as const) {
        const { params } = await runAndListen(`Enable-DeviceWriteback -${alias} -WhatIf`);
        expect(params('enable/plan')).to.deep.equal({ [name]: true });
      }
    });

    it('of the scope and the policy are sent when given, zero and false too', async () => {
      const { params } = await runAndListen(`
        Sync-DeviceWriteback -Server empty -TrustType AzureAd, serverad -OperatingSystem Windows, 'Mac OS' \`
          -Group 11111111-1111-4111-8111-111111111111 -Full -FullAfter 0 -DeleteAfter 0 -KeepRemoved:$false -MaximumRemoval 0 -StartTls:$false`);
      expect(params('plan')).to.deep.equal({
        server: 'empty',
        trustType: ['AzureAd', 'serverad'],
        operatingSystem: ['Windows', 'Mac OS'],
        group: ['11111111-1111-4111-8111-111111111111'],
        full: true,
        fullAfter: 0,
        deleteAfter: 0,
        keepRemoved: false,
        maximumRemoval: 0,
        startTls: false,
      });
    });

    it('that are not given are not sent; a plan that is only shown is always of a full read', async () => {
      const sync = await runAndListen('Sync-DeviceWriteback -Server empty');
      expect(sync.params('plan')).to.deep.equal({ server: 'empty' });
      const plan = await runAndListen('Get-DeviceWritebackPlan -Server empty');
      expect(plan.params('plan')).to.deep.equal({ server: 'empty', full: true });
      const device = await runAndListen('Get-DeviceWritebackDevice PC-1');
      expect(device.params('explain')).to.deep.equal({ devices: ['PC-1'] });
    });

    it('of adoption and of what is kept are sent when given', async () => {
      const sync = await runAndListen('Sync-DeviceWriteback -Server empty -Adopt -KeepReports 12');
      expect(sync.params('plan')).to.deep.equal({ server: 'empty', adopt: true, keepReports: 12 });
      const plan = await runAndListen('Get-DeviceWritebackPlan -Server empty -Adopt:$false');
      expect(plan.params('plan')).to.deep.equal({ server: 'empty', adopt: false, full: true });
      const device = await runAndListen('Get-DeviceWritebackDevice PC-1 -Adopt');
      expect(device.params('explain')).to.deep.equal({ devices: ['PC-1'], adopt: true });
    });

    it('of a plan from a file are sent, those of the policy with them', async () => {
      for (const name of ['Plan', 'PlanFile']) {
        const { params } = await runAndListen(
          `$ExecutionContext.SessionState.Path.SetLocation(${quote(setup.folder)}) | Out-Null
          Sync-DeviceWriteback -Server empty -${name} plan.json -Digest ${'aB'.repeat(32)} -PlanMaximumAge 168 -MaximumRemoval 9 -DeleteAfter 0`,
        );
        expect(params('plan')).to.deep.equal({
          server: 'empty',
          planFile: path.join(setup.folder, 'plan.json'),
          planDigest: 'aB'.repeat(32),
          planMaximumAge: 168,
          maximumRemoval: 9,
          deleteAfter: 0,
        });
      }
    });

    for (const [refused, id] of [
      ...['-Full', '-FullAfter 1', '-Adopt', '-TrustType AzureAd', '-OperatingSystem Windows', '-Group g'].map(
        (entra) => [`-Plan p.json -Digest ${'a'.repeat(64)} ${entra}`, 'AmbiguousParameterSet'] as const,
      ),
      [`-Digest ${'a'.repeat(64)} -Full`, 'AmbiguousParameterSet'],
      ['-Full -PlanMaximumAge 1', 'AmbiguousParameterSet'],
    ] as const) {
      it(`that do not go together are refused before anything is sent: ${refused}`, async () => {
        const { result, methods } = await runAndListen(`Sync-DeviceWriteback ${refused}`);
        expect(result.errors[0]?.id).to.match(new RegExp(`^${id},`));
        expect(methods).to.deep.equal([]);
      });
    }

    for (const refused of [
      'Sync-DeviceWriteback -DeleteAfter 36501',
      `Sync-DeviceWriteback -Plan p.json -Digest ${'a'.repeat(63)}`,
      `Sync-DeviceWriteback -Plan p.json -Digest ${'g'.repeat(64)}`,
      `Sync-DeviceWriteback -Plan p.json -Digest ${'a'.repeat(64)} -PlanMaximumAge 0`,
      `Sync-DeviceWriteback -Plan p.json -Digest ${'a'.repeat(64)} -PlanMaximumAge 169`,
      'Sync-DeviceWriteback -KeepReports 0',
      'Sync-DeviceWriteback -KeepReports 10001',
      'Get-DeviceWritebackPlan -OutFile p -Format Csv',
      'Sync-DeviceWriteback -DeleteAfter -1',
      'Sync-DeviceWriteback -FullAfter 169',
      'Sync-DeviceWriteback -FullAfter -1',
      'Sync-DeviceWriteback -MaximumRemoval -1',
      'Get-DeviceWritebackPlan -TrustType Hybrid',
      "Get-DeviceWritebackPlan -OperatingSystem ''",
      'Test-DeviceWritebackPrereq -AuthType Simple',
      'Test-DeviceWritebackPrereq -CertificateThumbprint 0123456789abcdef',
      "Test-DeviceWritebackPrereq -CertificateThumbprint 'x0123456789abcdef0123456789abcdef01234567'",
    ]) {
      it(`out of range are refused before anything is sent: ${refused}`, async () => {
        const { result, methods } = await runAndListen(refused);
        expect(result.errors[0]?.id).to.match(/^ParameterArgumentValidationError/);
        expect(methods).to.deep.equal([]);
      });
    }

    it('that are secrets which their owner has cleared already are refused, and the engine lives on', async () => {
      const { result, methods } = await runAndListen(`
        ${secure('$cleared', 'x')}; $credential = [pscredential]::new('svc', $cleared); $cleared.Dispose()
        try { Test-DeviceWritebackPrereq -AccessToken $cleared } catch { "$($_.Exception.GetType().Name)" }
        try { Test-DeviceWritebackPrereq -Credential $credential } catch { "$($_.Exception.GetType().Name)" }
        Test-DeviceWritebackPrereq -Quiet`);
      expect(result.output).to.deep.equal(['ObjectDisposedException', 'ObjectDisposedException', true]);
      expect(methods).to.deep.equal(['test']);
    });
  });

  describe('streams', () => {
    it('carry what the engine says', async () => {
      const result = await run(
        "$VerbosePreference = $DebugPreference = 'Continue'; Test-DeviceWritebackPrereq -Server checks",
      );
      expect(result.verbose).to.deep.equal(['a verbose line']);
      expect(result.debug).to.deep.equal(['a debug line']);
      expect(result.warnings).to.deep.equal(['a warning']);
    });

    for (const [script, verbose, debug] of [
      ['Test-DeviceWritebackPrereq -Server checks', false, false],
      ['Test-DeviceWritebackPrereq -Server checks -Verbose', true, false],
      ['Test-DeviceWritebackPrereq -Server checks -Debug', true, true],
      ['Test-DeviceWritebackPrereq -Server checks -Debug -Verbose:$false', false, true],
      ["$VerbosePreference = 'Continue'; Test-DeviceWritebackPrereq -Server checks", true, false],
      ["$VerbosePreference = 'Continue'; Test-DeviceWritebackPrereq -Server checks -Verbose:$false", false, false],
      ["$VerbosePreference = 'Continue'; Test-DeviceWritebackPrereq -Server checks -Debug:$false", true, false],
      ["$VerbosePreference = 'Ignore'; Test-DeviceWritebackPrereq -Server checks", false, false],
      ["$DebugPreference = 'Continue'; Test-DeviceWritebackPrereq -Server checks", false, true],
      ["function f { $VerbosePreference = 'Continue'; Test-DeviceWritebackPrereq -Server checks }; f", true, false],
      ['function f { [CmdletBinding()] param() Test-DeviceWritebackPrereq -Server checks }; f -Verbose', true, false],
      [
        "$m = New-Module { function f { [CmdletBinding()] param() Test-DeviceWritebackPrereq -Server checks } }; $VerbosePreference = 'Continue'; f",
        true,
        false,
      ],
    ] as const) {
      it(`ask the engine for the lines that PowerShell shows: ${script}`, async () => {
        // The fake engine sends all of them, so what is shown is PowerShell's own decision.
        // -Debug makes PowerShell ask at each line.
        const { result, params } = await runAndListen({ script, answers: ['Yes to All', 'Yes to All', 'Yes to All'] });
        expect(result.errors).to.deep.equal([]);
        const shown = { verbose: result.verbose.length > 0, debug: result.debug.length > 0 };
        const asked = { verbose: params('test')?.['verbose'] ?? false, debug: params('test')?.['debug'] ?? false };
        expect(asked).to.deep.equal(shown);
        expect(shown).to.deep.equal({ verbose, debug });
      });
    }

    it('ask for the same lines when a plan is applied', async () => {
      const { params } = await runAndListen('Sync-DeviceWriteback -Server three -Verbose');
      expect(params('plan')).to.deep.include({ verbose: true });
      expect(params('apply')).to.deep.include({ verbose: true });
    });

    it('show the message of a device code as a warning while the call waits', async () => {
      const { state, warnings } = await run({
        script: 'Test-DeviceWritebackPrereq -Server deviceCode -UseDeviceCode',
        stopWhen: { stream: 'warning', text: 'enter the code ABCD-1234' },
      });
      expect(state).to.equal('Stopped');
      expect(warnings).to.have.length(1);
    });

    it('complete the progress at the end of a call', async () => {
      const { progress } = await run('Test-DeviceWritebackPrereq -Server checks -Quiet');
      expect(progress).to.deep.include({ activity: 'Checking', status: 'schema', percent: 50, type: 'Processing' });
      expect(progress.at(-1)?.type).to.equal('Completed');
    });

    it('follow the preferences of a calling function', async () => {
      const { result, methods } = await runAndListen(
        'function Update-Devices { [CmdletBinding(SupportsShouldProcess)] param() Sync-DeviceWriteback -Server three } Update-Devices -WhatIf -Verbose',
      );
      expect(methods).to.deep.equal(['plan']);
      expect(result.verbose.filter((line) => line.startsWith('Held '))).to.have.length(3);
    });

    it('make an error of the engine a terminating one, with code, category, target and remedy', async () => {
      const { output } = await run(
        'try { Test-DeviceWritebackPrereq -Server error } catch { $_; $_.Exception.Detail; $_.Exception.Remedy }',
      );
      expect(output[0]).to.deep.include({
        id: 'DirectoryBindRefused,DeviceWriteback.TestDeviceWritebackPrereqCommand',
        category: 'AuthenticationError',
        target: 'dc1',
        exception: 'DeviceWriteback.WritebackException',
        recommendedAction: '',
        message: 'Binding to dc1 as EXAMPLE\\sync was refused. Check the password.',
      });
      expect(output.slice(1)).to.deep.equal(['the other side said no', 'Check the password.']);
    });
  });

  describe('Test-DeviceWritebackPrereq', () => {
    it('gives a check an object, its properties always the same', async () => {
      const result = await run('Test-DeviceWritebackPrereq -Server checks');
      expect(result.output).to.deep.equal(
        [
          ['Schema', 'Pass', null],
          ['Container', 'Fail', 'Mend it.'],
          ['Licence', 'NotTested', 'Mend it.'],
        ].map(([id, state, remedy]) => ({
          $type: 'DeviceWriteback.Check',
          Id: id,
          State: state,
          Title: `Title of ${id}`,
          Evidence: `Evidence of ${id}`,
          Remedy: remedy,
        })),
      );
    });

    it('gives one boolean with -Quiet', async () => {
      const { output } = await run(
        'Test-DeviceWritebackPrereq -Server checks -Quiet; Test-DeviceWritebackPrereq -Server passing -Quiet',
      );
      expect(output).to.deep.equal([false, true]);
    });
  });

  describe('Enable-DeviceWriteback', () => {
    const states = (result: ScenarioResult): readonly unknown[] => objects(result).map((step) => step['State']);

    it('does the steps and gives each', async () => {
      const { result, methods, params } = await runAndListen('Enable-DeviceWriteback');
      expect(types(result)).to.deep.equal(Array.from({ length: 3 }, () => 'DeviceWriteback.Step'));
      expect(states(result)).to.deep.equal(['Present', 'Done', 'Done']);
      expect(methods).to.deep.equal(['enable/plan', 'enable/apply']);
      expect(params('enable/apply')).to.deep.equal({ handle: 'preparation', declined: [] });
    });

    it('says what it would do with -WhatIf, and does nothing', async () => {
      const { result, methods } = await runAndListen('Enable-DeviceWriteback -WhatIf');
      expect(states(result)).to.deep.equal(['Present']);
      expect(methods).to.deep.equal(['enable/plan']);
      expect(hostLines(result, 'host')).to.deep.equal(
        ['', ' (OA;;CCDC;1;;S-1-5) (OA;CIIO;RPWP;;1;S-1-5)'].map(
          (detail, number) =>
            `What if: Performing the operation "Create Step${number}" on target "CN=Step${number},DC=example,DC=test".${detail}`,
        ),
      );
      expect(setup.received('release').at(-1)).to.deep.equal({ handle: 'preparation' });
    });

    it('leaves out a step that is answered with No', async () => {
      const { result, params } = await runAndListen({
        script: 'Enable-DeviceWriteback -Confirm',
        answers: ['No', 'Yes'],
      });
      expect(params('enable/apply')).to.deep.include({ declined: [0] });
      expect(states(result)).to.deep.equal(['Present', 'Declined', 'Done']);
    });

    it('applies nothing where everything is present', async () => {
      const { result, methods } = await runAndListen('Enable-DeviceWriteback -Server prepared');
      expect(states(result)).to.deep.equal(['Present']);
      expect(methods).to.deep.equal(['enable/plan']);
    });
  });

  describe('Sync-DeviceWriteback', () => {
    it('applies the plan and gives the run, times in UTC', async () => {
      const { result, params } = await runAndListen(
        '$run = Sync-DeviceWriteback -Server three; $run; $run.Started.Kind',
      );
      expect(types({ ...result, output: result.output.slice(0, 1) })).to.deep.equal(['DeviceWriteback.Run']);
      expect(result.output[0]).to.deep.include({
        Outcome: 'Completed',
        Reading: 'Delta',
        Why: 'Only what has changed since the run before.',
        Created: 3,
        Declined: 0,
        Started: '2026-11-22T14:23:12.3450000Z',
        Ended: '2026-11-22T14:23:13.0000000Z',
        ReportPath: '/var/lib/devicewriteback/report.json',
      });
      expect(result.output[1]).to.equal('Utc');
      expect(params('apply')).to.deep.equal({ handle: 'plan of three', digest: 'd'.repeat(64), declined: [] });
    });

    it('warns once of what is held back, and tells each with -Verbose', async () => {
      const result = await run('Sync-DeviceWriteback -Server three -Verbose');
      expect(result.warnings).to.deep.equal([
        '3 differences are held back: NoKey 2, Unowned 1. Get-DeviceWritebackPlan shows each.',
      ]);
      expect(result.verbose).to.include('Held Unowned: Held by Unowned: Helds the device object of PC--1.');
      expect(result.verbose).to.include('3 changes, 3 held, 7 unchanged.');
    });

    it('never reaches the writer with -WhatIf, gives no object, and releases the plan', async () => {
      const { result, methods } = await runAndListen('Sync-DeviceWriteback -Server three -WhatIf -PassThru');
      expect(result.output).to.deep.equal([]);
      expect(methods).to.deep.equal(['plan']);
      const lines = hostLines(result, 'host');
      expect(lines).to.have.length(4);
      expect(lines[1]).to.match(
        /^What if: Performing the operation "Update" on target "CN=[^"]*,DC=example,DC=test"\. Updates the device object of PC-1\.$/,
      );
      expect(lines[3]).to.equal('What if: 3 changes, 3 held, 7 unchanged.');
      await eventually('the plan is released', () => setup.received('release').at(-1)?.['handle'] === 'plan of three');
    });

    it('follows the $WhatIfPreference of the script, also where there is nothing to do', async () => {
      for (const server of ['three', 'empty']) {
        const { result, methods } = await runAndListen(
          `$WhatIfPreference = $true; Sync-DeviceWriteback -Server ${server}`,
        );
        expect(result.output).to.deep.equal([]);
        expect(methods).to.deep.equal(['plan']);
      }
      const overruled = await runAndListen(
        '$WhatIfPreference = $true; Sync-DeviceWriteback -Server empty -WhatIf:$false',
      );
      expect(overruled.methods).to.deep.equal(['plan', 'apply']);
    });

    it('applies an empty plan too, so that the run is reported', async () => {
      const { result, methods } = await runAndListen('Sync-DeviceWriteback -Server empty');
      expect(types(result)).to.deep.equal(['DeviceWriteback.Run']);
      expect(methods).to.deep.equal(['plan', 'apply']);
      expect(result.warnings).to.deep.equal([]);
    });

    const answers: readonly [readonly string[], readonly number[]][] = [
      [['Yes', 'No', 'Yes'], [1]],
      [['No', 'Yes to All'], [0]],
      [
        ['Yes', 'No to All'],
        [1, 2],
      ],
      [['No to All'], [0, 1, 2]],
    ];
    for (const [given, declined] of answers) {
      it(`asks with -Confirm: ${given.join(', ')} declines ${declined.join(', ') || 'nothing'}`, async () => {
        const { result, params } = await runAndListen({
          script: 'Sync-DeviceWriteback -Server three -Confirm',
          answers: given,
        });
        expect(params('apply')).to.deep.include({ declined });
        expect(hostLines(result, 'choice')).to.have.length(given.length);
      });
    }

    it('asks without -Confirm where $ConfirmPreference is Medium', async () => {
      const { result } = await runAndListen({
        script: "$ConfirmPreference = 'Medium'; Sync-DeviceWriteback -Server three",
        answers: ['Yes to All'],
      });
      expect(hostLines(result, 'choice')).to.have.length(1);
    });

    it('gives a result for each change with -PassThru, the run last', async () => {
      const { result, params } = await runAndListen('Sync-DeviceWriteback -Server three -PassThru');
      expect(params('apply')).to.deep.include({ results: true });
      expect(types(result)).to.deep.equal([
        ...Array.from({ length: 3 }, () => 'DeviceWriteback.Result'),
        'DeviceWriteback.Run',
      ]);
      expect(result.output[0]).to.deep.include({
        State: 'Applied',
        Action: 'Create',
        Name: 'PC-0',
        Message: null,
        Warnings: [],
      });
    });

    it('tells a failed change as an error that does not end the run', async () => {
      const result = await run('Sync-DeviceWriteback -Server failing');
      expect(result.terminating).to.equal(null);
      expect(result.errors).to.have.length(1);
      expect(result.errors[0]).to.deep.include({
        id: 'ChangeFailed,DeviceWriteback.SyncDeviceWritebackCommand',
        category: 'WriteError',
        target: 'CN=00000000-0000-4000-8000-000000000001,CN=RegisteredDevices,DC=example,DC=test',
      });
      expect(objects(result)[0]).to.deep.include({ Outcome: 'Failures', Failed: 1, Created: 2 });
    });

    it('gives the run of a refused plan, and then its refusal as a terminating error', async () => {
      const { result, methods } = await runAndListen('try { Sync-DeviceWriteback -Server refused } catch { $_ }');
      expect(methods).to.deep.equal(['plan', 'apply']);
      const [refused, error] = objects(result);
      expect(refused).to.deep.include({ Outcome: 'Refused', Created: 1 });
      expect(error).to.deep.include({
        id: 'RemovalThreshold,DeviceWriteback.SyncDeviceWritebackCommand',
        category: 'LimitsExceeded',
        message: 'The plan removes 9 of 10. Look at the plan, then give -MaximumRemoval 9.',
      });
    });

    it('warns with -WhatIf of a plan that would be refused', async () => {
      const { warnings } = await run('Sync-DeviceWriteback -Server refused -WhatIf');
      expect(warnings).to.deep.equal(['The plan removes 9 of 10. Look at the plan, then give -MaximumRemoval 9.']);
    });

    it("ends within two seconds when stopped in the middle, with the engine's report made", async () => {
      const reports = (): number => setup.log().filter(({ event }) => event === 'report').length;
      const before = reports();
      const result = await run({
        script: 'Sync-DeviceWriteback -Server slow',
        stopWhen: { stream: 'progress', text: 'Applying 5 of 50' },
      });
      expect(result.state).to.equal('Stopped');
      expect(result.stopMilliseconds).to.be.below(2000);
      expect(reports()).to.equal(before + 1);
      const report = setup.log().findLast(({ event }) => event === 'report');
      expect(report).to.deep.include({ cancelled: true });
      expect(report?.applied).to.be.within(5, 20);
    });

    it('ends within two seconds when the engine is slow to stop', async () => {
      const result = await run({ script: 'Sync-DeviceWriteback -Server stubborn', stopAfterMs: 600 });
      expect(result.state).to.equal('Stopped');
      expect(result.stopMilliseconds).to.be.below(2000);
    });

    it('cancels the run when an error is told to stop the script', async () => {
      const result = await run("$ErrorActionPreference = 'Stop'; Sync-DeviceWriteback -Server failing");
      expect(result.terminating?.id).to.equal('ChangeFailed,DeviceWriteback.SyncDeviceWritebackCommand');
      expect(setup.log().findLast(({ event }) => event === 'report')?.cancelled).to.equal(true);
    });
  });

  describe('Get-DeviceWritebackPlan', () => {
    it('gives each change and each held difference', async () => {
      const { result, methods } = await runAndListen('Get-DeviceWritebackPlan -Server three');
      expect(methods).to.deep.equal(['plan']);
      expect(objects(result).map((change) => change['Action'])).to.deep.equal([
        'Create',
        'Update',
        'Disable',
        'Held',
        'Held',
        'Held',
      ]);
      expect(result.output[0]).to.deep.equal({
        $type: 'DeviceWriteback.Change',
        Action: 'Create',
        Name: 'PC-0',
        DeviceId: '00000000-0000-4000-8000-000000000000',
        ObjectId: '00000000-0000-4000-8000-000001000000',
        DistinguishedName: 'CN=00000000-0000-4000-8000-000000000000,CN=RegisteredDevices,DC=example,DC=test',
        Reason: 'Flow',
        Description: 'Creates the device object of PC-0.',
        Warnings: [],
        Attributes: [
          {
            $type: 'DeviceWriteback.AttributeChange',
            Name: 'displayName',
            Before: [],
            After: ['PC-0 \u00e4\u{1F4BB}'],
          },
        ],
        Identity: '00000000-0000-4000-8000-000000000000',
      });
    });

    it('sends where to save the plan, and says on the host where it lies and what its digest is', async () => {
      const saved = path.join(setup.folder, 'plan.ldif');
      const there = `$ExecutionContext.SessionState.Path.SetLocation(${quote(setup.folder)}) | Out-Null`;
      const { result, params } = await runAndListen(
        `${there}; Get-DeviceWritebackPlan -Server three -OutFile plan.ldif -Format ldif`,
      );
      expect(params('plan')).to.deep.equal({ server: 'three', full: true, outFile: saved, format: 'ldif' });
      const message = `Saved 3 changes and 3 held differences to ${saved}, digest ${'d'.repeat(64)}.`;
      expect(result.information).to.deep.equal([message]);
      expect(hostLines(result, 'host')).to.deep.equal([message]);
      expect(result.output).to.have.length(6);
      const one = await runAndListen(`${there}; $null = Get-DeviceWritebackPlan -Server one -OutFile plan.json`);
      expect(one.params('plan')).to.deep.equal({
        server: 'one',
        full: true,
        outFile: path.join(setup.folder, 'plan.json'),
      });
      expect(one.result.information[0]).to.match(/^Saved 1 change and 1 held difference to /);
    });

    it('says nothing of a file that was not asked for, and refuses a format for none', async () => {
      const { information } = await run('Get-DeviceWritebackPlan -Server three');
      expect(information).to.deep.equal([]);
      const { result, methods } = await runAndListen('Get-DeviceWritebackPlan -Server three -Format Text');
      expect(result.errors.map(({ id, message }) => [id, message])).to.deep.equal([
        [
          'ParameterMissing,DeviceWriteback.GetDeviceWritebackPlanCommand',
          'OutFile is missing: the file that Format is for. Give -OutFile.',
        ],
      ]);
      expect(methods).to.deep.equal([]);
    });

    it('warns of a plan that would be refused', async () => {
      const { warnings } = await run('Get-DeviceWritebackPlan -Server refused');
      expect(warnings).to.deep.equal(['The plan removes 9 of 10. Look at the plan, then give -MaximumRemoval 9.']);
    });

    it('cancels its call and releases its plan when the pipeline has enough', async function () {
      if (namedPwsh() === null) {
        // The bare engine has no Select-Object; an error that stops the pipeline downstream takes the same way.
        const { output } = await run(
          'try { Get-DeviceWritebackPlan -Server many | ForEach-Object { $_.Name; throw "enough" } } catch { "$_" }',
        );
        expect(output).to.deep.equal(['PC-0', 'enough']);
      } else {
        const { output } = await run(
          'Get-DeviceWritebackPlan -Server many | Select-Object -First 1 | ForEach-Object Name',
        );
        expect(output).to.deep.equal(['PC-0']);
      }
      await eventually(
        'the plan call has ended as cancelled',
        () => setup.log().findLast(({ method }) => method === 'plan')?.cancelled === true,
      );
    });
  });

  describe('Get-DeviceWritebackDevice', () => {
    it('explains a device', async () => {
      const result = await run('Get-DeviceWritebackDevice PC-1');
      expect(result.output).to.deep.equal([
        {
          $type: 'DeviceWriteback.Device',
          Identity: 'PC-1',
          Name: 'PC-1',
          DeviceId: '00000000-0000-4000-8000-000000000001',
          ObjectId: '00000000-0000-4000-8000-000001000001',
          DistinguishedName: 'CN=00000000-0000-4000-8000-000000000001,CN=RegisteredDevices,DC=example,DC=test',
          Verdict: 'Nothing',
          Reason: null,
          Description: 'The device object is as it should be.',
          Ownership: 'Owned',
          AdFs: ['isknown: TRUE', 'displayname: PC-1'],
          Attributes: [
            ['displayName', 'PC-1', ['PC-1'], ['PC-1']],
            ['msDS-IsManaged', 'true', ['TRUE'], []],
            ['msDS-DevicePhysicalIDs', 'a, b', ['a', 'b'], ['a', 'b']],
          ].map(([name, source, desired, current]) => ({
            $type: 'DeviceWriteback.DeviceAttribute',
            Name: name,
            Source: source,
            Desired: desired,
            Current: current,
          })),
        },
      ]);
    });

    it('explains all that is piped with one call, by text, by property and from a plan', async () => {
      const scripts: readonly [string, readonly string[]][] = [
        ["'a', 'b', 'a' | Get-DeviceWritebackDevice", ['a', 'b']],
        [
          "[pscustomobject]@{ DistinguishedName = 'CN=x' }, [pscustomobject]@{ Name = 'y' } | Get-DeviceWritebackDevice",
          ['CN=x', 'y'],
        ],
        [
          'Get-DeviceWritebackPlan -Server unnamed | Get-DeviceWritebackDevice',
          [
            '00000000-0000-4000-8000-000000000000',
            'CN=00000000-0000-4000-8000-0000000000-1,CN=RegisteredDevices,DC=example,DC=test',
          ],
        ],
      ];
      for (const [script, identity] of scripts) {
        const { result, methods, params } = await runAndListen(script);
        expect(result.errors).to.deep.equal([]);
        expect(methods.filter((method) => method === 'explain')).to.have.length(1);
        expect(params('explain')).to.deep.equal({ devices: identity });
        expect(result.output).to.have.length(identity.length);
      }
    });

    it('tells a device that is not found as an error and explains the others', async () => {
      const result = await run("'nobody', 'PC-1' | Get-DeviceWritebackDevice");
      expect(result.errors.map(({ id, target }) => [id, target])).to.deep.equal([
        ['DeviceNotFound,DeviceWriteback.GetDeviceWritebackDeviceCommand', 'nobody'],
      ]);
      expect(types(result)).to.deep.equal(['DeviceWriteback.Device']);
    });

    it('calls nothing for an empty pipeline', async () => {
      const { result, methods } = await runAndListen('@() | Get-DeviceWritebackDevice');
      expect(result.errors).to.deep.equal([]);
      expect(methods).to.deep.equal([]);
    });
  });

  describe('ConvertTo-DeviceWritebackReport', () => {
    const page = (result: ScenarioResult): readonly unknown[] => objects(result).map((file) => file['FullName']);

    it('makes the page beside the report and gives its file', async () => {
      const report = path.join(setup.folder, 'report-1.json');
      const { result, methods, params } = await runAndListen(
        `$ExecutionContext.SessionState.Path.SetLocation(${quote(setup.folder)}) | Out-Null
        ConvertTo-DeviceWritebackReport report-1.json`,
      );
      expect(methods).to.deep.equal(['report/page']);
      const outFile = path.join(setup.folder, 'report-1.html');
      expect(params('report/page')).to.deep.equal({ path: report, outFile });
      expect(types(result)).to.deep.equal(['System.IO.FileInfo']);
      expect(page(result)).to.deep.equal([outFile]);
      expect(readFileSync(outFile, 'utf8')).to.include(report);
    });

    it('makes the page of a run that is piped, in the file that was asked for', async () => {
      const outFile = path.join(setup.folder, 'my page.htm');
      const { result, methods, params } = await runAndListen(
        `Sync-DeviceWriteback -Server three | ConvertTo-DeviceWritebackReport -OutFile ${quote(outFile)}`,
      );
      expect(result.errors).to.deep.equal([]);
      expect(methods).to.deep.equal(['plan', 'apply', 'report/page']);
      expect(params('report/page')).to.deep.equal({ path: '/var/lib/devicewriteback/report.json', outFile });
      expect(page(result)).to.deep.equal([outFile]);
    });

    it('writes nothing with -WhatIf or an answer of No', async () => {
      const tried = await runAndListen('ConvertTo-DeviceWritebackReport /r/report-1.json -WhatIf');
      expect(hostLines(tried.result, 'host')).to.deep.equal([
        'What if: Performing the operation "Write the page of the report /r/report-1.json" on target "/r/report-1.html".',
      ]);
      const asked = await runAndListen({
        script: 'ConvertTo-DeviceWritebackReport /r/report-1.json -Confirm',
        answers: ['No'],
      });
      expect([...tried.methods, ...asked.methods]).to.deep.equal([]);
    });

    it('tells a report that cannot be read as a terminating error', async () => {
      const { output } = await run('try { ConvertTo-DeviceWritebackReport broken.json } catch { $_ }');
      expect(output[0]).to.include({
        id: 'ReportInvalid,DeviceWriteback.ConvertToDeviceWritebackReportCommand',
        category: 'InvalidData',
      });
    });
  });
});
