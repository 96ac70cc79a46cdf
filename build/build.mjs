// Builds what the module needs to run from this checkout: the engine's bundle, the assemblies, the help.
import { buildAssemblies } from './assemblies.mjs';
import { bundle } from './bundle.mjs';
import { help } from './help.mjs';

export async function build() {
  await bundle();
  await buildAssemblies();
  await help();
}

if (import.meta.main) await build();
