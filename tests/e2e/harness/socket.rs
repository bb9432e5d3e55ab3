//! A client of `graphql-transport-ws`.

use super::{Api, PATIENCE, codes};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async, connect_async,
    tungstenite::{Message, client::IntoClientRequest, handshake::client::Request},
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
        Self::connect(api).await.greeted(token).await
    }

    async fn greeted(mut self, token: Option<&str>) -> Self {
        let payload = token.map(|token| json!({ "authorization": format!("Bearer {token}") }));
        self.say(json!({ "type": "connection_init", "payload": payload }))
            .await;
        assert_eq!(self.hear().await.unwrap(), json!({ "type": "connection_ack" }));
        self
    }

    /// The same for whom the system holds little that is not read.
    pub(crate) async fn open_small(api: &Api, token: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = MaybeTlsStream::Plain(socket.connect(api.address()).await.unwrap());
        let (stream, _) = timeout(PATIENCE, client_async(upgrade(api), stream))
            .await
            .unwrap()
            .unwrap();
        Self { stream, asked: 0 }.greeted(Some(token)).await
    }

    /// Opens one without a word.
    pub(crate) async fn connect(api: &Api) -> Self {
        let (stream, _) = timeout(PATIENCE, connect_async(upgrade(api)))
            .await
            .unwrap()
            .unwrap();
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
    pub(crate) async fn ending(&mut self, id: &str, seen: impl FnMut(&Value)) -> Ending {
        self.lagging(id, seen).await.0
    }

    /// The same with the `seq` that its error names, or else 0.
    pub(crate) async fn lagging(&mut self, id: &str, mut seen: impl FnMut(&Value)) -> (Ending, i64) {
        loop {
            let message = match self.hear().await {
                Ok(message) => message,
                Err(code) => return (Ending::Closed(code), 0),
            };
            assert_eq!(message["id"], id, "{message:#}");
            let errors = match message["type"].as_str().unwrap() {
                "next" => &message["payload"]["errors"],
                "error" => &message["payload"],
                _ => return (Ending::Complete, 0),
            };
            let seq = errors[0]["extensions"]["seq"].as_i64();
            match codes(&json!({ "errors": errors })).first() {
                Some(code) => return (Ending::Refused(code.clone()), seq.unwrap_or_default()),
                None => seen(&message["payload"]["data"]),
            }
        }
    }
}

fn upgrade(api: &Api) -> Request {
    let mut request = format!("ws://{}/graphql/ws", api.address())
        .into_client_request()
        .unwrap();
    request
        .headers_mut()
        .insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    request
}
