// Runs the README's tour as a reader would paste it, against a fresh instance, and writes down what it
// answers: `node docs/transcript/run.mjs`. With `--check` it fails when tour.md says something else.
//
// Fenced blocks of the README with these info strings are run, in their order, in one shell:
//   sh serve   starts the server (again); not pasted literally: the port and the data folder are ours
//   sh tour    pasted
//   sh stop    stops the server
// SLACK_EXPORT names the export for the import step; without it ../shared/data/slack-export.zip.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { argv, env, exit } from 'node:process';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');
const target = join(here, 'tour.md');
const data = mkdtempSync(join(tmpdir(), 'commons-tour-'));
const exported = resolve(root, env.SLACK_EXPORT ?? '../shared/data/slack-export.zip');
const deadline = 60_000;

function blocks(text) {
  const found = [...text.matchAll(/^```sh (serve|tour|stop)\n([\s\S]*?)^```$/gm)];
  return found.map(([, kind, body]) => ({ kind, body }));
}

async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${deadline / 1000} s`)), deadline);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// The server on a free port; resolves once it says where it is.
async function serve() {
  const child = spawn(env.COMMONS ?? join(root, 'target/debug/commons'), [], {
    env: { ...env, COMMONS_DATA_DIR: data, COMMONS_GATEWAY__LISTEN: '127.0.0.1:0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let heard = '';
  const address = new Promise((found, failed) => {
    child.stderr.on('data', (text) => {
      heard += text;
      const match = heard.match(/Commons is at (http:\/\/\S+)/);
      if (match) found(match[1]);
    });
    child.on('exit', (code) => failed(new Error(`the server ended with ${code}:\n${heard}`)));
  });
  const base = await within(address, 'the start');
  for (;;) {
    const ready = await fetch(`${base}/ready`).catch(() => undefined);
    if (ready?.ok) return { child, base };
    if (child.exitCode !== null) throw new Error(heard);
    await new Promise((next) => setTimeout(next, 50));
  }
}

async function stop({ child }) {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = await within(ended, 'the stop');
  if (code !== 0) throw new Error(`the server ended with ${code}`);
}

// One shell for all blocks: what a block sets, the next has.
function shell(base) {
  const child = spawn('bash', ['--noprofile', '--norc', '-s'], {
    cwd: root,
    env: { ...env, COMMONS_DATA_DIR: data, EXPORT: exported, BASE: base, CARGO_TERM_QUIET: 'true' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let heard = '';
  child.stdout.on('data', (text) => (heard += text));
  return {
    async run(commands) {
      const from = heard.length;
      child.stdin.write(`${commands}\necho "--end $?"\n`);
      await within(
        (async () => {
          while (!/^--end \d+$/m.test(heard.slice(from))) {
            if (child.exitCode !== null) throw new Error('the shell ended');
            await new Promise((next) => setTimeout(next, 20));
          }
        })(),
        commands,
      );
      const said = heard.slice(from);
      if (/"errors":/.test(said)) throw new Error(`${commands}\n${said}`);
      if (!/^--end 0$/m.test(said)) throw new Error(`${commands}\n${said}`);
      return said.replace(/^--end \d+\n/m, '');
    },
    end() {
      child.stdin.end();
    },
  };
}

// What differs from run to run.
function settled(text) {
  return text
    .replace(/\b(user|guild|channel|message|role|session|invite)_[0-9a-hjkmnp-tv-z]{26}\b/g, '$1_…')
    .replace(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, 'eyJ…')
    .replace(/("refreshToken":")[\w-]{43}/g, '$1…')
    .replace(/("code":")[0-9A-Za-z]{10}"/g, '$1…"')
    .replace(/("(?:startCursor|endCursor|cursor)":")[\w-]+/g, '$1…')
    .replace(/"202[6-9]-\d\d-\d\dT[\d:.]+Z"/g, '"(now)"')
    .replace(/"202[6-9]-\d\d-\d\dT[\d:.+]+"/g, '"(now)"')
    .replaceAll(exported, '…/slack-export.zip');
}

const readme = readFileSync(join(root, 'README.md'), 'utf8');
let out = `# The tour\n\nMade by \`node docs/transcript/run.mjs\` from the README, on a new instance; CI makes it again. Ids, tokens\nand times of the day are left out.\n`;
let server;
let sh;
try {
  for (const { kind, body } of blocks(readme)) {
    if (kind === 'stop') {
      await stop(server);
      server = undefined;
      continue;
    }
    if (kind === 'serve') {
      server = await serve();
      if (sh) await sh.run(`BASE=${server.base}`);
      sh ??= shell(server.base);
      continue;
    }
    const said = await sh.run(body.replace(/^BASE=.*$/m, ':').replaceAll('cargo run --', 'target/debug/commons'));
    out += `\n\`\`\`sh\n${body}\`\`\`\n`;
    if (said.trim()) out += `\n\`\`\`\n${settled(said).trim()}\n\`\`\`\n`;
  }
} finally {
  sh?.end();
  if (server) await stop(server);
  rmSync(data, { recursive: true, force: true });
}

if (argv.includes('--check')) {
  const committed = readFileSync(target, 'utf8');
  if (committed !== out) {
    writeFileSync(join(tmpdir(), 'commons-tour.md'), out);
    console.error('docs/transcript/tour.md says something else: run `node docs/transcript/run.mjs` and look');
    exit(1);
  }
  console.log('the tour answers as written down');
} else {
  writeFileSync(target, out);
}
