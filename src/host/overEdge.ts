/**
 * HostServices without PowerShell: edge-js loads .NET and module/Services into this process. Nothing of it is touched
 * before the first request.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { isMainThread } from 'node:worker_threads';
import type { HostServices } from '../ports.ts';
import { findDotnet, OLDEST_DOTNET } from './dotnet.ts';
import { malformed, unavailable } from './failure.ts';
import { createHostServices } from './hostServices.ts';
import { isObject, type Invoke } from './operations.ts';

/**
 * A .NET method. Its callback runs before the call returns if the task is complete, else later. The form without a
 * callback is not used: in edge-js 26.1.0 it never frees the native copy of its result.
 */
type EdgeFunction = (input: object, callback: (error: Error | null | undefined, result: unknown) => void) => void;

interface EdgeModule {
  func(method: { readonly assemblyFile: string; readonly typeName: string; readonly methodName: string }): EdgeFunction;
}

const REBUILD = 'Install the module again, or in a checkout run: node build/edge.mjs.';

/** @param binFolder module/bin: edge-js lies in edge, the assembly in services/net8.0. */
export function createHostServicesOverEdge(binFolder: string): HostServices {
  return createHostServices(createInvokeOverEdge(binFolder));
}

/** The way itself, one request at a time in the terms of module/Services. */
export function createInvokeOverEdge(binFolder: string): Invoke {
  let method: EdgeFunction | null = null;
  return async (service, operation, members) => {
    method ??= load(path.resolve(binFolder));
    const answer = await call(method, { service, operation, ...members });
    if (!isObject(answer)) throw malformed(`${service}/${operation}`, 'members');
    return answer;
  };
}

function call(method: EdgeFunction, input: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    method(input, (error, result) => {
      if (error === null || error === undefined) resolve(result);
      else reject(error);
    });
  });
}

/** @throws HostServiceUnavailable */
function load(binFolder: string): EdgeFunction {
  if (!isMainThread) throw unavailable('it can be done on the main thread only.', 'Report it.');
  const edgeFolder = path.join(binFolder, 'edge');
  const native = path.join(edgeFolder, 'edge_coreclr.node');
  const assemblyFile = path.join(binFolder, 'services', 'net8.0', 'DeviceWriteback.Services.dll');
  for (const file of [native, assemblyFile]) {
    if (!existsSync(file)) throw unavailable(`there is no file ${file}.`, REBUILD);
  }
  const dotnet = findDotnet();
  if (dotnet === null) {
    throw unavailable(
      `no .NET ${OLDEST_DOTNET} or later was found.`,
      `Install the .NET ${OLDEST_DOTNET} runtime or a later one, so that dotnet is on PATH.`,
    );
  }
  setEnvironment(edgeFolder, native, dotnet);
  try {
    const edge = createRequire(import.meta.url)(path.join(edgeFolder, 'lib', 'edge.js')) as EdgeModule;
    return edge.func({ assemblyFile, typeName: 'DeviceWriteback.Services.HostServices', methodName: 'Invoke' });
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    // edge-js leaves its function out when the runtime did not start, and writes the reason to standard error.
    const why = words.includes('initializeClrFunc')
      ? `the runtime ${dotnet.version} in ${dotnet.folder} did not start.`
      : words;
    throw unavailable(why, `Check with dotnet --list-runtimes that .NET is whole. ${REBUILD}`, error);
  }
}

/**
 * edge-js reads its settings from the environment when it is loaded. It searches the given runtime only, and for
 * assemblies its own folder only: never the NuGet cache of the account, nor the working folder.
 */
function setEnvironment(
  edgeFolder: string,
  native: string,
  { folder, version }: { folder: string; version: string },
): void {
  // One of these variables makes edge-js write debug text to standard output, which belongs to the protocol.
  for (const name of Object.keys(process.env)) if (name.startsWith('EDGE_')) delete process.env[name];
  Object.assign(process.env, {
    EDGE_APP_ROOT: edgeFolder,
    EDGE_NATIVE: native,
    EDGE_USE_CORECLR: '1',
    // Its own search knows no later major version than the one that was built for.
    EDGE_USE_RUNTIME_CONFIG: '1',
    CORECLR_VERSION: version,
    DOTNET_ROOT: folder,
    PATH: `${folder}${path.delimiter}${process.env['PATH'] ?? ''}`,
    NUGET_PACKAGES: edgeFolder,
  });
}
