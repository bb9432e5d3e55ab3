//! What clients say in `graphql-transport-ws`.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// How long the id of an operation may be, as it stands in JSON.
const MAX_ID: usize = 256;

/// What a client says.
#[derive(Debug)]
pub(super) enum ClientMessage {
    ConnectionInit { authorization: Option<String> },
    Subscribe { id: Box<str>, payload: Box<RawValue> },
    Complete { id: Box<str> },
    Ping,
    Pong,
}

impl ClientMessage {
    /// Reads a message; none when it is not one of the protocol. Ids come as they stand in JSON, quotes
    /// included.
    pub(super) fn read(text: &str) -> Option<Self> {
        let Envelope { kind, id, payload } = serde_json::from_str(text).ok()?;
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
                id: quoted(&id?)?,
                payload: payload?.to_owned(),
            },
            "complete" => Self::Complete { id: quoted(&id?)? },
            "ping" => Self::Ping,
            "pong" => Self::Pong,
            _ => return None,
        })
    }
}

/// An id as JSON, always written the same way; none for one that no client needs.
fn quoted(id: &str) -> Option<Box<str>> {
    let quoted = serde_json::to_string(id).ok()?;
    (!id.is_empty() && quoted.len() <= MAX_ID).then(|| quoted.into())
}

/// A message before its type is looked at: a tagged enum would read the payload twice.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

/// Only `authorization` is read, under either spelling of its name.
#[derive(Deserialize, Default)]
struct InitPayload {
    #[serde(alias = "Authorization")]
    authorization: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_kept_as_json() {
        let id = |text: &str| match ClientMessage::read(text) {
            Some(ClientMessage::Complete { id }) => Some(id),
            _ => None,
        };
        assert_eq!(id(r#"{"type":"complete","id":"1"}"#).as_deref(), Some("\"1\""));
        let odd = r#"{"type":"complete","id":"\u0022,\n}\ud83d\ude00"}"#;
        assert_eq!(id(odd).as_deref(), Some("\"\\\",\\n}😀\""));
        assert_eq!(id(r#"{"type":"complete","id":""}"#), None);
        assert_eq!(id(r#"{"type":"complete","id":1}"#), None);
        assert_eq!(id(r#"{"type":"complete"}"#), None);
        let long = format!(r#"{{"type":"complete","id":"{}"}}"#, "x".repeat(MAX_ID));
        assert_eq!(id(&long), None);
    }

    #[test]
    fn only_authorization_is_read_of_what_a_client_says_of_itself() {
        let authorization = |payload: &str| {
            let text = format!(r#"{{"type":"connection_init","payload":{payload}}}"#);
            match ClientMessage::read(&text) {
                Some(ClientMessage::ConnectionInit { authorization }) => Some(authorization),
                _ => None,
            }
        };
        assert_eq!(
            authorization(r#"{"authorization":"a","x":1}"#),
            Some(Some("a".to_owned()))
        );
        assert_eq!(
            authorization(r#"{"Authorization":"a"}"#),
            Some(Some("a".to_owned()))
        );
        assert_eq!(authorization(r#"{"headers":{"authorization":"a"}}"#), Some(None));
        assert_eq!(authorization("null"), Some(None));
        assert_eq!(authorization("1"), None);
        assert_eq!(authorization(r#"{"authorization":1}"#), None);
    }
}
