//! What waits for a client, with a socket whose other end reads when the test does.

use super::*;
use std::sync::Arc;
use tokio::{io::AsyncReadExt, net::UnixStream, time::timeout};

const SOON: Duration = Duration::from_secs(10);

fn outlet() -> (Arc<Outlet>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (Arc::new(Outlet::new(Socket::Relayed(ours))), theirs)
}

fn answer(size: usize) -> Vec<u8> {
    frame::next("\"1\"", format!("\"{}\"", "x".repeat(size)).as_bytes())
}

/// Sends until something waits.
fn fill(outlet: &Outlet, tag: Tag) -> usize {
    let frame = answer(10_000);
    let mut sent = 0;
    while outlet.is_empty().unwrap() {
        outlet.send(tag, &frame).unwrap();
        sent += frame.len();
    }
    sent
}

async fn read(theirs: &mut UnixStream, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    timeout(SOON, theirs.read_exact(&mut bytes))
        .await
        .unwrap()
        .unwrap();
    bytes
}

#[tokio::test]
async fn a_large_answer_waits_for_its_turn_and_words_pass() {
    let (outlet, mut theirs) = outlet();
    let tag = outlet.open();
    let before = fill(&outlet, tag);
    let large = answer(2 * MAX_QUEUED);
    assert_eq!(outlet.send(tag, &large), Err(Refused::Full));
    // It can be given up while it waits.
    let wait = timeout(Duration::from_millis(20), outlet.room(large.len()));
    assert!(wait.await.is_err());
    outlet.tell(&frame::pong()).unwrap();
    let pumped = outlet.clone();
    let pump = commons_platform::task::Guard::spawn(async move {
        let _gone = pumped.pump().await;
    });
    read(&mut theirs, before + frame::pong().len()).await;
    timeout(SOON, outlet.room(large.len())).await.unwrap().unwrap();
    outlet.send(tag, &large).unwrap();
    // Words have room of their own behind it, but not without end.
    let pong = frame::pong();
    for _ in 0..MAX_WORDS / pong.len() {
        outlet.tell(&pong).unwrap();
    }
    assert_eq!(outlet.tell(&pong), Err(Refused::Gone));
    drop(pump);
}

#[tokio::test]
async fn what_is_taken_back_is_not_sent_and_others_have_its_room() {
    let (outlet, mut theirs) = outlet();
    let (one, other) = (outlet.open(), outlet.open());
    fill(&outlet, one);
    while outlet.send(one, &answer(10_000)).is_ok() {}
    assert_eq!(outlet.send(other, &answer(10_000)), Err(Refused::Full));
    outlet.take_back(one);
    timeout(SOON, outlet.room(10_000)).await.unwrap().unwrap();
    assert_eq!(outlet.send(one, &answer(1)), Err(Refused::Gone));
    let last = answer(7);
    outlet.send(other, &last).unwrap();
    // The frame under way is whole; nothing of the first comes between it and the other's.
    let came = all(outlet, &mut theirs).await;
    let before = came.strip_suffix(&last[..]).unwrap();
    assert_eq!(before.len() % answer(10_000).len(), 0);
}

/// All that is sent until the outlet is dropped.
async fn all(outlet: Arc<Outlet>, theirs: &mut UnixStream) -> Vec<u8> {
    let drain = commons_platform::task::spawn(async move {
        outlet.drain().await.unwrap();
        assert!(!outlet.is_stuck(Duration::ZERO));
    });
    let mut came = Vec::new();
    timeout(SOON, theirs.read_to_end(&mut came))
        .await
        .unwrap()
        .unwrap();
    drain.await.unwrap();
    came
}

#[tokio::test]
async fn frames_that_wait_are_taken_back_one_by_one() {
    let (outlet, mut theirs) = outlet();
    let tag = outlet.open();
    // One write of many frames, of which the socket takes a part.
    let frames = answer(50_000).repeat(20);
    outlet.send(tag, &frames).unwrap();
    assert!(!outlet.is_empty().unwrap());
    outlet.take_back(tag);
    let came = all(outlet, &mut theirs).await;
    let size = answer(50_000).len();
    assert_eq!(came.len() % size, 0, "whole frames alone");
    assert!(came.len() < frames.len(), "and not all of them");
}
