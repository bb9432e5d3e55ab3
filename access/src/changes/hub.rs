//! What a process does with a change, wherever it heard of it: the session's tokens end, what is kept is
//! forgotten, those who wait are woken, followers are told.

use super::{Heard, listeners::Listeners};
use crate::{Change, Subject};
use commons_entities::TypedId;
use commons_platform::{auth::Tokens, telemetry::metric};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{broadcast, watch},
    time::Instant,
};

/// How many changes a follower may be behind.
const FEED: usize = 4096;

/// Where a source tells what it hears.
pub(crate) struct Hub {
    pub(super) tokens: Arc<Tokens>,
    pub(super) listeners: Arc<Listeners>,
    pub(super) feed: broadcast::Sender<Heard>,
    forget: Box<dyn Fn(&Heard) + Send + Sync>,
    /// Everything committed before this moment has been heard; none at the start.
    heard_upto: watch::Sender<Option<Instant>>,
    /// How long what is kept is believed without hearing.
    fresh: Duration,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub")
            .field("listeners", &self.listeners)
            .finish_non_exhaustive()
    }
}

impl Hub {
    pub(super) fn new(
        tokens: Arc<Tokens>,
        fresh: Duration,
        forget: impl Fn(&Heard) + Send + Sync + 'static,
    ) -> Self {
        Self {
            tokens,
            listeners: Arc::default(),
            feed: broadcast::Sender::new(FEED),
            forget: Box::new(forget),
            heard_upto: watch::Sender::new(None),
            fresh,
        }
    }

    /// A change is heard.
    pub(super) fn hear(&self, change: Change) {
        if let Subject::Session(session) = change.subject {
            self.tokens.revoke_session(session.uuid());
        }
        let heard = Heard::Change(change);
        (self.forget)(&heard);
        self.listeners.wake(&change.subject);
        // Without a follower there is nobody to tell.
        let _ = self.feed.send(heard);
    }

    /// Changes may have been missed, nobody knows which: everybody checks again.
    pub(super) fn missed(&self) {
        (self.forget)(&Heard::Missed);
        self.listeners.wake_all();
        // As above.
        let _ = self.feed.send(Heard::Missed);
    }

    /// Everything that was committed before this moment has been heard.
    pub(super) fn caught_up(&self, at: Instant) {
        metric::moment(metric::ACCESS_KNOWN);
        self.heard_upto.send_if_modified(|upto| {
            let later = upto.is_none_or(|upto| upto < at);
            if later {
                *upto = Some(at);
            }
            later
        });
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.believes(*self.heard_upto.borrow())
    }

    /// Returns once [`Hub::is_fresh`]; at once when it is.
    pub(super) async fn fresh(&self) {
        let mut upto = self.heard_upto.subscribe();
        // An error is that the sender is gone, and we are it.
        let _ = upto.wait_for(|upto| self.believes(*upto)).await;
    }

    /// Returns once everything that was committed before this moment has been heard.
    pub(super) async fn heard(&self, moment: Instant) {
        let mut upto = self.heard_upto.subscribe();
        // As above.
        let _ = upto
            .wait_for(|upto| upto.is_some_and(|upto| upto >= moment))
            .await;
    }

    fn believes(&self, upto: Option<Instant>) -> bool {
        upto.is_some_and(|upto| upto.elapsed() < self.fresh)
    }
}
