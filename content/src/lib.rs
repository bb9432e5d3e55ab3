//! Pure text: what people write, parsed at the edge into types that can't be wrong.
//!
//! A value of [`MessageBody`], [`ChannelName`] and so on has passed its rules, so nobody checks again
//! behind the edge. Here are also the mentions of a message and the translation of foreign markup.
//! Not here: ids of any kind (a mention is its raw text), anything that reads a clock or a database.
#![forbid(unsafe_code)]

mod body;
mod credential;
mod emoji;
mod error;
mod link;
mod mention;
pub mod mrkdwn;
mod name;
mod nonce;
mod text;

pub use body::{Bio, MessageBody, Reason, Topic};
pub use credential::{Email, Password};
pub use emoji::Emoji;
pub use error::ContentError;
pub use link::HttpsUrl;
pub use mention::{Mentions, mentions};
pub use name::{ChannelName, DisplayName, GuildName, Nickname, RoleName, Username};
pub use nonce::Nonce;
