// An instance for the tests of one file: a process on a free port, its data in a temporary folder, with
// one user and one channel. COMMONS names the binary, target/debug/commons when unset.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { fileURLToPath } from 'node:url';
import { after, before } from 'node:test';
import { LOG, SEND } from './documents.mjs';
import { within } from './waiting.mjs';

const binary = env.COMMONS ?? fileURLToPath(new URL('../../target/debug/commons', import.meta.url));

// An instance that is there before the first test and gone after the last.
export function running() {
  const instance = new Instance();
  before(() => instance.found());
  after(() => instance.remove());
  return instance;
}

class Instance {
  base; // where it is, http://host:port
  token; // an access token of `username`
  username = 'ada';
  channelId;
  channelName;
  #data;
  #child;

  // Starts, registers the user and founds a guild.
  async found() {
    this.#data = await mkdtemp(join(tmpdir(), 'commons-clients-'));
    await this.open();
    const register = 'mutation($input: RegisterInput!) { register(input: $input) { signedIn { accessToken } } }';
    const registered = await this.ask(register, { input: { username: this.username, password: 'correct horse' } });
    this.token = registered.register.signedIn.accessToken;
    const found = 'mutation { createGuild(input: { name: "Home" }) { guild { channels { id name } } } }';
    const [channel] = (await this.ask(found)).createGuild.guild.channels;
    this.channelId = channel.id;
    this.channelName = channel.name;
  }

  // Starts on the data that is there, at an address of the system's choice.
  async open() {
    const child = spawn(binary, [], {
      env: { ...env, COMMONS_DATA_DIR: this.#data, COMMONS_GATEWAY__LISTEN: '127.0.0.1:0' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    process.once('exit', () => child.kill('SIGKILL'));
    let said = '';
    const address = new Promise((found, failed) => {
      child.stderr.on('data', (text) => {
        said += text;
        // A line may come in pieces.
        const match = said.match(/Commons is at (http:\/\/\S+) /);
        if (match) found(match[1]);
      });
      child.once('error', failed);
      child.once('exit', (code, signal) => failed(new Error(`the server ended with ${code ?? signal}:\n${said}`)));
    });
    this.base = await within(address, 'the start');
    const { status } = await within(fetch(`${this.base}/ready`), '/ready');
    assert.equal(status, 200, 'what serves is ready');
  }

  // SIGTERM; gives the exit code.
  async terminate() {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const [code] = await within(ended, 'the stop');
    return code;
  }

  async remove() {
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await within(ended, 'the end');
    }
    if (this.#data) await rm(this.#data, { recursive: true, force: true });
  }

  // Where a path takes sockets.
  socket(path) {
    return `${this.base.replace(/^http/, 'ws')}${path}`;
  }

  // An operation over HTTP; throws the errors, with their codes, as one.
  async ask(query, variables) {
    const headers = { 'content-type': 'application/json' };
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    const body = JSON.stringify({ query, variables });
    const response = await within(fetch(`${this.base}/graphql`, { method: 'POST', headers, body }), 'an answer');
    const { data, errors } = await response.json();
    if (errors) throw Object.assign(new Error(JSON.stringify(errors)), { code: errors[0].extensions?.code });
    return data;
  }

  // Sends a message over HTTP; gives it.
  async send(content) {
    const { sendMessage } = await this.ask(SEND, { input: { channelId: this.channelId, content } });
    return sendMessage.message;
  }

  // Every event of the channel behind a number, from the log.
  async log(seq) {
    const events = [];
    for (;;) {
      const { channel } = await this.ask(LOG, { channelId: this.channelId, after: events.at(-1)?.seq ?? seq });
      events.push(...channel.events.nodes);
      if (!channel.events.hasMore) return events;
    }
  }
}
