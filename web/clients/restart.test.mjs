// graphql-ws over a restart of the server: whoever comes back with the number of the last event that they
// saw has missed nothing.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { following, PATHS } from './documents.mjs';
import { running } from './instance.mjs';
import { recording } from './recording.mjs';
import { Events, within } from './waiting.mjs';

describe('a restart', () => {
  const instance = running();
  for (const path of PATHS) {
    test(`at ${path} a client goes on behind the last event that it saw`, () => over(path));
  }

  async function over(path) {
    const { WebSocket, sockets } = recording();
    const closed = new Events();
    let comeBack;
    const back = new Promise((resolve) => (comeBack = resolve));
    const client = createClient({
      url: () => instance.socket(path),
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${instance.token}` },
      retryAttempts: 1,
      retryWait: () => back,
      on: { closed: ({ code }) => closed.push({ code, last }) },
    });
    let last;
    const { channelId } = instance;
    const events = new Events((events) =>
      client.subscribe(
        // Asked for whenever the client subscribes, so also when it comes back.
        { query: following('Resumed'), variables: { channelId, get after() { return last; } } },
        {
          next({ data, errors }) {
            if (errors) return events.fail(errors);
            const { messageEvents: event } = data;
            // Only the first head is a position: later ones stand before what was missed.
            if (event.__typename !== 'StreamHead' || last === undefined) last = event.seq;
            events.push(event);
          },
          error: (error) => events.fail(error),
          complete: () => events.end(),
        },
      ),
    );
    const first = await events.next('the head');
    assert.equal(first.__typename, 'StreamHead');

    const sending = sendOn();
    const record = [];
    while (record.length < 10) record.push(await events.next('a message'));
    assert.equal(await instance.terminate(), 0);
    const atClose = await closed.next('the close');
    assert.equal(atClose.code, 1012);
    const taken = await within(sending, 'the refusal');

    await instance.open();
    const away = [];
    for (const content of ['away 1', 'away 2', 'away 3']) away.push((await instance.send(content)).seq);
    comeBack();
    for (;;) {
      const event = await events.next('the second head');
      if (event.__typename === 'StreamHead') {
        assert.equal(event.seq, away.at(-1));
        break;
      }
      record.push(event);
    }
    assert.equal(record.at(-1).seq, atClose.last);
    const { seq: end } = await instance.send('live again');
    while (record.at(-1).seq < end) record.push(await events.next('what was missed'));

    const log = await instance.log(first.seq);
    assert.deepEqual(
      record.map(({ __typename, seq }) => ({ __typename, seq })),
      log,
    );
    const logged = new Set(log.map(({ seq }) => seq));
    assert.deepEqual(
      [...taken, ...away].filter((seq) => !logged.has(seq)),
      [],
    );
    const asked = sockets.map(({ frames }) => frames.find(({ type }) => type === 'subscribe').payload.variables.after);
    assert.deepEqual(asked, [undefined, atClose.last]);
    events.stop();
  }

  // Sends until the server takes no more; gives the numbers of what it took.
  async function sendOn() {
    const taken = [];
    for (;;) {
      try {
        taken.push((await instance.send(`before ${taken.length}`)).seq);
      } catch (error) {
        // The server says that it ends, or its connection is gone.
        if (error.code === 'UNAVAILABLE' || (error instanceof TypeError && error.cause)) return taken;
        throw error;
      }
    }
  }
});
