//! The composition root: wires services, subgraphs and the gateway into one process.
//!
//! [`Server`] is the whole platform, [`import`] brings communities in from elsewhere, [`schema`] writes
//! down what the subgraphs say of themselves. No domain's rule is here.
#![forbid(unsafe_code)]
// The router's middleware types nest deeper than the default.
#![recursion_limit = "256"]

pub mod import;
mod lock;
mod migrate;
pub mod schema;
mod server;
mod services;

pub use lock::{DataLock, Locked};
pub use migrate::migrate;
pub use server::Server;
pub use services::Services;
