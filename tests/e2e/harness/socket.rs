//! A client of `graphql-transport-ws`.

use super::{Api, PATIENCE, codes};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

/// Dropping it cuts the connection without a goodbye.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// How many operations [`Socket::ask`] has begun.
    asked: u32,
}

/// What a server says to an operation that is over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With an error: its code.
    Refused(String),
    /// By itself.
    Complete,
    /// With the whole socket: its close code, none when the connection broke.
    Closed(Option<u16>),
}

impl Socket {
    /// Opens one and says who it is.
    pub(crate) async fn open(api: &Api, token: Option<&str>) -> Self {
        let mut socket = Self::connect(api).await;
        let payload = token.map(|token| json!({ "authorization": format!("Bearer {token}") }));
        socket
            .say(json!({ "type": "connection_init", "payload": payload }))
            .await;
        assert_eq!(socket.hear().await.unwrap(), json!({ "type": "connection_ack" }));
        socket
    }

    /// Opens one without a word.
    pub(crate) async fn connect(api: &Api) -> Self {
        let mut request = format!("ws://{}/graphql/ws", api.address())
            .into_client_request()
            .unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        let (stream, _) = timeout(PATIENCE, connect_async(request)).await.unwrap().unwrap();
        Self { stream, asked: 0 }
    }

    pub(crate) async fn say(&mut self, message: Value) {
        self.say_text(message.to_string()).await;
    }

    pub(crate) async fn say_text(&mut self, text: String) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.say(json!({ "type": "subscribe", "id": id, "payload": payload }))
            .await;
    }

    /// The next message of the protocol, or the close code.
    pub(crate) async fn hear(&mut self) -> Result<Value, Option<u16>> {
        let heard = async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                    Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                    // A ping says nothing.
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Err(None),
                }
            }
        };
        timeout(PATIENCE, heard).await.expect("the server says something")
    }

    /// The data of the next event of an operation.
    pub(crate) async fn event(&mut self, id: &str) -> Value {
        let mut message = self.hear().await.unwrap();
        assert_eq!(
            (&message["type"], &message["id"]),
            (&json!("next"), &json!(id)),
            "{message:#}"
        );
        assert!(message["payload"].get("errors").is_none(), "{message:#}");
        message["payload"]["data"].take()
    }

    /// The whole answer to a query or mutation.
    pub(crate) async fn ask(&mut self, query: &str, variables: Value) -> Value {
        self.try_ask(query, variables).await.unwrap()
    }

    /// The whole answer; the close code when the socket ends before there is one.
    pub(crate) async fn try_ask(&mut self, query: &str, variables: Value) -> Result<Value, Option<u16>> {
        self.asked += 1;
        let id = format!("q{}", self.asked);
        let payload = json!({ "query": query, "variables": variables });
        let message = json!({ "type": "subscribe", "id": id, "payload": payload });
        self.stream
            .send(Message::text(message.to_string()))
            .await
            .map_err(|_| None)?;
        loop {
            let mut message = self.hear().await?;
            if message["id"] != id {
                // The end of the one before.
                assert_eq!(message["type"], "complete", "{message:#}");
                continue;
            }
            return Ok(match message["type"].as_str() {
                Some("next") => message["payload"].take(),
                Some("error") => json!({ "errors": message["payload"].take() }),
                _ => panic!("no answer: {message:#}"),
            });
        }
    }

    /// Reads events until the operation ends: how it does. Each event is shown to `seen`.
    pub(crate) async fn ending(&mut self, id: &str, mut seen: impl FnMut(&Value)) -> Ending {
        loop {
            let message = match self.hear().await {
                Ok(message) => message,
                Err(code) => return Ending::Closed(code),
            };
            assert_eq!(message["id"], id, "{message:#}");
            let errors = match message["type"].as_str().unwrap() {
                "next" => &message["payload"]["errors"],
                "error" => &message["payload"],
                _ => return Ending::Complete,
            };
            match codes(&json!({ "errors": errors })).first() {
                Some(code) => return Ending::Refused(code.clone()),
                None => seen(&message["payload"]["data"]),
            }
        }
    }
}
