//! The messages of `graphql-transport-ws`, as far as each side may send them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What a client says.
pub(super) enum ClientMessage {
    ConnectionInit { authorization: Option<String> },
    Subscribe { id: String, payload: Box<RawValue> },
    Complete { id: String },
    Ping,
    Pong,
}

impl ClientMessage {
    /// Reads a message; none when it is not one of the protocol.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let Envelope { kind, id, payload } = serde_json::from_slice(text).ok()?;
        Some(match &*kind {
            "connection_init" => {
                let payload = payload
                    .map(|payload| serde_json::from_str(payload.get()))
                    .transpose();
                let payload: Option<InitPayload> = payload.ok()?.flatten();
                Self::ConnectionInit {
                    authorization: payload.unwrap_or_default().authorization,
                }
            }
            "subscribe" => Self::Subscribe {
                id: id?,
                payload: payload?.to_owned(),
            },
            "complete" => Self::Complete { id: id? },
            "ping" => Self::Ping,
            "pong" => Self::Pong,
            _ => return None,
        })
    }
}

/// A message before its type is looked at: a tagged enum would read the payload twice.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    id: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

/// Only `authorization` is read, under either spelling of its name.
#[derive(Deserialize, Default)]
struct InitPayload {
    #[serde(alias = "Authorization")]
    authorization: Option<String>,
}

/// What the gateway says.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage<'a> {
    ConnectionAck,
    Pong,
    Next { id: &'a str, payload: &'a RawValue },
    Error { id: &'a str, payload: &'a RawValue },
    Complete { id: &'a str },
}
