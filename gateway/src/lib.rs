//! The gateway: one address for the whole supergraph.
//!
//! A request is read and bounded by us ([`operation`], [`document`]), planned and executed by an
//! embedded Hive Router ([`engine`]), and answered by us: every error that leaves has a code from the
//! closed set ([`reply`]). Transports are HTTP and server-sent events ([`http`]) and
//! `graphql-transport-ws` ([`edge`]); the same path serves them all. The router runs on a thread of
//! its own ([`server`]); subgraphs are asked on the caller's runtime, in process or over the network
//! ([`Upstream`]).
//!
//! Who may do what is not decided here: the `authorization` value goes on to the subgraphs as it came.
#![forbid(unsafe_code)]
// The router's middleware types nest deeper than the default.
#![recursion_limit = "256"]

mod admin;
mod caller;
mod document;
mod edge;
mod engine;
mod error;
mod http;
mod node;
mod operation;
mod pages;
mod remote;
mod reply;
mod server;
mod settings;
mod sse;
mod standalone;

pub use admin::Admin;
pub use edge::{Limits, Origins};
pub use error::GatewayError;
pub use node::sdl as node_sdl;
pub use server::Gateway;
pub use settings::{Route, RouteFailed, SUPERGRAPH, Settings, Upstream};
pub use standalone::Standalone;
