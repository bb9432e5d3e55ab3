//! Ids of the API and the UUIDs in them.

use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: u32 = 26;

/// The UUID in an id of the API, such as `message_01h2xcejqtf2nbrexx3vqjhp41`.
pub(crate) fn uuid_of(id: &str) -> Option<Uuid> {
    let (_, digits) = id.rsplit_once('_')?;
    let bits = digits.bytes().try_fold(0u128, |bits, byte| {
        let digit = ALPHABET.iter().position(|letter| *letter == byte)?;
        Some(bits << 5 | digit as u128)
    })?;
    (digits.len() == LENGTH as usize).then(|| Uuid::from_u128(bits))
}

/// The id of a message.
pub(crate) fn message_id(message: Uuid) -> String {
    let bits = message.as_u128();
    let digit = |at: u32| char::from(ALPHABET[(bits >> (5 * at) & 31) as usize]);
    let digits: String = (0..LENGTH).rev().map(digit).collect();
    format!("message_{digits}")
}

/// When an id was made, in milliseconds since 1970: the first 48 bits of a version 7.
pub(crate) fn made_at_ms(id: Uuid) -> i64 {
    i64::try_from(id.as_u128() >> 80).expect("48 bits fit")
}
