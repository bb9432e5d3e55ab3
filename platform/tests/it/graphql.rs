//! The GraphQL server over real HTTP and WebSocket, with a schema of a few fields.

mod http;
mod server;
mod socket;
mod strangers;
