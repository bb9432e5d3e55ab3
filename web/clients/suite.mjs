// What every client must be able to do, each in its own way. `connect` makes a client and is given
//
//   url            where to
//   token          whose; nobody's when absent
//   webSocketImpl  what the client opens sockets with
//
// It gives an object with the functions
//
//   query, mutate  (document, variables) → data; reject with the client's own error
//   follow         (document, variables) → Events of data; `next` throws the client's own error
//   codes          (error) → extensions.code of each GraphQL error, of an error as this client has it
//   closeCode      (error) → the code that the socket was closed with, of an error as this client has it
//   close          ends the client
//
// For streams alone, `follow`, `codes` and `close` are enough.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { following, LOOK, PATHS, SEND, UNKNOWN } from './documents.mjs';
import { recording } from './recording.mjs';
import { within } from './waiting.mjs';

// The clients of one test, closed behind it.
function opening(connect) {
  const open = [];
  afterEach(() => open.splice(0).forEach((client) => client.close()));
  return (given) => {
    const client = connect(given);
    open.push(client);
    return client;
  };
}

// What `failing` fails with.
async function errorOf(failing, what) {
  const settled = failing.then(
    () => assert.fail(`${what} must fail`),
    (error) => error,
  );
  return within(settled, what);
}

// The event of the message `id`, behind the event number `seq`: each one on the way has the next number.
// A stream may begin with what was sent just before; it skips nothing and repeats nothing.
export async function arrival(events, seq, id) {
  for (;;) {
    const { messageEvents: event } = await events.next('the message');
    seq += 1;
    assert.equal(event.seq, seq);
    if (event.message?.id === id) return event;
  }
}

// Where a stream stands, which is the first thing that a subscription says; at most at `known`.
export async function headOf(events, known = Infinity) {
  const { messageEvents: head } = await events.next('the head');
  assert.equal(head.__typename, 'StreamHead');
  assert.ok(head.seq <= known, `${head.seq} is not behind ${known}`);
  return head.seq;
}

// Queries and mutations. `url` gives where the client goes.
export function answers(instance, connect, url) {
  const open = opening(connect);
  const here = () => open({ url: url(), token: instance.token, webSocketImpl: recording().WebSocket });

  test('a query answers, and knows who asks', async () => {
    const { viewer, channel } = await within(here().query(LOOK, { channelId: instance.channelId }), 'the query');
    assert.equal(viewer.user.username, instance.username);
    assert.equal(channel.name, instance.channelName);
  });

  test('a mutation answers', async () => {
    const input = { channelId: instance.channelId, content: 'by mutation' };
    const { sendMessage } = await within(here().mutate(SEND, { input }), 'the mutation');
    assert.equal(sendMessage.message.content, 'by mutation');
    assert.deepEqual(await instance.log(sendMessage.message.seq - 1), [
      { __typename: 'MessageCreated', seq: sendMessage.message.seq },
    ]);
  });

  test('an error of an answer has its code, and the client goes on', async () => {
    const client = here();
    const lost = client.mutate(SEND, { input: { channelId: UNKNOWN, content: 'to nobody' } });
    assert.deepEqual(client.codes(await errorOf(lost, 'the mutation')), ['NOT_FOUND']);
    const { viewer } = await within(client.query(LOOK, { channelId: instance.channelId }), 'the query');
    assert.equal(viewer.user.username, instance.username);
  });

  test('without a token nobody sends', async () => {
    const client = open({ url: url(), webSocketImpl: recording().WebSocket });
    const refused = client.mutate(SEND, { input: { channelId: instance.channelId, content: 'by nobody' } });
    assert.deepEqual(client.codes(await errorOf(refused, 'the mutation')), ['UNAUTHENTICATED']);
  });
}

