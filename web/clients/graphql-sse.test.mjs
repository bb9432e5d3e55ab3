// graphql-sse: server-sent events from /graphql, for clients without WebSocket.

import { describe, test } from 'node:test';
import { following } from './documents.mjs';
import { connect } from './graphql-sse.mjs';
import { running } from './instance.mjs';
import { arrival, headOf, streams } from './suite.mjs';

describe('graphql-sse', () => {
  const instance = running();
  const url = () => `${instance.base}/graphql`;
  streams(instance, connect, url);

  test('a subscription that its client ends leaves the other one alone', async () => {
    const client = connect({ url: url(), token: instance.token });
    const { channelId } = instance;
    const [first, second] = ['First', 'Second'].map((name) => client.follow(following(name), { channelId }));
    const heads = [await headOf(first), await headOf(second)];
    // Once both have this, nothing is on its way any more.
    const { id } = await instance.send('with both');
    await arrival(first, heads[0], id);
    let { seq } = await arrival(second, heads[1], id);
    first.stop();
    for (const content of ['without the first', 'and again']) {
      const sent = await instance.send(content);
      ({ seq } = await arrival(second, seq, sent.id));
    }
    client.close();
  });
});
