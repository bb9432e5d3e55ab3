//! The gateway over two small subgraphs that are real in everything but their domain: tokens, limits,
//! sockets and errors are the platform's. They answer in process, or apart, over the network.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "a broken test world must stop the test")]

mod apart;
mod assets;
mod bombs;
mod client;
mod doors;
mod life;
mod nodes;
mod pages;
mod queries;
mod refusals;
mod schema;
mod service;
mod sessions;
mod sockets;
mod standalone;
mod streams;
mod subgraphs;
mod traces;
mod world;
