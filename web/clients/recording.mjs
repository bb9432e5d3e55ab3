// A WebSocket that a client may be given, which writes down what is said on it: what clients keep to
// themselves, such as frames that they ignore, is seen here.

import { WebSocket } from 'ws';

// The class, and its sockets in the order in which they were opened. `frames` of a socket are the
// protocol's messages, with `by` the side that sent each.
export function recording() {
  const sockets = [];
  class Recorded extends WebSocket {
    frames = [];

    constructor(...given) {
      super(...given);
      sockets.push(this);
      this.on('message', (data) => this.frames.push({ by: 'server', ...JSON.parse(data) }));
    }

    send(data, ...rest) {
      this.frames.push({ by: 'client', ...JSON.parse(data) });
      super.send(data, ...rest);
    }
  }
  return { WebSocket: Recorded, sockets };
}
