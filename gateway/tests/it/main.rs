//! The gateway over two small subgraphs that are real in everything but their domain: tokens, limits,
//! sockets and errors are the platform's.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "a broken test world must stop the test")]

mod assets;
mod bombs;
mod client;
mod life;
mod nodes;
mod pages;
mod queries;
mod refusals;
mod schema;
mod sockets;
mod streams;
mod subgraphs;
mod world;
