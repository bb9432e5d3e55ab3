//! The live edge: clients' sockets, and what is live on them, delivered to ten thousand at the cost of
//! one.
//!
//! A connection is looked at before the HTTP server has it ([`accept`]) and served by a task of its own
//! ([`connection`]), whose way out ([`outlet`]) everybody writes to who has something for it. What an
//! operation is decides its way ([`shape`], [`follow`]): queries and mutations go through the router as
//! over HTTP ([`engines`]); a numbered subscription follows an [`upstream`] that is made whole, together
//! with all who ask the same where that is possible ([`group`], [`catch_up`]).
//!
//! What holds: a client sees every event once and in order, or is told from where to go on; what waits for
//! one is bounded in bytes and never holds up another; nobody is given an event of what they may not view
//! for longer than a second after that was taken from them.

mod accept;
mod alone;
mod bounds;
mod catch_up;
mod client;
mod connection;
mod count;
mod engines;
mod follow;
mod frame;
mod greeting;
mod group;
mod message;
mod meter;
mod origins;
mod outlet;
mod relay;
mod shape;
mod socket;
mod tape;
mod upstream;

pub(crate) use self::{
    accept::take,
    bounds::Bounds,
    count::One,
    engines::Engines,
    relay::{carry, is_upgrade},
    shape::Shapes,
};
pub use self::{bounds::Limits, origins::Origins};

use self::group::Groups;
use commons_access::Access;
use commons_platform::{auth::Tokens, clock::Clock};
use std::{net::IpAddr, sync::Arc};
use tokio::{runtime::Handle, sync::watch};

/// Where sockets are opened.
const PATHS: [&str; 2] = ["/graphql/ws", "/graphql"];

/// What all sockets share.
pub(crate) struct Edge {
    pub(crate) engines: Engines,
    pub(crate) shapes: Shapes,
    /// What makes a connection outlive its token.
    pub(crate) tokens: Option<Arc<Tokens>>,
    /// Who may view what; without it nothing is shared.
    pub(crate) access: Option<Arc<dyn Access>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) trusted_proxies: Arc<[IpAddr]>,
    pub(crate) origins: Origins,
    /// True from when the gateway stops.
    pub(crate) draining: watch::Receiver<bool>,
    /// How many sockets are open.
    pub(crate) sockets: watch::Sender<usize>,
    /// Where sockets are served.
    pub(crate) runtime: Handle,
    pub(crate) bounds: Bounds,
    pub(crate) groups: Groups,
}
