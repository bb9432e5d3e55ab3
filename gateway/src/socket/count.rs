//! How many sockets are open: in all, and of each network.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::watch;

/// How many sockets each network has open.
#[derive(Clone, Default)]
pub(crate) struct Networks(Arc<Mutex<HashMap<IpAddr, usize>>>);

impl Networks {
    fn change<T>(&self, change: impl FnOnce(&mut HashMap<IpAddr, usize>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Counts a socket while it lives.
pub(super) struct Open {
    sockets: watch::Sender<usize>,
    networks: Networks,
    network: IpAddr,
}

impl Open {
    pub(super) fn count(sockets: &watch::Sender<usize>, networks: &Networks, network: IpAddr) -> Self {
        sockets.send_modify(|open| *open += 1);
        networks.change(|open| *open.entry(network).or_default() += 1);
        metrics::gauge!("commons_gateway_sockets").increment(1);
        Self {
            sockets: sockets.clone(),
            networks: networks.clone(),
            network,
        }
    }

    /// How many sockets its network has, with this one.
    pub(super) fn of_network(&self) -> usize {
        self.networks
            .change(|open| open.get(&self.network).copied().unwrap_or_default())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.sockets.send_modify(|open| *open -= 1);
        self.networks.change(|open| {
            if let Some(count) = open.get_mut(&self.network) {
                *count -= 1;
                if *count == 0 {
                    open.remove(&self.network);
                }
            }
        });
        metrics::gauge!("commons_gateway_sockets").decrement(1);
    }
}
