//! How much one client may have, by its account and by its address, over all its sockets.
//!
//! What one socket may have is bounded where it is served.

use super::count::{Counts, One};
use commons_platform::{
    ApiError,
    clock::Clock,
    rate::{Limiter, Quota},
};
use std::{net::IpAddr, sync::Arc, time::Duration};
use uuid::Uuid;

/// In which time operations are counted: so many seconds' worth of them may come at once, because a client
/// that comes back follows all its channels again.
const WINDOW: u32 = 10;

/// How much one client may have of a gateway. An IPv6 network of 64 bits counts as one address.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Sockets and streams of one address.
    pub sockets_per_address: usize,
    /// Sockets of one account.
    pub sockets_per_user: usize,
    /// Subscriptions over the sockets of one address.
    pub subscriptions_per_address: usize,
    /// Subscriptions over the sockets of one account.
    pub subscriptions_per_user: usize,
    /// Operations a second of one address, over HTTP and sockets; ten seconds' worth at once.
    pub operations_per_address: u32,
    /// Operations a second over the sockets of one account; ten seconds' worth at once.
    pub operations_per_user: u32,
}

impl Default for Limits {
    /// What the configuration says by default.
    fn default() -> Self {
        Self {
            sockets_per_address: 256,
            sockets_per_user: 100,
            subscriptions_per_address: 5000,
            subscriptions_per_user: 1000,
            operations_per_address: 1000,
            operations_per_user: 100,
        }
    }
}

/// Who has how much.
#[derive(Debug)]
pub(crate) struct Bounds {
    limits: Limits,
    sockets: Held,
    subscriptions: Held,
    network_operations: Limiter,
    user_operations: Limiter,
}

#[derive(Debug, Default)]
struct Held {
    networks: Counts<IpAddr>,
    users: Counts<Uuid>,
}

/// A subscription that counts while it lives.
#[derive(Debug)]
pub(super) struct Subscription {
    _network: One<IpAddr>,
    _user: Option<One<Uuid>>,
}

impl Bounds {
    pub(crate) fn new(limits: Limits, clock: &Arc<dyn Clock>) -> Self {
        let operations = |a_second: u32| {
            let quota = Quota {
                requests: a_second.saturating_mul(WINDOW),
                per: Duration::from_secs(WINDOW.into()),
            };
            Limiter::new(quota, clock.clone())
        };
        Self {
            limits,
            sockets: Held::default(),
            subscriptions: Held::default(),
            network_operations: operations(limits.operations_per_address),
            user_operations: operations(limits.operations_per_user),
        }
    }

    /// A socket or stream of a network, if it may have one more.
    pub(crate) fn socket(&self, network: IpAddr) -> Option<One<IpAddr>> {
        let bound = self.limits.sockets_per_address;
        self.sockets.networks.one(network, bound)
    }

    /// A socket of an account, if it may have one more.
    pub(super) fn socket_of(&self, user: Uuid) -> Option<One<Uuid>> {
        self.sockets.users.one(user, self.limits.sockets_per_user)
    }

    /// One more subscription.
    ///
    /// # Errors
    /// `OVERLOADED`, `TOO_MANY_SUBSCRIPTIONS`.
    pub(super) fn subscription(&self, network: IpAddr, user: Option<Uuid>) -> Result<Subscription, ApiError> {
        let crowded = || ApiError::overloaded().with_reason("TOO_MANY_SUBSCRIPTIONS");
        let Held { networks, users } = &self.subscriptions;
        let of_network = networks.one(network, self.limits.subscriptions_per_address);
        let of_user = user.map(|user| users.one(user, self.limits.subscriptions_per_user));
        Ok(Subscription {
            _network: of_network.ok_or_else(crowded)?,
            _user: of_user.map(|one| one.ok_or_else(crowded)).transpose()?,
        })
    }

    /// One more operation of a network, and of an account where it is known.
    ///
    /// # Errors
    /// `RATE_LIMITED` with the time until the next.
    pub(crate) fn operation(&self, network: IpAddr, user: Option<Uuid>) -> Result<(), ApiError> {
        if let Some(user) = user {
            self.user_operations.check(&user.to_string())?;
        }
        self.network_operations.check(&network.to_string())
    }
}
