// graphql-sse with a connection for each operation. Subscriptions are all it is used for; see suite.mjs for
// the functions.

import { createClient } from 'graphql-sse';
import { bySink } from './sink.mjs';

export function connect({ url, token }) {
  const client = createClient({
    url,
    singleConnection: false,
    retryAttempts: 0,
    ...(token && { headers: { authorization: `Bearer ${token}` } }),
  });
  const { follow, codes, close } = bySink(client);
  return { follow, codes, close };
}
