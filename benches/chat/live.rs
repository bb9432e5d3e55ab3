//! From a send to a subscriber's socket, at a pace that leaves everybody idle in between.

use crate::{
    load::quantile,
    process::Server,
    table,
    world::{World, folder, send},
};
use anyhow::{Context, ensure};
use commons_platform::task;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::{
    net::TcpStream,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

const MESSAGES: usize = 500;
const PACE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(10);

const FOLLOW: &str = "subscription($channel: ID!) { messageEvents(channelId: $channel) { __typename seq
  ... on MessageCreated { message { id content createdAt author { id username displayName } } }
} }";

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// When a send was issued and when it was answered.
struct Sent {
    issued: Instant,
    answered: Instant,
}

/// Measures and prints.
pub(crate) async fn run() -> anyhow::Result<()> {
    let data = folder()?;
    let server = Server::start(data.path()).await?;
    let world = World::found(&server.base, 2).await?;
    let channel = world.channel("live").await?;
    let [sender, reader] = [&world.people[0], &world.people[1]];
    let authorization = reader
        .authorization
        .as_deref()
        .context("everybody is signed in")?;
    let socket = subscribe(&server, authorization, &channel).await?;
    let receiving = task::spawn(receive(socket));

    let before = server.cpu()?;
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sends = Vec::with_capacity(MESSAGES);
    for number in 0..MESSAGES {
        ticks.tick().await;
        let (sender, body) = (sender.clone(), send(&channel, &format!("live {number}")));
        sends.push(task::spawn(async move {
            let issued = Instant::now();
            sender.answer(body).await?;
            anyhow::Ok(Sent {
                issued,
                answered: Instant::now(),
            })
        }));
    }
    let mut sent = Vec::with_capacity(MESSAGES);
    for send in sends {
        sent.push(send.await.context("a sender died")??);
    }
    let received = receiving.await.context("the subscriber died")??;
    let cpu = server.cpu()? - before;
    server.stop().await?;
    print(&sent, &received, cpu);
    Ok(())
}

/// Opens the socket; the subscription has told its first event when this returns.
async fn subscribe(server: &Server, authorization: &str, channel: &str) -> anyhow::Result<Socket> {
    let url = format!("{}/graphql/ws", server.base.replacen("http", "ws", 1));
    let mut request = url.into_client_request()?;
    request
        .headers_mut()
        .insert("sec-websocket-protocol", "graphql-transport-ws".parse()?);
    let (mut socket, _) = connect_async(request).await?;
    let init = json!({ "type": "connection_init", "payload": { "authorization": authorization } });
    socket.send(Message::text(init.to_string())).await?;
    let acknowledged = next(&mut socket).await?;
    ensure!(
        acknowledged.contains("connection_ack"),
        "no greeting: {acknowledged}"
    );
    let payload = json!({ "query": FOLLOW, "variables": { "channel": channel } });
    let follow = json!({ "type": "subscribe", "id": "1", "payload": payload });
    socket.send(Message::text(follow.to_string())).await?;
    let head = next(&mut socket).await?;
    ensure!(head.contains("StreamHead"), "no first event: {head}");
    Ok(socket)
}

/// When each message's frame was there, by the message's number.
async fn receive(mut socket: Socket) -> anyhow::Result<Vec<Instant>> {
    let mut received = vec![None; MESSAGES];
    let mut last = None;
    while received.iter().any(Option::is_none) {
        let text = next(&mut socket).await?;
        let now = Instant::now();
        let frame: Value = serde_json::from_str(&text)?;
        let event = &frame["payload"]["data"]["messageEvents"];
        let seq = event["seq"]
            .as_i64()
            .with_context(|| format!("no event: {text}"))?;
        ensure!(
            last.is_none_or(|last| seq == last + 1),
            "{seq} came after {last:?}"
        );
        last = Some(seq);
        let content = event["message"]["content"]
            .as_str()
            .with_context(|| format!("no message: {text}"))?;
        let number: usize = content.strip_prefix("live ").context("not ours")?.parse()?;
        ensure!(
            received[number].replace(now).is_none(),
            "message {number} came twice"
        );
    }
    socket.close(None).await?;
    Ok(received.into_iter().flatten().collect())
}

/// The next frame with text; pings are answered by the library.
async fn next(socket: &mut Socket) -> anyhow::Result<String> {
    loop {
        let message = timeout(PATIENCE, socket.next())
            .await
            .context("nothing came")?
            .context("the socket closed")??;
        match message {
            Message::Text(text) if text.contains("\"ping\"") => {
                socket.send(Message::text(r#"{"type":"pong"}"#)).await?;
            }
            Message::Text(text) => return Ok(text.to_string()),
            Message::Close(reason) => anyhow::bail!("the socket closed: {reason:?}"),
            _ => {}
        }
    }
}

fn print(sent: &[Sent], received: &[Instant], cpu: Duration) {
    let micros = |later: Instant, earlier: Instant| -> i64 {
        let (ahead, behind) = (later.duration_since(earlier), earlier.duration_since(later));
        i64::try_from(ahead.as_micros()).unwrap_or(i64::MAX)
            - i64::try_from(behind.as_micros()).unwrap_or(i64::MAX)
    };
    let pairs = || sent.iter().zip(received);
    let answer: Vec<i64> = sent
        .iter()
        .map(|send| micros(send.answered, send.issued))
        .collect();
    let from_issue: Vec<i64> = pairs().map(|(send, frame)| micros(*frame, send.issued)).collect();
    let from_answer: Vec<i64> = pairs()
        .map(|(send, frame)| micros(*frame, send.answered))
        .collect();
    let rows: Vec<Vec<String>> = [
        ("send issued → answer", &answer),
        ("send issued → frame at the subscriber", &from_issue),
        ("answer → frame at the subscriber", &from_answer),
    ]
    .into_iter()
    .map(|(name, times)| {
        let millis = |share: f64| format!("{:.2} ms", quantile(times, share) as f64 / 1e3);
        vec![name.to_owned(), millis(0.5), millis(0.99), millis(1.0)]
    })
    .collect();
    table::print("Commit → socket", &["time", "p50", "p99", "most"], &rows);
    let each = cpu / u32::try_from(MESSAGES).unwrap_or(u32::MAX);
    println!(
        "\n{MESSAGES} messages at {}/s, each seen once and in order; server CPU a message, sent and delivered: {}.",
        1000 / PACE.as_millis(),
        table::millis(each)
    );
}
