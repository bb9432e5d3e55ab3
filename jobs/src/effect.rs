//! The closed list of effects between domains.

use chrono::{DateTime, Utc};
use commons_entities::{ExportId, GuildId, UserId};
use commons_platform::telemetry::TracePoint;
use serde::{Deserialize, Serialize};

/// Which service does a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// Accounts.
    User,
    /// Guilds and channels.
    Channel,
    /// Messages.
    Message,
}

impl Owner {
    /// Its name in rows and bus subjects.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Channel => "channel",
            Self::Message => "message",
        }
    }

    /// The bus subject that wakes its workers; messages on it are empty.
    pub(crate) fn subject(self) -> String {
        format!("jobs:{}", self.as_str())
    }
}

/// What a transaction of one domain makes others do. Each owner gets a job of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// An account is deleted: its memberships, reactions and the like go.
    EraseAccount {
        /// Whose.
        user: UserId,
        /// Its messages go, too; otherwise they stay without an author.
        erase_messages: bool,
    },
    /// A guild is deleted: all that was in it goes.
    EraseGuild {
        /// Which.
        guild: GuildId,
    },
    /// Somebody's newest messages in a guild go.
    EraseMessagesOf {
        /// Where.
        guild: GuildId,
        /// Whose.
        user: UserId,
        /// Those that were created then or later.
        since: DateTime<Utc>,
    },
    /// An account is copied for its owner: each domain writes its share into the [`crate::export`].
    ExportAccount {
        /// Into which.
        export: ExportId,
        /// Whose.
        user: UserId,
    },
    /// An export goes.
    RemoveExport {
        /// Which.
        export: ExportId,
    },
    /// The name of a deleted account becomes free.
    ReleaseUsername {
        /// Whose.
        user: UserId,
    },
}

/// What a row says.
#[derive(Serialize, Deserialize)]
struct Owed<E> {
    #[serde(flatten)]
    effect: E,
    /// The trace that it was caused in, as a `traceparent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
}

impl Effect {
    /// The kinds of effect that this version knows. Jobs of other kinds are left to the version that
    /// knows them.
    pub(crate) const KINDS: [&'static str; 6] = [
        "EraseAccount",
        "EraseGuild",
        "EraseMessagesOf",
        "ExportAccount",
        "RemoveExport",
        "ReleaseUsername",
    ];

    /// Its kind, for rows and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::EraseAccount { .. } => "EraseAccount",
            Self::EraseGuild { .. } => "EraseGuild",
            Self::EraseMessagesOf { .. } => "EraseMessagesOf",
            Self::ExportAccount { .. } => "ExportAccount",
            Self::RemoveExport { .. } => "RemoveExport",
            Self::ReleaseUsername { .. } => "ReleaseUsername",
        }
    }

    /// Who does it.
    pub fn owners(&self) -> &'static [Owner] {
        match self {
            Self::EraseAccount { .. } | Self::EraseGuild { .. } => &[Owner::Channel, Owner::Message],
            Self::EraseMessagesOf { .. } => &[Owner::Message],
            Self::ExportAccount { .. } => &[Owner::User, Owner::Channel, Owner::Message],
            Self::RemoveExport { .. } | Self::ReleaseUsername { .. } => &[Owner::User],
        }
    }

    /// Its row's payload, with what it was caused by where that is recorded.
    pub(crate) fn to_payload(&self, cause: &TracePoint) -> String {
        let owed = Owed {
            effect: self,
            trace: cause.header().filter(|_| cause.is_sampled()),
        };
        serde_json::to_string(&owed).expect("an effect has only ids, flags and times")
    }

    pub(crate) fn from_payload(payload: &str) -> Result<(Self, TracePoint), serde_json::Error> {
        let owed: Owed<Self> = serde_json::from_str(payload)?;
        let cause = owed.trace.as_deref().map(TracePoint::parse);
        Ok((owed.effect, cause.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commons_entities::TypedId;

    #[test]
    fn rows_are_read_back_and_their_words_stay() {
        let id = uuid::Uuid::from_u128(7);
        let (user, guild, export) = (UserId(id), GuildId(id), ExportId::from_uuid(id));
        let since = DateTime::from_timestamp_millis(1_700_000_000_000).unwrap();
        let effects = [
            Effect::EraseAccount {
                user,
                erase_messages: true,
            },
            Effect::EraseGuild { guild },
            Effect::EraseMessagesOf { guild, user, since },
            Effect::ExportAccount { export, user },
            Effect::RemoveExport { export },
            Effect::ReleaseUsername { user },
        ];
        let cause = TracePoint::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let nowhere = TracePoint::default();
        for effect in &effects {
            for cause in [&cause, &nowhere] {
                let read = Effect::from_payload(&effect.to_payload(cause)).unwrap();
                assert_eq!(read, (effect.clone(), cause.clone()));
            }
        }
        assert_eq!(effects.each_ref().map(Effect::kind), Effect::KINDS);
        assert_eq!(
            effects[0].to_payload(&nowhere),
            r#"{"EraseAccount":{"user":"00000000-0000-0000-0000-000000000007","erase_messages":true}}"#,
            "jobs of the version before must still be read"
        );
    }
}
