//! The `node` subgraph: finds any object by its id alone.
//!
//! The kind is in the id. Before a stub is given out, the subgraph that owns the kind is asked
//! whether this viewer may see the object; what the stub's fields hold comes from there as well. Ids
//! are read by form only: the gateway knows no domain.

use crate::settings::{Answer, Answers, Upstream};
use async_graphql::{
    Context, EmptyMutation, EmptySubscription, ID, Interface, Object, Request, Response, Schema, SimpleObject,
};
use commons_platform::{ApiError, graphql::Call};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{net::Ipv4Addr, sync::Arc};

macro_rules! stubs {
    ($($(#[doc = $doc:literal])* $kind:literal => $name:ident of $owner:literal;)*) => {
        $(
            $(#[doc = $doc])*
            #[derive(SimpleObject)]
            #[graphql(unresolvable = "id")]
            struct $name {
                /// Its id.
                id: ID,
            }
        )*

        /// Anything that has an id.
        #[derive(Interface)]
        #[graphql(field(name = "id", ty = "&ID", desc = "Names the object; its first word is its kind."))]
        enum Node {
            $($name($name),)*
        }

        /// The type behind a kind of id and the subgraph that owns it, none for a kind that has no node.
        fn owner_of(kind: &str) -> Option<(&'static str, &'static str)> {
            match kind {
                $($kind => Some((stringify!($name), $owner)),)*
                _ => None,
            }
        }

        fn stub(kind: &str, id: ID) -> Option<Node> {
            match kind {
                $($kind => Some(Node::$name($name { id })),)*
                _ => None,
            }
        }
    };
}

stubs! {
    /// A person, a bot, or a placeholder.
    "user" => User of "user";
    /// A community with channels, roles and members.
    "guild" => Guild of "channel";
    /// A place to talk.
    "channel" => Channel of "channel";
    /// A named set of permissions in a guild.
    "role" => Role of "channel";
    /// A way into a guild.
    "invite" => Invite of "channel";
    /// Something said in a channel.
    "message" => Message of "message";
}

struct Query;

#[Object]
impl Query {
    /// Any object by its id: null when there is none, or the viewer may not see it.
    async fn node(
        &self,
        cx: &Context<'_>,
        #[graphql(desc = "The id of the object.")] id: ID,
    ) -> async_graphql::Result<Option<Node>> {
        let (kind, type_name, owner) = read(&id)?;
        let owners = cx.data_unchecked::<Arc<Answers>>();
        let answer = owners.get(owner).ok_or_else(|| {
            ApiError::unavailable(Unanswered {
                owner,
                said: "absent",
            })
        })?;
        let visible = ask(answer, cx.data_unchecked::<Call>().clone(), type_name, &id, owner).await?;
        Ok(if visible { stub(kind, id.clone()) } else { None })
    }
}

type NodeSchema = Schema<Query, EmptyMutation, EmptySubscription>;

fn schema(owners: Answers) -> NodeSchema {
    Schema::build(Query, EmptyMutation, EmptySubscription)
        .data(Arc::new(owners))
        .finish()
}

/// The federation SDL of the `node` subgraph, as it is committed in `schema/`.
pub fn sdl() -> String {
    commons_platform::graphql::sdl(&schema(Answers::new()))
}

/// The `node` subgraph over the subgraphs that own the objects.
pub(crate) fn upstream(owners: Answers) -> Upstream {
    let schema = schema(owners);
    // It has no subscriptions, and no entities to fetch for their events: nothing connects to it.
    let nowhere = (Ipv4Addr::LOCALHOST, 0).into();
    Upstream::answering("node", nowhere, move |body, call| {
        let schema = schema.clone();
        Box::pin(async move {
            let response = match serde_json::from_slice::<Request>(&body) {
                Ok(request) => schema.execute(request.data(call)).await,
                Err(error) => {
                    let error: async_graphql::Error = ApiError::internal(error).into();
                    Response::from_errors(vec![error.into_server_error(async_graphql::Pos::default())])
                }
            };
            serde_json::to_vec(&response)
                .expect("a response holds only what JSON has")
                .into()
        })
    })
}

/// Kind, type and owner of a well-formed id.
fn read(id: &str) -> Result<(&str, &'static str, &'static str), ApiError> {
    let malformed = || ApiError::invalid("id", "ID_MALFORMED", "this is not the id of a node");
    let (kind, rest) = id.rsplit_once('_').ok_or_else(malformed)?;
    let (type_name, owner) = owner_of(kind).ok_or_else(malformed)?;
    // 26 characters of Crockford's base 32 hold 130 bits: the first must leave the top two empty.
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'z') && !b"ilou".contains(&byte);
    if rest.len() != 26 || !rest.bytes().all(is_digit) || rest.as_bytes()[0] > b'7' {
        return Err(malformed());
    }
    Ok((kind, type_name, owner))
}

/// An owner that does not answer as a subgraph must.
#[derive(Debug, thiserror::Error)]
#[error("subgraph {owner} was asked for an entity: {said}")]
struct Unanswered {
    owner: &'static str,
    said: &'static str,
}

/// Whether the owner gives this entity to this viewer.
async fn ask(
    answer: &Answer,
    call: Call,
    type_name: &str,
    id: &str,
    owner: &'static str,
) -> Result<bool, ApiError> {
    #[derive(Deserialize)]
    struct Answered {
        data: Option<Entities>,
        #[serde(default)]
        errors: Vec<Refusal>,
    }
    #[derive(Deserialize)]
    struct Entities {
        #[serde(rename = "_entities")]
        entities: Vec<Value>,
    }
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(default)]
        extensions: Extensions,
    }
    #[derive(Deserialize, Default)]
    struct Extensions {
        code: Option<String>,
    }
    let request = json!({
        "query": "query ($of: [_Any!]!) { _entities(representations: $of) { __typename } }",
        "variables": { "of": [{ "__typename": type_name, "id": id }] },
    });
    let body = answer(request.to_string().into(), call).await;
    let answered: Answered = serde_json::from_slice(&body).map_err(ApiError::internal)?;
    if let Some(refusal) = answered.errors.first() {
        return match refusal.extensions.code.as_deref() {
            Some("UNAUTHENTICATED") => Err(ApiError::unauthenticated()),
            Some("OVERLOADED") => Err(ApiError::overloaded()),
            _ => Err(ApiError::unavailable(Unanswered {
                owner,
                said: "an error",
            })),
        };
    }
    Ok(answered
        .data
        .is_some_and(|data| data.entities.first().is_some_and(|entity| !entity.is_null())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_by_their_form() {
        let rest = "01h2xcejqtf2nbrexx3vqjhp41";
        assert_eq!(
            read(&format!("message_{rest}")).unwrap(),
            ("message", "Message", "message")
        );
        assert_eq!(
            read(&format!("role_{rest}")).unwrap(),
            ("role", "Role", "channel")
        );
        for bad in [
            "",
            "user",
            "user_",
            rest,
            &format!("session_{rest}"),
            &format!("nothing_{rest}"),
            &format!("user_{rest}0"),
            &format!("user_8{}", &rest[1..]),
            &format!("user_{}u", &rest[1..]),
            &format!("USER_{rest}"),
            &format!("user_{}", rest.to_uppercase()),
        ] {
            assert_eq!(
                read(bad).unwrap_err().code(),
                commons_platform::Code::Invalid,
                "{bad}"
            );
        }
    }
}
