// Clients whose one function is `subscribe(operation, sink)`, such as graphql-ws and graphql-sse; see
// suite.mjs for the functions.

import { Events } from './waiting.mjs';

export function bySink(client) {
  function ask(query, variables) {
    return new Promise((resolve, reject) => {
      let result;
      client.subscribe(
        { query, variables },
        {
          next: (answer) => (result = answer),
          error: reject,
          complete: () => (result?.errors ? reject(result.errors) : resolve(result?.data)),
        },
      );
    });
  }

  function follow(query, variables) {
    return new Events((events) =>
      client.subscribe(
        { query, variables },
        {
          next: ({ data, errors }) => (errors ? events.fail(errors) : events.push(data)),
          error: (error) => events.fail(error),
          complete: () => events.end(),
        },
      ),
    );
  }

  return {
    query: ask,
    mutate: ask,
    follow,
    codes: (errors) => errors.map(({ extensions }) => extensions?.code),
    close: () => client.dispose(),
  };
}
