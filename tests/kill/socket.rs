//! A client of `graphql-transport-ws` that lives with broken connections.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

/// Dropping it cuts the connection without a goodbye.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    asked: u64,
}

/// How a socket ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Broken {
    /// It could not be opened.
    Unopened,
    /// With a close code.
    Closed(u16),
    /// Without a word.
    Cut,
}

impl Socket {
    /// Opens one and says who it is. Give it a deadline.
    pub(crate) async fn open(gateway: SocketAddr, token: &str) -> Result<Self, Broken> {
        let stream = TcpStream::connect(gateway).await.map_err(|_| Broken::Unopened)?;
        // An error is of a connection that is gone.
        let _slow = stream.set_nodelay(true);
        let request = format!("ws://{gateway}/graphql/ws").into_client_request();
        let mut request = request.map_err(|_| Broken::Unopened)?;
        let protocol = "graphql-transport-ws".parse().map_err(|_| Broken::Unopened)?;
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (stream, _) = client_async(request, stream)
            .await
            .map_err(|_| Broken::Unopened)?;
        let mut socket = Self { stream, asked: 0 };
        let payload = json!({ "authorization": format!("Bearer {token}") });
        socket
            .say(&json!({ "type": "connection_init", "payload": payload }))
            .await?;
        match socket.hear().await? {
            message if message["type"] == "connection_ack" => Ok(socket),
            _ => Err(Broken::Unopened),
        }
    }

    async fn say(&mut self, message: &Value) -> Result<(), Broken> {
        let sent = self.stream.send(Message::text(message.to_string())).await;
        sent.map_err(|_| Broken::Cut)
    }

    /// Begins an operation.
    pub(crate) async fn subscribe(&mut self, id: &str, query: &str, variables: &Value) -> Result<(), Broken> {
        let payload = json!({ "query": query, "variables": variables });
        self.say(&json!({ "type": "subscribe", "id": id, "payload": payload }))
            .await
    }

    /// The next message of the protocol. Give it a deadline.
    pub(crate) async fn hear(&mut self) -> Result<Value, Broken> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).map_err(|_| Broken::Cut),
                Some(Ok(Message::Close(frame))) => {
                    return Err(frame.map_or(Broken::Cut, |frame| Broken::Closed(frame.code.into())));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(Broken::Cut),
            }
        }
    }

    /// The whole answer to a query or mutation.
    pub(crate) async fn ask(&mut self, query: &str, variables: &Value) -> Result<Value, Broken> {
        self.asked += 1;
        let id = format!("q{}", self.asked);
        self.subscribe(&id, query, variables).await?;
        loop {
            let mut message = self.hear().await?;
            // What is left is the end of the one before.
            if message["id"] == id {
                match message["type"].as_str() {
                    Some("next") => return Ok(message["payload"].take()),
                    Some("error") => return Ok(json!({ "errors": message["payload"].take() })),
                    _ => return Err(Broken::Cut),
                }
            }
        }
    }
}
