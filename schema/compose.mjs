// Composes the subgraphs' schemas of a folder into its supergraph.graphql: `npm ci && npm run compose`.
// Every other `<name>.graphql` in the folder is a subgraph; the folder is this one, or the first argument.
// With `--check` it writes nothing and fails when the committed supergraph is behind.
//
// The addresses in it are placeholders: the gateway knows at run time where each subgraph is.

import { assertCompositionSuccess, composeServices } from '@theguild/federation-composition';
import { parse } from 'graphql';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { argv, exit } from 'node:process';
import { fileURLToPath } from 'node:url';

const check = argv.includes('--check');
const [given] = argv.slice(2).filter((argument) => !argument.startsWith('--'));
const folder = given ? resolve(given) : dirname(fileURLToPath(import.meta.url));
const target = join(folder, 'supergraph.graphql');

const names = (await readdir(folder))
  .filter((file) => file.endsWith('.graphql') && file !== 'supergraph.graphql')
  .map((file) => file.slice(0, -'.graphql'.length))
  .sort();
const services = await Promise.all(
  names.map(async (name) => ({
    name,
    url: `http://${name}.invalid/graphql`,
    typeDefs: parse(await readFile(join(folder, `${name}.graphql`), 'utf8')),
  })),
);
const result = composeServices(services);
for (const error of result.errors ?? []) {
  console.error(`${error.extensions?.code ?? 'ERROR'}: ${error.message}`);
}
assertCompositionSuccess(result);

const supergraph = `${result.supergraphSdl.trimEnd()}\n`;
if (check) {
  const committed = await readFile(target, 'utf8').catch(() => '');
  if (committed !== supergraph) {
    console.error('supergraph.graphql is behind: run `npm run compose` in schema/');
    exit(1);
  }
} else {
  await writeFile(target, supergraph);
  console.log(`supergraph.graphql: ${names.join(', ')}`);
}
