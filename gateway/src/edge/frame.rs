//! What goes out: WebSocket frames around the protocol's messages, built once and written as they are.
//!
//! The operation's id stands last, so that one frame serves all whose ids are as long: only the id is
//! overwritten. An id is kept as it stands in JSON, quotes included.

/// The largest head of an unmasked frame.
const MAX_HEAD: usize = 10;

/// A text frame of these parts.
fn text(parts: &[&[u8]]) -> Vec<u8> {
    let size: usize = parts.iter().map(|part| part.len()).sum();
    let mut frame = Vec::with_capacity(MAX_HEAD + size);
    frame.push(0x81);
    match (u8::try_from(size), u16::try_from(size)) {
        (Ok(size @ ..126), _) => frame.push(size),
        (_, Ok(size)) => {
            frame.push(126);
            frame.extend(size.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((size as u64).to_be_bytes());
        }
    }
    for part in parts {
        frame.extend_from_slice(part);
    }
    frame
}

/// How long the frame is that these bytes begin with; one of ours, whole.
pub(super) fn size(frame: &[u8]) -> usize {
    let (head, size) = match frame[1] & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes([frame[2], frame[3]]))),
        127 => {
            let size = frame[2..10].try_into().map_or(0, u64::from_be_bytes);
            (10, usize::try_from(size).unwrap_or(usize::MAX - 10))
        }
        size => (2, usize::from(size)),
    };
    head + size
}

pub(super) fn acknowledged() -> Vec<u8> {
    text(&[br#"{"type":"connection_ack"}"#])
}

pub(super) fn pong() -> Vec<u8> {
    text(&[br#"{"type":"pong"}"#])
}

pub(super) fn next(id: &str, answer: &[u8]) -> Vec<u8> {
    message(b"next", answer, id)
}

pub(super) fn error(id: &str, errors: &[u8]) -> Vec<u8> {
    message(b"error", errors, id)
}

pub(super) fn complete(id: &str) -> Vec<u8> {
    text(&[br#"{"type":"complete","id":"#, id.as_bytes(), b"}"])
}

/// WebSocket's own ping, which needs no answer from the page's script.
pub(super) const PING: [u8; 2] = [0x89, 0];

fn message(kind: &[u8], payload: &[u8], id: &str) -> Vec<u8> {
    text(&[
        br#"{"type":""#,
        kind,
        br#"","payload":"#,
        payload,
        br#","id":"#,
        id.as_bytes(),
        b"}",
    ])
}

/// Answers as `next` frames in a row, for one client after the other.
#[derive(Debug)]
pub(super) struct Stencil<'a> {
    answers: &'a [&'a [u8]],
    frames: Vec<u8>,
    /// Where ids stand, and how long they are.
    holes: Vec<usize>,
    size: usize,
}

impl<'a> Stencil<'a> {
    pub(super) fn new(answers: &'a [&'a [u8]]) -> Self {
        Self {
            answers,
            frames: Vec::new(),
            holes: Vec::new(),
            size: 0,
        }
    }

    /// The frames for a client whose operation has this id.
    pub(super) fn with(&mut self, id: &str) -> &[u8] {
        if self.size == id.len() {
            for hole in &self.holes {
                self.frames[*hole..*hole + id.len()].copy_from_slice(id.as_bytes());
            }
        } else {
            self.frames.clear();
            self.holes.clear();
            for answer in self.answers {
                self.frames.extend(next(id, answer));
                self.holes.push(self.frames.len() - 1 - id.len());
            }
            self.size = id.len();
        }
        &self.frames
    }
}

#[cfg(test)]
mod tests {
    use super::{size as size_of_frame, *};

    fn payload(frame: &[u8]) -> (&[u8], usize) {
        match frame[1] {
            126 => (&frame[4..], usize::from(u16::from_be_bytes([frame[2], frame[3]]))),
            127 => (
                &frame[10..],
                usize::try_from(u64::from_be_bytes(frame[2..10].try_into().unwrap())).unwrap(),
            ),
            size => (&frame[2..], usize::from(size)),
        }
    }

    #[test]
    fn a_frame_says_how_long_it_is() {
        for size in [
            0, 1, 60, 61, 62, 63, 80, 125, 126, 127, 65_400, 65_535, 65_536, 70_000,
        ] {
            let answer = format!("\"{}\"", "x".repeat(size));
            let frame = next("\"1\"", answer.as_bytes());
            assert_eq!(frame[0], 0x81);
            let (payload, said) = payload(&frame);
            assert_eq!(payload.len(), said);
            assert_eq!(size_of_frame(&frame), frame.len());
            let message: serde_json::Value = serde_json::from_slice(payload).unwrap();
            assert_eq!(message["type"], "next");
            assert_eq!(message["id"], "1");
            assert_eq!(message["payload"].as_str().unwrap().len(), size);
        }
    }

    #[test]
    fn a_stencil_gives_everybody_their_own_frames() {
        let answers: [&[u8]; 2] = [b"{\"data\":1}", b"{\"data\":2}"];
        let mut stencil = Stencil::new(&answers);
        for id in ["\"1\"", "\"2\"", "\"longer\"", "\"\\\"\"", "\"3\""] {
            let expected = [next(id, answers[0]), next(id, answers[1])].concat();
            assert_eq!(stencil.with(id), expected, "{id}");
        }
    }
}
