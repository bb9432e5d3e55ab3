//! Why the gateway does not start or does not go on; what clients see is in [`crate::reply`].

use std::{io, net::SocketAddr};

/// Why the gateway does not run.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}; COMMONS_GATEWAY__LISTEN takes another address")]
    Listen {
        /// The wanted address.
        address: SocketAddr,
        /// The system's word.
        source: io::Error,
    },
    /// The address of `/metrics` is taken or not ours.
    #[error("cannot listen on {address}; COMMONS_GATEWAY__ADMIN_LISTEN takes another address")]
    AdminListen {
        /// The wanted address.
        address: SocketAddr,
        /// The system's word.
        source: io::Error,
    },
    /// The instance's secret can be neither read nor made.
    #[error("there is no secret")]
    Secret(#[source] io::Error),
    /// No HTTP client can be made.
    #[error("services cannot be asked")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Where a service is said to be is no address.
    #[error("{url:?} is no address of {name}: http://host:port is wanted")]
    Upstream {
        /// Which service.
        name: String,
        /// What was said.
        url: String,
    },
    /// The supergraph does not load.
    #[error("the supergraph is not usable")]
    Supergraph(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The router refuses the settings that we make for it: a defect.
    #[error("the router does not take its settings")]
    Router(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The router's thread cannot start, or its server failed.
    #[error("the router's server failed")]
    Server(#[source] io::Error),
    /// The router's thread ended without a word: a panic, which is in the log.
    #[error("the router's thread ended early")]
    Ended,
}
