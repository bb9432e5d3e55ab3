//! Which sessions were revoked lately, and who waits for the end of one.
//!
//! How a process hears of a revocation is not decided here: whoever hears calls
//! [`super::Tokens::revoke_session`].

use chrono::{DateTime, TimeDelta, Utc};
use dashmap::DashMap;
use std::sync::Arc;
use tokio::sync::Notify;
use uuid::Uuid;

/// The sessions of a process, as far as they end.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    revoked: DashMap<Uuid, DateTime<Utc>>,
    waiting: DashMap<Uuid, Waiting>,
}

/// Those who wait for one session.
#[derive(Debug, Default)]
struct Waiting {
    count: usize,
    ended: Arc<Notify>,
}

impl Sessions {
    /// Remembers a revocation for `kept`, and wakes who waits for it.
    pub(super) fn revoke(&self, session: Uuid, now: DateTime<Utc>, kept: TimeDelta) {
        self.revoked.retain(|_, at| now - *at < kept);
        self.revoked.insert(session, now);
        if let Some(waiting) = self.waiting.get(&session) {
            waiting.ended.notify_waiters();
        }
    }

    pub(super) fn is_revoked(&self, session: Uuid) -> bool {
        self.revoked.contains_key(&session)
    }

    pub(super) fn end_of(self: &Arc<Self>, session: Uuid) -> SessionEnd {
        let mut waiting = self.waiting.entry(session).or_default();
        waiting.count += 1;
        SessionEnd {
            sessions: self.clone(),
            session,
            ended: waiting.ended.clone(),
        }
    }
}

/// Waits for the revocation of one session.
#[derive(Debug)]
pub struct SessionEnd {
    sessions: Arc<Sessions>,
    session: Uuid,
    ended: Arc<Notify>,
}

impl SessionEnd {
    /// Ready once this process has heard that the session is revoked. Safe to cancel and to call again.
    pub async fn revoked(&self) {
        let ended = self.ended.notified();
        let mut ended = std::pin::pin!(ended);
        // Enabled before the look: a revocation in between is not missed.
        ended.as_mut().enable();
        if !self.sessions.is_revoked(self.session) {
            ended.await;
        }
    }
}

impl Drop for SessionEnd {
    fn drop(&mut self) {
        self.sessions.waiting.remove_if_mut(&self.session, |_, waiting| {
            waiting.count -= 1;
            waiting.count == 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    const DAY: TimeDelta = TimeDelta::days(1);

    #[test]
    fn who_waits_for_a_session_hears_of_its_end_alone() {
        let sessions = Arc::new(Sessions::default());
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let ends = [sessions.end_of(one), sessions.end_of(one), sessions.end_of(two)];
        let mut waits: Vec<_> = ends.iter().map(|end| Box::pin(end.revoked())).collect();
        assert!(
            waits
                .iter_mut()
                .all(|wait| wait.as_mut().now_or_never().is_none())
        );
        sessions.revoke(one, DateTime::UNIX_EPOCH, DAY);
        let heard = waits
            .iter_mut()
            .map(|wait| wait.as_mut().now_or_never().is_some());
        assert_eq!(heard.collect::<Vec<_>>(), [true, true, false]);
        drop(waits);
        assert!(sessions.end_of(one).revoked().now_or_never().is_some());
        drop(ends);
        assert!(sessions.waiting.is_empty());
    }

    #[test]
    fn a_revocation_is_forgotten_when_no_token_can_be_left() {
        let sessions = Sessions::default();
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        sessions.revoke(one, DateTime::UNIX_EPOCH, DAY);
        sessions.revoke(two, DateTime::UNIX_EPOCH + DAY, DAY);
        assert!(!sessions.is_revoked(one) && sessions.is_revoked(two));
    }
}
