// Builds what the module needs to run from this checkout: the engine's bundle, the assemblies, the help. With the word
// "edge" also edge-js, which takes a minute and which only the engine without PowerShell loads.
import { buildAssemblies } from './assemblies.mjs';
import { bundle } from './bundle.mjs';
import { buildEdge } from './edge.mjs';
import { help } from './help.mjs';

export async function build() {
  await bundle();
  await buildAssemblies();
  await help();
}

if (import.meta.main) {
  await build();
  if (process.argv.includes('edge')) await buildEdge();
}
