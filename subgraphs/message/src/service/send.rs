//! Sending: many sends, few transactions.
//!
//! A send proves its permission, takes an id and joins the queue. While one commit is in flight the
//! next sends collect; they go down together as one transaction and are answered after it. See
//! `batch` for what happens inside, and `docs/BENCHMARKS.md` for what it is worth.

mod batch;
mod lanes;
mod pending;
mod queue;
mod unknown;
mod verdict;

pub use queue::Sender;

use super::{Cx, text};
use crate::Error;
use commons_access::Permission;
use commons_content::{MessageBody, Nonce};
use commons_entities::{ChannelId, MessageId, channel::ChannelKind, message::message};
use pending::Pending;

/// What somebody sends.
#[derive(Debug, Clone)]
pub struct SendInput {
    /// Where to.
    pub channel: ChannelId,
    /// Markdown.
    pub content: String,
    /// The sender's own word, by which a repeated send is known.
    pub nonce: Option<String>,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
}

/// Sends a message and waits until it is on the disk.
///
/// With a nonce that was sent before it gives the first message again.
pub async fn send(cx: &Cx, input: SendInput) -> Result<message::Model, Error> {
    let standing = cx.access.channel(&cx.actor, input.channel).await?;
    let content = text("content", MessageBody::parse(&input.content))?;
    let nonce = text("nonce", input.nonce.as_deref().map(Nonce::parse).transpose())?;
    if standing.facts().kind == ChannelKind::Category {
        return Err(Error::NotForMessages);
    }
    let seat = standing.require(Permission::SendMessages)?;
    cx.sends.check(&format!("account:{}", seat.user()))?;
    cx.sends.check(&format!("address:{}", cx.origin.network()))?;
    let (pending, answer) = Pending::new(seat, content, nonce, input.reply_to, &*cx.platform.clock);
    cx.sender.push(pending)?;
    answer.wait().await
}
