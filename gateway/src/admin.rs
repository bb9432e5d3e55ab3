//! `/metrics`, on an address of its own: what a process counts is not for clients.

use crate::GatewayError;
use axum::{Router, routing::get};
use commons_platform::{config::GatewayConfig, task::Guard, telemetry};
use std::{io::ErrorKind, net::SocketAddr};
use tokio::net::TcpListener;

/// Serves `/metrics` until it is dropped.
#[derive(Debug)]
pub struct Admin {
    address: SocketAddr,
    _served: Guard,
}

impl Admin {
    /// Takes the address that the settings name. Where they name none and the default is taken, any other
    /// on loopback will do: nobody who never asked for metrics is kept from starting.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub async fn serve(config: &GatewayConfig) -> Result<Self, GatewayError> {
        let address = config.admin_address();
        let taken = |source| GatewayError::AdminListen { address, source };
        let listener = match TcpListener::bind(address).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse && config.admin_listen.is_empty() => {
                TcpListener::bind((address.ip(), 0)).await
            }
            bound => bound,
        };
        let listener = listener.map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        tracing::info!(%address, "metrics are served");
        let routes = Router::new().route("/metrics", get(async || telemetry::metrics_text()));
        let served = Guard::background("metrics", async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!(%error, "the listener for metrics failed");
            }
        });
        Ok(Self {
            address,
            _served: served,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
