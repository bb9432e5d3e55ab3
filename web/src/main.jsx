// The GraphiQL page: one fetcher for HTTP and WebSocket, and words for a newcomer.
// What the page may load is decided by the gateway's content security policy, not here.

import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import 'graphiql/style.css';
import './page.css';
import { createRoot } from 'react-dom/client';
import { HEADERS, WELCOME } from './welcome.js';

const socket = new URL('/graphql/ws', location.href);
socket.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';

// A subscription opens a socket of its own. The headers pane becomes its `connection_init` payload, of
// which the gateway reads `authorization`.
const fetcher = createGraphiQLFetcher({ url: '/graphql', subscriptionUrl: socket.href });

createRoot(document.getElementById('graphiql')).render(
  <GraphiQL
    fetcher={fetcher}
    defaultQuery={WELCOME}
    defaultHeaders={HEADERS}
    defaultEditorToolsVisibility="headers"
    shouldPersistHeaders={false}
    maxHistoryLength={50}
  >
    <GraphiQL.Logo>
      <span className="commons-logo">Commons</span>
    </GraphiQL.Logo>
  </GraphiQL>,
);
