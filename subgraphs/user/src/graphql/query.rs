//! Reading accounts.

use super::{
    cx,
    types::{DataExport, Instance, User, Viewer},
};
use crate::service;
use async_graphql::{Context, ID, Object, Result};
use commons_entities::UserId;
use commons_platform::{ApiError, graphql::parse_id};

/// What can be read.
pub struct Query;

#[Object(name = "Query")]
impl Query {
    /// The one who asks; null without a token.
    async fn viewer(&self, context: &Context<'_>) -> Result<Option<Viewer>> {
        Ok(service::viewer(cx(context)).await?.map(Viewer))
    }

    /// An account by its id or its username: give one of them.
    async fn user(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id.")] id: Option<ID>,
        #[graphql(desc = "The username, in any case.")] username: Option<String>,
    ) -> Result<Option<User>> {
        let found = match (id, username) {
            (Some(id), None) => service::user(cx(context), parse_id("id", &id)?).await?,
            (None, Some(username)) => service::by_name(cx(context), &username).await?,
            _ => return Err(ApiError::invalid("id", "ONE_OF", "give an id or a username, not both").into()),
        };
        Ok(found.map(User))
    }

    /// Accounts by their ids, in the order of the ids; null where there is none.
    async fn users(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "At most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<User>>> {
        let ids = ids
            .iter()
            .map(|id| parse_id("ids", id))
            .collect::<Result<Vec<UserId>, _>>()?;
        let found = service::users(cx(context), &ids).await?;
        Ok(found.into_iter().map(|profile| profile.map(User)).collect())
    }

    /// A copy of the viewer's account by its id; null when there is none, or it expired.
    async fn data_export(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id.")] id: ID,
    ) -> Result<Option<DataExport>> {
        let found = service::data_export(cx(context), parse_id("id", &id)?).await?;
        Ok(found.map(DataExport))
    }

    /// This installation: what it is, what works, what it bounds.
    async fn instance(&self) -> Instance {
        Instance::current()
    }

    #[graphql(entity)]
    async fn find_user(&self, context: &Context<'_>, id: ID) -> Result<Option<User>> {
        super::entity::user(cx(context), &id).await
    }
}
