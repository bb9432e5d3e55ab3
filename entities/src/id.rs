//! Typed ids: a newtype a kind over the row's UUID, written on the API as a TypeID.
//!
//! The text form is `<kind>_<26 characters>`: the UUID's 128 bits in Crockford's base 32, lower
//! case, most significant first, as the TypeID specification 0.3 says.

use std::{fmt, str::FromStr};
use uuid::Uuid;

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is an id, or looks like one, but of another kind.
    #[error("this is not a {expected} id")]
    WrongKind {
        /// The kind that was asked for.
        expected: &'static str,
    },
    /// The kind fits, the rest is not 26 characters of base 32.
    #[error("this {expected} id is malformed")]
    Malformed {
        /// The kind that was asked for.
        expected: &'static str,
    },
}

/// What all typed ids have in common.
pub trait TypedId: Copy + Eq + fmt::Display + FromStr<Err = IdError> {
    /// The word before the underscore.
    const KIND: &'static str;
    /// Wraps a row's UUID.
    fn from_uuid(uuid: Uuid) -> Self;
    /// The row's UUID.
    fn uuid(self) -> Uuid;
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, sea_orm::DeriveValueType)]
        #[derive(serde::Serialize, serde::Deserialize)]
        pub struct $name(pub Uuid);

        impl TypedId for $name {
            const KIND: &'static str = $kind;
            fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }
            fn uuid(self) -> Uuid { self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write_id($kind, self.0, f) }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write_id($kind, self.0, f) }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> { parse_id($kind, text).map(Self) }
        }

        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self { Self(uuid) }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Uuid { id.0 }
        }
    )*
    /// Every kind of id that the API knows.
    pub const KINDS: &[&str] = &[$($kind),*];
    };
}

typed_ids! {
    /// A person, a bot, or a placeholder made by an import.
    UserId = "user";
    /// One signed-in device of a user.
    SessionId = "session";
    /// A guild; its event stream and its `@everyone` role carry the same UUID.
    GuildId = "guild";
    /// A channel; its event stream carries the same UUID.
    ChannelId = "channel";
    /// A role of a guild.
    RoleId = "role";
    /// An invite to a guild.
    InviteId = "invite";
    /// What somebody did in a guild, as its audit log has it.
    AuditEntryId = "audit";
    /// A message in a channel.
    MessageId = "message";
    /// A copy of what an account has.
    ExportId = "export";
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;

fn write_id(kind: &str, uuid: Uuid, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let bits = uuid.as_u128();
    let mut text = [0u8; LENGTH];
    for (i, slot) in text.iter_mut().enumerate() {
        *slot = ALPHABET[(bits >> (5 * (LENGTH - 1 - i)) & 31) as usize];
    }
    f.write_str(kind)?;
    f.write_str("_")?;
    f.write_str(std::str::from_utf8(&text).expect("the alphabet is ASCII"))
}

fn parse_id(expected: &'static str, text: &str) -> Result<Uuid, IdError> {
    let (kind, rest) = text.rsplit_once('_').ok_or(IdError::WrongKind { expected })?;
    if kind != expected {
        return Err(IdError::WrongKind { expected });
    }
    let malformed = IdError::Malformed { expected };
    // 26 characters hold 130 bits: the first must leave the top two empty.
    if rest.len() != LENGTH || rest.as_bytes()[0] > b'7' {
        return Err(malformed);
    }
    let mut bits = 0u128;
    for byte in rest.bytes() {
        let digit = ALPHABET
            .iter()
            .position(|letter| *letter == byte)
            .ok_or(malformed)?;
        bits = bits << 5 | digit as u128;
    }
    Ok(Uuid::from_u128(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of the TypeID specification's `valid.yml`.
    #[test]
    fn texts_follow_the_specification() {
        for (text, uuid) in [
            (
                "user_00000000000000000000000000",
                "00000000-0000-0000-0000-000000000000",
            ),
            (
                "user_00000000000000000000000001",
                "00000000-0000-0000-0000-000000000001",
            ),
            (
                "user_7zzzzzzzzzzzzzzzzzzzzzzzzz",
                "ffffffff-ffff-ffff-ffff-ffffffffffff",
            ),
            (
                "user_0123456789abcdefghjkmnpqrs",
                "0110c853-1d09-52d8-d73e-1194e95b5f19",
            ),
            (
                "user_01h455vb4pex5vsknk084sn02q",
                "01890a5d-ac96-774b-bcce-b302099a8057",
            ),
        ] {
            let id: UserId = text.parse().expect(text);
            assert_eq!(id.0.to_string(), uuid);
            assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let wrong = IdError::WrongKind { expected: "user" };
        let malformed = IdError::Malformed { expected: "user" };
        for (text, error) in [
            ("guild_01h455vb4pex5vsknk084sn02q", wrong),
            ("01h455vb4pex5vsknk084sn02q", wrong),
            ("", wrong),
            ("user_", malformed),
            ("user_01h455vb4pex5vsknk084sn02", malformed),
            ("user_8zzzzzzzzzzzzzzzzzzzzzzzzz", malformed),
            ("user_01H455VB4PEX5VSKNK084SN02Q", malformed),
            ("user_01h455vb4pex5vsknk084sn0é", malformed),
        ] {
            assert_eq!(text.parse::<UserId>(), Err(error), "{text}");
        }
    }
}
