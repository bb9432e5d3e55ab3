// Apollo Client with its link for graphql-ws; see suite.mjs for the functions.

import { ApolloClient, gql, InMemoryCache } from '@apollo/client';
import { CombinedGraphQLErrors } from '@apollo/client/errors';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import assert from 'node:assert/strict';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { Events } from './waiting.mjs';

// The link looks at errors with the global's constants, which Node has from 22 on.
globalThis.WebSocket ??= WebSocket;

export function connect({ url, token, webSocketImpl }) {
  const socket = createClient({
    url,
    webSocketImpl,
    retryAttempts: 0,
    ...(token && { connectionParams: { authorization: `Bearer ${token}` } }),
  });
  const client = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() });

  function follow(query, variables) {
    return new Events((events) => {
      const subscription = client.subscribe({ query: gql(query), variables }).subscribe({
        next: ({ data, error }) => (error ? events.fail(error) : events.push(data)),
        error: (error) => events.fail(error),
        complete: () => events.end(),
      });
      return () => subscription.unsubscribe();
    });
  }

  return {
    query: async (query, variables) => (await client.query({ query: gql(query), variables })).data,
    mutate: async (mutation, variables) => (await client.mutate({ mutation: gql(mutation), variables })).data,
    follow,
    codes(error) {
      assert.ok(CombinedGraphQLErrors.is(error), String(error));
      return error.errors.map(({ extensions }) => extensions?.code);
    },
    closeCode: ({ message }) => Number(/^Socket closed with event (\d+)/.exec(message)?.[1]),
    close() {
      client.stop();
      socket.dispose();
    },
  };
}
