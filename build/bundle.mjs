// Bundles the engine: module/bin/engine/engine.mjs and the chunks of the libraries that are loaded when first used.
import { rm } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const outdir = 'module/bin/engine';

export async function bundle() {
  await rm(outdir, { recursive: true, force: true });
  await build({
    entryPoints: { engine: 'src/main.ts' },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    // A CommonJS library that is imported lazily has no named exports in a bundle: take the ECMAScript form where there is one.
    mainFields: ['module', 'main'],
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'linked',
    // The CommonJS libraries in the bundle call require for Node's own modules.
    banner: {
      js: "import{createRequire as createRequireHere}from'node:module';const require=createRequireHere(import.meta.url);",
    },
    logLevel: 'warning',
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await bundle();
