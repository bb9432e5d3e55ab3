//! A hundred channels with ten subscribers each, sixteen senders: what one shared stream hides.

use super::{
    Community, address,
    crowd::{Crowd, complete},
    line::Way,
    publish::{Gate, Pace, Publisher, SENDERS, publish},
    wire,
};
use crate::{
    table,
    world::{BODY, send},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

const CHANNELS: usize = 100;
const SUBSCRIBERS: usize = 10;
const ROUND: Duration = Duration::from_secs(5);
const WARM_UP: Duration = Duration::from_millis(500);
/// Two and a half messages a channel may be on their way.
const WINDOW: u64 = 256;

/// Measures and prints.
pub(super) async fn run() -> anyhow::Result<()> {
    let community = Community::found(SENDERS).await?;
    let (server, world) = (&community.server, &community.world);
    let (mut channels, mut tickets) = (Vec::new(), Vec::new());
    for number in 0..CHANNELS {
        let channel: Arc<str> = world.channel(&format!("spread-{number}")).await?.into();
        tickets.extend(community.tickets(&channel, SUBSCRIBERS));
        channels.push(channel);
    }
    let newest: Arc<Vec<AtomicI64>> = Arc::new((0..CHANNELS).map(|_| AtomicI64::new(0)).collect());
    let send = publisher(&community, &channels, newest.clone());
    let crowd = Crowd::gather(address(server)?, Way::Socket, tickets).await?;
    let each = SUBSCRIBERS as u64;
    let gate = || Gate::of(&crowd, each).window(WINDOW);
    let warmed = publish(Pace::Saturated, WARM_UP, gate(), send.clone()).await?;
    let before = warmed.len() as u64 * each;
    crowd.received(before).await?;

    let (used, began) = (server.cpu()?, Instant::now());
    let sent = publish(Pace::Saturated, ROUND, gate(), send).await?;
    let deliveries = sent.len() as u64 * each;
    crowd.received(before + deliveries).await?;
    let (took, cpu) = (began.elapsed().as_secs_f64(), server.cpu()? - used);
    let records = crowd.leave().await?;
    for (records, newest) in records.chunks(SUBSCRIBERS).zip(&*newest) {
        complete(records, newest.load(Relaxed))?;
    }
    community.server.stop().await?;

    let row = vec![
        table::rate(sent.len() as f64 / took),
        table::rate(deliveries as f64 / took),
        "≥ 5000/s".to_owned(),
        table::millis(cpu.div_f64(sent.len() as f64)),
    ];
    let columns = [
        "messages",
        "deliveries",
        "expected",
        "server CPU a message, sent and delivered",
    ];
    table::print(
        "100 channels with 10 subscribers each, 16 senders",
        &columns,
        &[row],
    );
    println!("\nEvery message once and in order at each of its subscribers.");
    Ok(())
}

/// Everybody sends into all channels in turn; `newest` has the last number of each.
fn publisher(community: &Community, channels: &[Arc<str>], newest: Arc<Vec<AtomicI64>>) -> Publisher {
    let people = community.world.people.clone();
    let messages: Vec<_> = channels.iter().map(|channel| send(channel, BODY)).collect();
    let turn = AtomicUsize::new(0);
    Arc::new(move |sender| {
        let channel = turn.fetch_add(1, Relaxed) % messages.len();
        let (person, message) = (people[sender].clone(), messages[channel].clone());
        let newest = newest.clone();
        Box::pin(async move {
            let seq = wire::sent(&person.answer(message).await?)?;
            newest[channel].fetch_max(seq, Relaxed);
            Ok(seq)
        })
    })
}
