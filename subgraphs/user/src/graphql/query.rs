//! Reading accounts.

use super::{
    cx,
    types::{Capability, DataExport, Instance, Limits, RegistrationMode, User, Viewer},
};
use crate::service;
use async_graphql::{Context, ID, Object, Result};
use commons_entities::UserId;
use commons_platform::{
    ApiError,
    config::Registration,
    graphql::{MAX_BODY, parse_id},
    page::MAX_SIZE,
};

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
    async fn instance(&self, context: &Context<'_>) -> Result<Instance> {
        let cx = cx(context);
        let has_people = service::has_people(cx).await?;
        let open = !has_people || cx.platform.config.auth.registration == Registration::Open;
        Ok(Instance {
            name: "Commons",
            version: env!("CARGO_PKG_VERSION"),
            api_version: 1,
            capabilities: vec![
                Capability::Guilds,
                Capability::Messages,
                Capability::Bots,
                Capability::DataExports,
            ],
            limits: Limits {
                message_characters: 4_000,
                page_size: i32::try_from(MAX_SIZE).expect("a page is small"),
                request_bytes: i32::try_from(MAX_BODY).expect("a request is small"),
            },
            registration: if open {
                RegistrationMode::Open
            } else {
                RegistrationMode::Closed
            },
            first_account_becomes_administrator: !has_people,
        })
    }

    #[graphql(entity)]
    async fn find_user(&self, context: &Context<'_>, id: ID) -> Result<Option<User>> {
        super::entity::user(cx(context), &id).await
    }
}
