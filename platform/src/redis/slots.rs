//! Which slot of a Redis Cluster a name is in, and groups of slots, each with a name that is in it.

use std::sync::LazyLock;

const SLOTS: u16 = 16_384;

/// The slot of a name: of what is between its first braces, if anything is.
fn slot(name: &str) -> usize {
    let tag = name
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'))
        .map_or(name, |(tag, _)| if tag.is_empty() { name } else { tag });
    usize::from(crc16(tag.as_bytes()) % SLOTS)
}

/// How many groups there are.
pub(crate) const GROUPS: usize = 64;

/// The group of a name: neighbouring slots.
pub(crate) fn group(name: &str) -> usize {
    slot(name) / (usize::from(SLOTS) / GROUPS)
}

/// For each group a text that is in it.
pub(crate) fn tags() -> &'static [String; GROUPS] {
    static TAGS: LazyLock<[String; GROUPS]> = LazyLock::new(|| {
        std::array::from_fn(|wanted| {
            let texts = (0_u32..).map(|number| number.to_string());
            let mut fitting = texts.filter(|text| group(text) == wanted);
            fitting.next().expect("every slot has numbers in it")
        })
    });
    &TAGS
}

/// CRC16 as Redis Cluster has it (XMODEM).
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot("foo"), 12_182);
        assert_eq!(slot("comm:user:user:{foo}"), 12_182);
        assert_eq!(slot("{}foo"), usize::from(crc16(b"{}foo") % SLOTS));
    }

    #[test]
    fn every_group_has_a_tag() {
        for (at, tag) in tags().iter().enumerate() {
            assert_eq!(group(&format!("x:{{{tag}}}")), at);
        }
    }
}
