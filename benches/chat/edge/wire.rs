//! Bytes to and from a server: as much of HTTP and WebSocket as thousands of cheap clients need, and
//! not more. Nothing of GraphQL is parsed but the number of an event. Connections are `line`'s.

use anyhow::{Context, bail, ensure};

/// Of a client's frames; any will do.
const MASK: [u8; 4] = [0x5a, 0x17, 0xc3, 0x88];
const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
const SEQ: &[u8] = b"\"seq\":";

/// One whole thing that a server says.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece<'b> {
    /// The head of its HTTP answer.
    Head(&'b [u8]),
    /// A text frame, or an event.
    Text(&'b [u8]),
    /// A WebSocket ping, to be answered with the same bytes.
    Ping(&'b [u8]),
    /// The end, and why.
    Close(&'b [u8]),
    /// What needs no answer.
    Nothing,
}

/// The head of an HTTP answer.
pub(super) fn head(bytes: &[u8]) -> Option<(Piece<'_>, usize)> {
    let end = find(bytes, b"\r\n\r\n")?;
    Some((Piece::Head(&bytes[..end]), end + 4))
}

/// The first frame. Servers send short ones here, never masked and never in parts.
pub(super) fn frame(bytes: &[u8]) -> anyhow::Result<Option<(Piece<'_>, usize)>> {
    let [kind, short, rest @ ..] = bytes else {
        return Ok(None);
    };
    let (start, length) = match (*short, rest) {
        (length @ 0..126, _) => (2, usize::from(length)),
        (126, [high, low, ..]) => (4, usize::from(u16::from_be_bytes([*high, *low]))),
        (126, _) => return Ok(None),
        _ => bail!("a frame that is masked or longer than anything that was asked for"),
    };
    let Some(payload) = bytes.get(start..start + length) else {
        return Ok(None);
    };
    let piece = match *kind {
        TEXT => Piece::Text(payload),
        PING => Piece::Ping(payload),
        PONG => Piece::Nothing,
        CLOSE => Piece::Close(payload.get(2..).unwrap_or_default()),
        other => bail!("a frame that begins with {other:#x}"),
    };
    Ok(Some((piece, start + length)))
}

/// The first chunk of an HTTP body.
pub(super) fn chunk(bytes: &[u8]) -> anyhow::Result<Option<(Piece<'_>, usize)>> {
    let Some(line) = find(bytes, b"\r\n") else {
        return Ok(None);
    };
    let size = usize::from_str_radix(str::from_utf8(&bytes[..line])?, 16)?;
    let (start, end) = (line + 2, line + 2 + size);
    if bytes.len() < end + 2 {
        return Ok(None);
    }
    let piece = match size {
        0 => Piece::Close(b"the stream is over"),
        _ => Piece::Text(&bytes[start..end]),
    };
    Ok(Some((piece, end + 2)))
}

/// A text as a client sends it.
pub(super) fn masked_text(text: &str) -> Vec<u8> {
    masked(TEXT, text.as_bytes())
}

/// The answer to a ping.
pub(super) fn masked_pong(payload: &[u8]) -> Vec<u8> {
    masked(PONG, payload)
}

fn masked(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = begin(kind, payload.len());
    frame[1] |= 0x80;
    frame.extend(MASK);
    frame.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    frame
}

/// A text as a server sends it.
pub(super) fn plain_text(text: &[u8]) -> Vec<u8> {
    let mut frame = begin(TEXT, text.len());
    frame.extend_from_slice(text);
    frame
}

/// What comes before a frame's mask or payload.
fn begin(kind: u8, length: usize) -> Vec<u8> {
    match u8::try_from(length) {
        Ok(short @ 0..126) => vec![kind, short],
        _ => {
            let length = u16::try_from(length).expect("nothing longer is ever sent");
            let [high, low] = length.to_be_bytes();
            vec![kind, 126, high, low]
        }
    }
}

/// The first event number in a text, with what is before and behind it.
pub(super) fn seq(text: &[u8]) -> Option<(&[u8], i64, &[u8])> {
    let at = find(text, SEQ)?;
    let digits = &text[at + SEQ.len()..];
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, behind) = digits.split_at(length);
    let seq = str::from_utf8(digits).ok()?.parse().ok()?;
    Some((&text[..at], seq, behind))
}

/// The number in the answer to a send.
///
/// # Errors
/// When there is none.
pub(super) fn sent(answer: &[u8]) -> anyhow::Result<i64> {
    let found = seq(answer).map(|(_, seq, _)| seq);
    found.with_context(|| format!("no number in {}", String::from_utf8_lossy(answer)))
}

/// A text whose number can be chosen: what is before and behind it.
///
/// # Errors
/// When it has no number.
pub(super) fn around_seq(text: &[u8]) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let (before, _, behind) = seq(text).context("the sample has no number")?;
    ensure!(!behind.is_empty(), "the sample ends with its number");
    Ok(([before, SEQ].concat(), behind.to_vec()))
}

/// Where a word begins.
pub(super) fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|part| part == word)
}
