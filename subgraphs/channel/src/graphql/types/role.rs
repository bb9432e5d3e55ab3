//! A role as members see it.

use super::Guild;
use crate::{graphql::cx, loaders::RoleRow, service};
use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};
use commons_access::{Permission, Permissions};
use std::sync::Arc;

/// What some members have in common: permissions, a color, a rank.
pub struct Role(pub Arc<RoleRow>);

/// What some members have in common: permissions, a color, a rank.
#[Object]
impl Role {
    /// The id, such as `role_01h455vb4pex5vsknk084sn02q`.
    #[graphql(tag = "live")]
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The guild it is of.
    #[graphql(tag = "live")]
    async fn guild(&self, context: &Context<'_>) -> Result<Option<Guild>> {
        Ok(service::guild(cx(context), self.0.guild_id).await?.map(Guild))
    }

    /// What it is called, 1 to 100 characters.
    #[graphql(tag = "live")]
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Higher ranks above lower; `@everyone` is 0.
    #[graphql(tag = "live")]
    async fn position(&self) -> i32 {
        self.0.position
    }

    /// What those who hold it may do.
    #[graphql(tag = "live")]
    async fn permissions(&self) -> Vec<Permission> {
        Permissions::from_row(self.0.permissions).list()
    }

    /// Red, green and blue as one number, 0xRRGGBB.
    #[graphql(tag = "live")]
    async fn color(&self) -> Option<i32> {
        self.0.color
    }

    /// Its members are listed apart.
    #[graphql(tag = "live")]
    async fn hoist(&self) -> bool {
        self.0.hoist
    }

    /// Anybody may mention it.
    #[graphql(tag = "live")]
    async fn mentionable(&self) -> bool {
        self.0.mentionable
    }

    /// It is the role that every member has.
    #[graphql(tag = "live")]
    async fn everyone(&self) -> bool {
        self.0.position == 0
    }

    /// When it was made.
    #[graphql(tag = "live")]
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}
