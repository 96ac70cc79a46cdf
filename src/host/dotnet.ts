/** Which .NET of this computer the engine loads. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';

export interface DotnetRuntime {
  /** The folder with the program dotnet. */
  readonly folder: string;
  /** Such as 8.0.31. */
  readonly version: string;
}

/** The first version of .NET with NegotiateAuthentication and all that module/Services uses. */
export const OLDEST_DOTNET = 8;

const PROGRAM = process.platform === 'win32' ? 'dotnet.exe' : 'dotnet';
const RELEASE = /^(\d+)\.(\d+)\.(\d+)$/;

/**
 * The newest released runtime from OLDEST_DOTNET up, in the first place that has one: DOTNET_ROOT, PATH, and where
 * installers put it. null if there is none.
 */
export function findDotnet(environment: NodeJS.ProcessEnv = process.env): DotnetRuntime | null {
  for (const candidate of places(environment)) {
    const program = path.join(candidate, PROGRAM);
    if (!existsSync(program)) continue;
    // A packaged dotnet is a link into the folder that has the runtimes.
    const folder = path.dirname(realpathSync(program));
    const version = newestRuntime(path.join(folder, 'shared', 'Microsoft.NETCore.App'));
    if (version !== null) return { folder, version };
  }
  return null;
}

function places(environment: NodeJS.ProcessEnv): readonly string[] {
  const { DOTNET_ROOT, PATH, ProgramFiles } = environment;
  const installed =
    process.platform === 'win32'
      ? [path.join(ProgramFiles ?? 'C:\\Program Files', 'dotnet')]
      : ['/usr/share/dotnet', '/usr/lib/dotnet', '/usr/local/share/dotnet'];
  return [DOTNET_ROOT ?? '', ...(PATH ?? '').split(path.delimiter), ...installed].filter(path.isAbsolute);
}

function newestRuntime(folder: string): string | null {
  if (!existsSync(folder)) return null;
  const numbers = (version: string): readonly number[] => version.split('.').map(Number);
  const versions = readdirSync(folder).filter(
    (version) => RELEASE.test(version) && (numbers(version)[0] ?? 0) >= OLDEST_DOTNET,
  );
  const byVersion = (a: string, b: string): number => {
    const [left, right] = [numbers(a), numbers(b)];
    const at = left.findIndex((number, index) => number !== right[index]);
    return at === -1 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
  };
  return versions.sort(byVersion).at(-1) ?? null;
}
