//! A send that was accepted and waits for its commit.

use crate::{Error, store::NonceKey};
use chrono::{DateTime, Utc};
use commons_access::ChannelSeat;
use commons_content::{MessageBody, Nonce};
use commons_entities::{
    MessageId, UserId,
    message::{MessageKind, message, message_nonce},
};
use commons_platform::{ApiError, clock::Clock, telemetry::TracePoint};
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a sender waits for the commit; the message may still be written after that.
const PATIENCE: Duration = Duration::from_secs(15);

/// What became of a send.
pub(super) type Outcome = Result<message::Model, Error>;

/// A send that was accepted; its id and time are its own from here on.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) seat: ChannelSeat,
    pub(super) id: MessageId,
    pub(super) at: DateTime<Utc>,
    pub(super) content: MessageBody,
    pub(super) nonce: Option<Nonce>,
    pub(super) reply_to: Option<MessageId>,
    /// Where its sender waits.
    pub(super) trace: TracePoint,
    answer: oneshot::Sender<Outcome>,
}

/// The other end of a [`Pending`].
pub(super) struct Answer(oneshot::Receiver<Outcome>);

impl Pending {
    pub(super) fn new(
        seat: ChannelSeat,
        content: MessageBody,
        nonce: Option<Nonce>,
        reply_to: Option<MessageId>,
        clock: &dyn Clock,
    ) -> (Self, Answer) {
        let (answer, receiver) = oneshot::channel();
        let id = MessageId(clock.new_id());
        let pending = Self {
            seat,
            id,
            at: clock.now(),
            content,
            nonce,
            reply_to,
            trace: TracePoint::here(),
            answer,
        };
        (pending, Answer(receiver))
    }

    pub(super) fn author(&self) -> UserId {
        self.seat.user()
    }

    /// What names its nonce, if it has one.
    pub(super) fn nonce_key(&self) -> Option<NonceKey> {
        let nonce = self.nonce.as_ref()?;
        Some((self.author(), self.seat.channel(), nonce.as_str().to_owned()))
    }

    /// SHA-256 of what is sent: the target of the reply, then the content.
    pub(super) fn body_hash(&self) -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(self.reply_to.map_or([0; 16], |id| id.0.into_bytes()));
        hash.update(self.content.as_str().as_bytes());
        hash.finalize().to_vec()
    }

    /// The row it becomes at a place in its channel.
    pub(super) fn row(&self, seq: i64, ordinal: i64) -> message::Model {
        message::Model {
            id: self.id,
            channel_id: self.seat.channel(),
            author_id: self.author(),
            kind: MessageKind::Default,
            seq,
            ordinal,
            content: Some(self.content.as_str().to_owned()),
            nonce: self.nonce.as_ref().map(|nonce| nonce.as_str().to_owned()),
            reply_to_id: self.reply_to,
            created_at: self.at,
            edited_at: None,
            pinned_at: None,
            deleted_at: None,
            rev: 1,
        }
    }

    /// The row of its nonce, if it has one.
    pub(super) fn nonce_row(&self) -> Option<message_nonce::Model> {
        let (author_id, channel_id, nonce) = self.nonce_key()?;
        Some(message_nonce::Model {
            author_id,
            channel_id,
            nonce,
            body_hash: self.body_hash(),
            message_id: self.id,
            created_at: self.at,
        })
    }

    /// Tells the sender. Who has gone away meanwhile will find the message by its nonce.
    pub(super) fn settle(self, outcome: Outcome) {
        let _gone = self.answer.send(outcome);
    }
}

impl Answer {
    pub(super) async fn wait(self) -> Outcome {
        match tokio::time::timeout(PATIENCE, self.0).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(dropped)) => Err(ApiError::unavailable(dropped).into()),
            Err(elapsed) => Err(ApiError::unavailable(elapsed).into()),
        }
    }
}
