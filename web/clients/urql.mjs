// urql with everything over the socket of graphql-ws; see suite.mjs for the functions.

import { cacheExchange, Client, CombinedError, subscriptionExchange } from '@urql/core';
import assert from 'node:assert/strict';
import { createClient } from 'graphql-ws';
import { Events } from './waiting.mjs';

export function connect({ url, token, webSocketImpl }) {
  const socket = createClient({
    url,
    webSocketImpl,
    retryAttempts: 0,
    ...(token && { connectionParams: { authorization: `Bearer ${token}` } }),
  });
  const client = new Client({
    url,
    exchanges: [
      cacheExchange,
      subscriptionExchange({
        enableAllOperations: true,
        forwardSubscription: (request) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ ...request, query: request.query ?? '' }, sink) }),
        }),
      }),
    ],
  });

  function answer({ data, error }) {
    if (error) throw error;
    return data;
  }

  function follow(query, variables) {
    return new Events((events) => {
      const source = client.subscription(query, variables);
      const { unsubscribe } = source.subscribe(({ data, error }) => (error ? events.fail(error) : events.push(data)));
      return unsubscribe;
    });
  }

  return {
    query: async (query, variables) => answer(await client.query(query, variables)),
    mutate: async (mutation, variables) => answer(await client.mutation(mutation, variables)),
    follow,
    codes(error) {
      assert.ok(error instanceof CombinedError, String(error));
      return error.graphQLErrors.map(({ extensions }) => extensions?.code);
    },
    closeCode: ({ networkError }) => networkError?.code,
    close: () => socket.dispose(),
  };
}
