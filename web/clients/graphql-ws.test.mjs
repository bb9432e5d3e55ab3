// graphql-ws by itself: what every client does, on each path, and its own ways with a socket.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { following, LOOK, PATHS } from './documents.mjs';
import { connect } from './graphql-ws.mjs';
import { running } from './instance.mjs';
import { recording } from './recording.mjs';
import { answers, arrival, headOf, sockets, streams } from './suite.mjs';
import { Events, within } from './waiting.mjs';

describe('graphql-ws', () => {
  const instance = running();
  for (const path of PATHS) {
    describe(`at ${path}`, () => {
      const url = () => instance.socket(path);
      answers(instance, connect, url);
      streams(instance, connect, url);
    });
  }
  sockets(instance, connect);

  // A client, its sockets, and what it tells of them.
  function watched(options) {
    const { WebSocket, sockets } = recording();
    const told = { connected: new Events(), closed: new Events(), ping: new Events(), pong: new Events() };
    const client = connect({
      url: instance.socket(PATHS[0]),
      token: instance.token,
      webSocketImpl: WebSocket,
      on: {
        connected: () => told.connected.push(),
        closed: (event) => told.closed.push(event),
        ping: (received) => told.ping.push(received),
        pong: (received) => told.pong.push(received),
      },
      ...options,
    });
    const look = () => within(client.query(LOOK, { channelId: instance.channelId }), 'the query');
    return { client, sockets, told, look };
  }

  test('lazy: the socket opens with the first operation and closes behind the last', async () => {
    const { sockets, told, look } = watched({ lazy: true });
    assert.equal(sockets.length, 0);
    for (const count of [1, 2]) {
      await look();
      const { code, wasClean } = await told.closed.next('the close');
      assert.deepEqual([code, wasClean, sockets.length], [1000, true, count]);
    }
  });

  test('not lazy: the socket is there before an operation and stays behind it', async () => {
    const { client, sockets, told, look } = watched({ lazy: false });
    await told.connected.next('the connection');
    assert.deepEqual(
      sockets[0].frames.map(({ type }) => type),
      ['connection_init', 'connection_ack'],
    );
    await look();
    await look();
    assert.equal(sockets.length, 1);
    assert.equal(sockets[0].readyState, sockets[0].OPEN);
    client.close();
    const { code, wasClean } = await told.closed.next('the close');
    assert.deepEqual([code, wasClean], [1000, true]);
  });

  test('the pings of a client that keeps its socket alive are answered, also between events', async () => {
    const { client, sockets, told } = watched({ lazy: false, keepAlive: 20 });
    const events = client.follow(following('Alive'), { channelId: instance.channelId });
    let seq = await headOf(events);
    for (const content of ['one', 'two', 'three']) {
      assert.equal(await told.ping.next('the ping'), false, 'the client sends it');
      assert.equal(await told.pong.next('the pong'), true, 'the server sends it');
      const { id } = await instance.send(content);
      ({ seq } = await arrival(events, seq, id));
    }
    const kept = sockets[0].frames.filter(({ type }) => type === 'ping' || type === 'pong');
    const kinds = kept.map(({ by, type }) => `${by} ${type}`);
    // It pings anew when it was answered: one may be on its way.
    const answered = kinds.slice(0, kinds.length - (kinds.length % 2));
    assert.ok(answered.length >= 6);
    assert.ok(answered.every((kind, index) => kind === (index % 2 ? 'server pong' : 'client ping')), String(kinds));
    client.close();
  });
});
