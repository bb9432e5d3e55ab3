// Apollo Client, everything over the socket.

import { describe } from 'node:test';
import { connect } from './apollo.mjs';
import { PATHS } from './documents.mjs';
import { running } from './instance.mjs';
import { answers, sockets, streams } from './suite.mjs';

describe('Apollo Client', () => {
  const instance = running();
  const url = () => instance.socket(PATHS[0]);
  answers(instance, connect, url);
  streams(instance, connect, url);
  sockets(instance, connect);
});
