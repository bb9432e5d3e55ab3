//! Server-sent events: taking the router's stream apart, and writing ours.
//!
//! The router writes one event a chunk today; nothing here counts on it.

use bytes::{Bytes, BytesMut};
use memchr::memmem;

/// Ends a stream that is over; events of the type `complete` need a data line to be dispatched.
pub(crate) const COMPLETE: &[u8] = b"event: complete\ndata:\n\n";
/// A comment that keeps idle connections open.
pub(crate) const HEARTBEAT: &[u8] = b":\n\n";

/// One event of the router.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// An answer, GraphQL JSON.
    Next(Bytes),
    /// The stream is over as planned.
    Complete,
    /// Nothing happened.
    Heartbeat,
}

/// Splits a stream of bytes into events.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    buffer: BytesMut,
}

impl Splitter {
    /// Adds what came.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// The next whole event, none when more bytes are needed.
    pub(crate) fn pop(&mut self) -> Option<Event> {
        let end = memmem::find(&self.buffer, b"\n\n")?;
        let block = self.buffer.split_to(end + 2).freeze();
        Some(parse(&block.slice(..end)))
    }
}

fn parse(block: &Bytes) -> Event {
    let (mut complete, mut data) = (false, None::<Bytes>);
    for line in block.split(|byte| *byte == b'\n') {
        if let Some(value) = line.strip_prefix(b"data:") {
            let value = block.slice_ref(value.strip_prefix(b" ").unwrap_or(value));
            data = Some(match data {
                None => value,
                Some(before) => [&before[..], b"\n", &value].concat().into(),
            });
        } else if line == b"event: complete" {
            complete = true;
        }
    }
    match data {
        _ if complete => Event::Complete,
        Some(data) => Event::Next(data),
        None => Event::Heartbeat,
    }
}

/// An answer as an event. GraphQL JSON as it is written here holds no line break.
pub(crate) fn next(json: &[u8]) -> Vec<u8> {
    let mut event = Vec::with_capacity(json.len() + 22);
    event.extend_from_slice(b"event: next\ndata: ");
    event.extend_from_slice(json);
    event.extend_from_slice(b"\n\n");
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_however_they_are_cut() {
        let stream =
            b"event: next\ndata: {\"a\":1}\n\n:\n\nevent: next\ndata: 1\ndata: 2\n\nevent: complete\n\n";
        for size in [1, 2, 3, 7, stream.len()] {
            let mut splitter = Splitter::default();
            let mut events = Vec::new();
            for chunk in stream.chunks(size) {
                splitter.push(chunk);
                events.extend(std::iter::from_fn(|| splitter.pop()));
            }
            let next = |text: &'static str| Event::Next(Bytes::from_static(text.as_bytes()));
            assert_eq!(
                events,
                [next("{\"a\":1}"), Event::Heartbeat, next("1\n2"), Event::Complete]
            );
        }
    }

    #[test]
    fn what_we_write_we_can_read() {
        let mut splitter = Splitter::default();
        splitter.push(&next(b"{}"));
        splitter.push(HEARTBEAT);
        splitter.push(COMPLETE);
        assert_eq!(splitter.pop(), Some(Event::Next(Bytes::from_static(b"{}"))));
        assert_eq!(splitter.pop(), Some(Event::Heartbeat));
        assert_eq!(splitter.pop(), Some(Event::Complete));
        assert_eq!(splitter.pop(), None);
    }
}
