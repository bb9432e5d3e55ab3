// Builds the page into the gateway's assets: `npm ci && npm run build`.
// `SOURCES.sha256` names what it was built from; a test of the gateway compares it with this folder.

import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const web = dirname(fileURLToPath(import.meta.url));
const assets = join(web, '..', 'gateway', 'assets');

await mkdir(assets, { recursive: true });
await build({
  entryPoints: { graphiql: join(web, 'src', 'main.jsx') },
  outdir: assets,
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022'],
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' },
  // Nothing may be left to fetch: fonts and pictures become part of the style sheet.
  loader: { '.woff2': 'dataurl', '.woff': 'dataurl', '.ttf': 'dataurl', '.svg': 'dataurl' },
  legalComments: 'eof',
  logLevel: 'info',
});
await copyFile(join(web, 'index.html'), join(assets, 'index.html'));
await writeFile(join(assets, 'SOURCES.sha256'), `${await hash()}\n`);

// Over each source: its path with forward slashes, a zero, its length in decimal, a zero, its bytes.
async function hash() {
  const fixed = ['build.mjs', 'index.html', 'package-lock.json', 'package.json'];
  const sources = await readdir(join(web, 'src'), { recursive: true, withFileTypes: true });
  const found = sources.filter((entry) => entry.isFile()).map((entry) => relative(web, join(entry.parentPath, entry.name)));
  const sum = createHash('sha256');
  for (const path of [...fixed, ...found.map((path) => path.split(sep).join('/'))].sort()) {
    const bytes = await readFile(join(web, path));
    sum.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return sum.digest('hex');
}
