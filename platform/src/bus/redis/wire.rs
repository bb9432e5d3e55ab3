//! What goes over Redis: a byte for the kind, then the rest.

use bytes::{Buf, BufMut, Bytes, BytesMut};

const MESSAGE: u8 = 1;
const LOST: u8 = 2;
const MARK: u8 = 3;

/// What is said on one of the subjects in Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wire {
    /// A message on its own subject.
    Message { subject: String, payload: Bytes },
    /// Somebody could not say what it wanted to.
    Lost,
    /// A listener waits for this one; meant for the process that sent it.
    Mark(u128),
}

impl Wire {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = BytesMut::with_capacity(64);
        match self {
            Self::Message { subject, payload } => {
                bytes.put_u8(MESSAGE);
                bytes.put_u32(u32::try_from(subject.len()).expect("subjects are short"));
                bytes.put_slice(subject.as_bytes());
                bytes.put_slice(payload);
            }
            Self::Lost => bytes.put_u8(LOST),
            Self::Mark(number) => {
                bytes.put_u8(MARK);
                bytes.put_u128(*number);
            }
        }
        bytes.into()
    }

    /// None when it is of a kind that this version does not know, or broken.
    pub(super) fn decode(mut bytes: Bytes) -> Option<Self> {
        match bytes.try_get_u8().ok()? {
            MESSAGE => {
                let length = usize::try_from(bytes.try_get_u32().ok()?).ok()?;
                let subject = (length <= bytes.len()).then(|| bytes.split_to(length))?;
                Some(Self::Message {
                    subject: String::from_utf8(subject.into()).ok()?,
                    payload: bytes,
                })
            }
            LOST => Some(Self::Lost),
            MARK => bytes.try_get_u128().ok().map(Self::Mark),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_decodes_and_what_is_cut_does_not_become_something_else() {
        let said = [
            Wire::Message {
                subject: "é".into(),
                payload: Bytes::from_static(b"hello"),
            },
            Wire::Message {
                subject: String::new(),
                payload: Bytes::new(),
            },
            Wire::Lost,
            Wire::Mark(7),
        ];
        for wire in said {
            assert_eq!(Wire::decode(wire.encode().into()), Some(wire));
        }
        for cut in [&b""[..], b"\x01", b"\x01\0\0\0\x09short", b"\x03\0", b"\x09x"] {
            assert_eq!(Wire::decode(Bytes::from_static(cut)), None, "{cut:?}");
        }
    }
}
