//! This domain's share of an account's export: where they are a member, and the invites they made.

use super::ChannelService;
use crate::{Error, store};
use commons_entities::{ExportId, GuildId, InviteId, UserId};
use commons_jobs::{
    Owner, Progress,
    export::{Document, Share},
};
use serde_json::json;
use uuid::Uuid;

/// How many rows a step reads.
const ROWS: u64 = 100;

/// Writes the next piece of the share. The cursor is the list and the last row that was written.
pub(super) async fn step(
    service: &ChannelService,
    export: ExportId,
    user: UserId,
) -> Result<Progress, Error> {
    let tx = service.platform.db.begin().await?;
    let Some(share) = Share::take(&tx, export, Owner::Channel).await? else {
        return Ok(Progress::Done);
    };
    let cursor = share.cursor().unwrap_or("memberships:").to_owned();
    let (list, last) = cursor.split_once(':').unwrap_or((cursor.as_str(), ""));
    let last = Uuid::try_parse(last).unwrap_or_default();
    let (documents, next) = match list {
        "memberships" => {
            let rows = store::memberships_after(&tx, user, GuildId(last), ROWS).await?;
            let next = match rows.last() {
                Some((guild, ..)) => format!("memberships:{}", guild.id.0),
                None => "invites:".to_owned(),
            };
            let items = rows.into_iter().map(|(guild, member, roles)| {
                json!({
                    "guild": { "id": guild.id.to_string(), "name": guild.name },
                    "owner": guild.owner_id == user,
                    "nickname": member.nickname,
                    "joinedAt": member.joined_at,
                    "timedOutUntil": member.timed_out_until,
                    "roles": roles,
                })
            });
            (Document::pack("memberships", items), Some(next))
        }
        "invites" => {
            let rows = store::invites_after(&tx, user, InviteId(last), ROWS).await?;
            let next = rows.last().map(|row| format!("invites:{}", row.id.0));
            let items = rows.into_iter().map(|row| {
                json!({
                    "id": row.id.to_string(),
                    "guildId": row.guild_id.to_string(),
                    "code": row.code,
                    "maxUses": row.max_uses,
                    "uses": row.uses,
                    "createdAt": row.created_at,
                    "expiresAt": row.expires_at,
                    "revokedAt": row.revoked_at,
                })
            });
            (Document::pack("invites", items), next)
        }
        // A later version began this share with a list that is not known here.
        _ => (Vec::new(), None),
    };
    Ok(share.step(tx, documents, next).await?)
}
