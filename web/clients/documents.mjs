// What the clients ask, and where.

// The paths that take sockets.
export const PATHS = ['/graphql/ws', '/graphql'];

export const LOOK = `query Look($channelId: ID!) {
  viewer { user { id username } }
  channel(id: $channelId) { id name headSeq }
}`;

export const SEND = `mutation Send($input: SendMessageInput!) {
  sendMessage(input: $input) { message { id seq content } }
}`;

// By its name an operation is a client's own: clients merge what is the same.
export const following = (name) => `subscription ${name}($channelId: ID!, $after: Int) {
  messageEvents(channelId: $channelId, after: $after) {
    __typename
    seq
    ... on MessageCreated { message { id content author { id username } } }
  }
}`;

export const LOG = `query Log($channelId: ID!, $after: Int!) {
  channel(id: $channelId) { id events(after: $after, first: 100) { hasMore nodes { __typename seq } } }
}`;

// A channel's id that nobody has.
export const UNKNOWN = 'channel_01h2xcejqtf2nbrexx3vqjhp41';
