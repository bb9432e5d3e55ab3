//! The context of one request: who asks, from where, with which batches.

use crate::{ApiError, auth::Actor, telemetry::TracePoint};
use std::{
    net::{IpAddr, Ipv6Addr},
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Where a request comes from, as the gateway asserts it.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The client's address.
    pub address: IpAddr,
    /// Names the request in the log and in errors.
    pub request_id: Arc<str>,
    /// The client's own words about itself, `User-Agent`; cut at 200 characters.
    pub device: Option<Arc<str>>,
    /// The trace that the request continues.
    pub trace: TracePoint,
}

impl Origin {
    /// What the address is counted as. Whoever has an IPv6 address has 2^64 of them: they count as one.
    pub fn network(&self) -> IpAddr {
        match self.address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        }
    }
}

/// What a subgraph's use cases run on.
pub trait Service: Send + Sync + 'static {
    /// The batches of one request.
    type Loads: Send + Sync + 'static;

    /// Fresh batches for one request of an actor.
    fn loads(&self, actor: &Actor) -> Self::Loads;
}

/// One request to a subgraph: derefs to the subgraph's service.
#[derive(Debug)]
pub struct Cx<S: Service> {
    service: Arc<S>,
    /// Who asks.
    pub actor: Actor,
    /// From where.
    pub origin: Origin,
    /// What was asked for meanwhile is fetched together.
    pub load: S::Loads,
    /// How many items of lists may still be given; none is no bound.
    budget: Option<AtomicUsize>,
}

/// How many items of lists one query may be given in one subgraph. Lists in lists multiply: depth alone
/// does not bound them.
pub const MAX_ITEMS: usize = 10_000;

impl<S: Service> Cx<S> {
    /// The context of a query or mutation.
    pub fn new(service: Arc<S>, actor: Actor, origin: Origin) -> Self {
        Self {
            budget: Some(AtomicUsize::new(MAX_ITEMS)),
            ..Self::live(service, actor, origin)
        }
    }

    /// The context of a subscription, which gives items for as long as it lives.
    pub fn live(service: Arc<S>, actor: Actor, origin: Origin) -> Self {
        let load = service.loads(&actor);
        Self {
            service,
            actor,
            origin,
            load,
            budget: None,
        }
    }

    /// Counts the items of a list before they are looked at one by one.
    ///
    /// # Errors
    /// `INVALID` once the query has asked for more than [`MAX_ITEMS`].
    pub fn spend(&self, items: usize) -> Result<(), ApiError> {
        let Some(budget) = &self.budget else {
            return Ok(());
        };
        let left = budget.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(items)
        });
        left.map(drop).map_err(|_| {
            let message =
                format!("the lists of this query have more than {MAX_ITEMS} items: ask for less at once");
            ApiError::invalid("query", "TOO_MANY_ITEMS", message)
        })
    }

    /// The service itself, to hand to a task that outlives the request.
    pub fn service(&self) -> &Arc<S> {
        &self.service
    }
}

impl<S: Service> Deref for Cx<S> {
    type Target = S;
    fn deref(&self) -> &S {
        &self.service
    }
}