// Subscriptions. A client without `mutate` has its messages sent by somebody else.
export function streams(instance, connect, url) {
  const open = opening(connect);
  const here = () => open({ url: url(), token: instance.token, webSocketImpl: recording().WebSocket });

  test('a subscription says where the stream stands, and then what is sent', async () => {
    const client = here();
    const { channelId } = instance;
    const { channel } = await instance.ask(LOOK, { channelId });
    const events = client.follow(following('Follow'), { channelId });
    let seq = await headOf(events, channel.headSeq);
    const byClient = async (content) => {
      const { sendMessage } = await within(client.mutate(SEND, { input: { channelId, content } }), 'the mutation');
      return sendMessage.message;
    };
    for (const content of ['one', 'two', 'three']) {
      const sent = await (client.mutate ? byClient(content) : instance.send(content));
      const event = await arrival(events, seq, sent.id);
      assert.deepEqual([event.__typename, event.seq], ['MessageCreated', sent.seq]);
      assert.deepEqual([event.message.content, event.message.author.username], [content, instance.username]);
      seq = event.seq;
    }
  });

  test('with `after` a subscription begins behind that number', async () => {
    const { seq } = await instance.send('the first missed');
    await instance.send('the second missed');
    const events = here().follow(following('Resume'), { channelId: instance.channelId, after: seq - 1 });
    await headOf(events, seq + 1);
    for (const [index, content] of ['the first missed', 'the second missed'].entries()) {
      const { messageEvents: event } = await events.next('what was missed');
      assert.deepEqual([event.seq, event.message.content], [seq + index, content]);
    }
  });

  test('an error of a subscription has its code, and the others go on', async () => {
    const client = here();
    const events = client.follow(following('Stay'), { channelId: instance.channelId });
    const seq = await headOf(events);
    const lost = client.follow(following('Lost'), { channelId: UNKNOWN });
    assert.deepEqual(client.codes(await errorOf(lost.next(), 'the subscription')), ['NOT_FOUND']);
    const { id } = await instance.send('still there');
    assert.equal((await arrival(events, seq, id)).message.content, 'still there');
  });

  test('without a token nobody listens', async () => {
    const client = open({ url: url(), webSocketImpl: recording().WebSocket });
    const refused = client.follow(following('Nobody'), { channelId: instance.channelId });
    assert.deepEqual(client.codes(await errorOf(refused.next(), 'the subscription')), ['UNAUTHENTICATED']);
  });
}

// What is about the socket itself, for clients that open it with the first operation and close it behind
// the last.
export function sockets(instance, connect) {
  const open = opening(connect);

  test('a subscription that its client ends leaves the other one on the socket alone', async () => {
    const { WebSocket, sockets } = recording();
    const client = open({ url: instance.socket(PATHS[0]), token: instance.token, webSocketImpl: WebSocket });
    const { channelId } = instance;
    const [first, second] = ['First', 'Second'].map((name) => client.follow(following(name), { channelId }));
    const heads = [await headOf(first), await headOf(second)];
    // Once both have this, nothing is on its way any more.
    const { id } = await instance.send('with both');
    await arrival(first, heads[0], id);
    let { seq } = await arrival(second, heads[1], id);
    first.stop();
    for (const content of ['without the first', 'and again']) {
      const { sendMessage } = await within(client.mutate(SEND, { input: { channelId, content } }), 'the mutation');
      ({ seq } = await arrival(second, seq, sendMessage.message.id));
    }
    assert.equal(sockets.length, 1);
    const [{ frames }] = sockets;
    const asked = frames.find(({ type, payload }) => type === 'subscribe' && /\bFirst\b/.test(payload.query));
    const its = frames.filter((frame) => frame.id === asked.id);
    const ended = its.findIndex(({ by, type }) => by === 'client' && type === 'complete');
    assert.notEqual(ended, -1, 'the client says that it has enough');
    assert.deepEqual(its.slice(ended + 1), []);
  });

  test('operations one behind the other find a socket, also while one closes', async () => {
    const client = open({ url: instance.socket(PATHS[0]), token: instance.token, webSocketImpl: recording().WebSocket });
    for (const content of ['one', 'two', 'three', 'four']) {
      const input = { channelId: instance.channelId, content };
      const { sendMessage } = await within(client.mutate(SEND, { input }), 'the mutation');
      assert.equal(sendMessage.message.content, content);
    }
  });

  test('a wrong token closes the socket with 4401', async () => {
    for (const token of ['wrong', `${instance.token}x`]) {
      const { WebSocket, sockets } = recording();
      const client = open({ url: instance.socket(PATHS[0]), token, webSocketImpl: WebSocket });
      const { channelId } = instance;
      const query = client.query(LOOK, { channelId });
      assert.equal(client.closeCode(await errorOf(query, 'the query')), 4401);
      const events = client.follow(following('Refused'), { channelId });
      assert.equal(client.closeCode(await errorOf(events.next(), 'the subscription')), 4401);
      assert.deepEqual(
        sockets.flatMap(({ frames }) => frames.map(({ type }) => type)),
        ['connection_init', 'connection_init'],
      );
    }
  });
}
