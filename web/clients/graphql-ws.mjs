// graphql-ws as it is used by itself; see suite.mjs for the functions.

import { createClient } from 'graphql-ws';
import { bySink } from './sink.mjs';

// Further options are the library's own. It does not come back by itself unless told: a server that hangs
// up is an error then, not a pause.
export function connect({ token, ...options }) {
  const client = createClient({
    retryAttempts: 0,
    ...(token && { connectionParams: { authorization: `Bearer ${token}` } }),
    ...options,
  });
  return { ...bySink(client), closeCode: (error) => error.code };
}
