//! The side that asks: access for a process that has no database.
//!
//! What is asked for at the same time is one call: when changes may have been missed, everybody who
//! follows something asks again at once.

use super::{
    convert::{self, Malformed},
    generated::{self as rpc, access_client::AccessClient},
};
use crate::{Access, Changes, ChannelStanding, GuildStanding};
use axum::http::HeaderName;
use commons_entities::{ChannelId, GuildId, UserId};
use commons_platform::{
    ApiError,
    auth::Tokens,
    internal::{self, InternalToken},
    loader::Gather,
};
use std::{collections::HashMap, fmt, hash::Hash, sync::Arc, time::Duration};
use tokio::time::timeout;
use tonic::{
    Code, Request, Response, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

/// How long a call may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(1);

/// How long a connection may take to be made.
const CONNECTING: Duration = Duration::from_millis(400);

/// After how long without an answer to a ping a connection is given up.
const DEAD: Duration = Duration::from_secs(1);

/// Asks with the token.
pub(crate) type Client = AccessClient<InterceptedService<Channel, Credentials>>;

/// The implementation of [`Access`] that asks another process. It keeps nothing and guesses nothing:
/// when it cannot ask, the answer is `UNAVAILABLE`, within a second.
#[derive(Debug)]
pub struct RemoteAccess {
    client: Client,
    changes: Changes,
    guilds: Gather<GuildKey, Answer<GuildStanding>>,
    channels: Gather<ChannelKey, Answer<ChannelStanding>>,
}

type GuildKey = (GuildId, UserId);
type ChannelKey = (ChannelId, UserId);
/// A standing or none; an error is shared by all who asked together.
type Answer<S> = Result<Option<S>, ApiError>;

/// The address of the service is none.
#[derive(Debug, thiserror::Error)]
#[error("access cannot be asked at {address}: {source}")]
pub struct BadAddress {
    address: String,
    source: tonic::transport::Error,
}

/// Puts the token into each call.
#[derive(Clone)]
pub(crate) struct Credentials(MetadataValue<Ascii>);

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        static NAME: HeaderName = internal::TOKEN;
        request.metadata_mut().insert(NAME.as_str(), self.0.clone());
        Ok(request)
    }
}

impl RemoteAccess {
    /// Access asked of the service at `http://host:port`, and the process's [`Changes`] with it; sessions
    /// that are revoked end in `tokens`.
    ///
    /// Nothing is asked yet, and whoever answers need not be there: [`Changes::is_fresh`] tells whether
    /// it is. Must be called inside a runtime.
    ///
    /// # Errors
    /// When the address is none.
    pub fn start(address: &str, token: &InternalToken, tokens: Arc<Tokens>) -> Result<Arc<Self>, BadAddress> {
        let endpoint = Endpoint::from_shared(address.to_owned()).map_err(|source| BadAddress {
            address: address.to_owned(),
            source,
        })?;
        let channel = endpoint
            .connect_timeout(CONNECTING)
            .http2_keep_alive_interval(DEAD)
            .keep_alive_timeout(DEAD)
            .keep_alive_while_idle(true)
            .tcp_nodelay(true)
            .connect_lazy();
        let mut credentials: MetadataValue<Ascii> = token
            .as_str()
            .parse()
            .expect("a token is made of letters, digits, `-` and `_`");
        credentials.set_sensitive(true);
        let client = AccessClient::with_interceptor(channel, Credentials(credentials));
        let changes = Changes::watch(client.clone(), tokens);
        let (asks_guilds, asks_channels) = (client.clone(), client.clone());
        let guilds = move |keys: Vec<GuildKey>| {
            let client = asks_guilds.clone();
            async move { each(&keys, guilds(client, &keys).await) }
        };
        let channels = move |keys: Vec<ChannelKey>| {
            let client = asks_channels.clone();
            async move { each(&keys, channels(client, &keys).await) }
        };
        Ok(Arc::new(Self {
            client,
            changes,
            guilds: Gather::new(guilds),
            channels: Gather::new(channels),
        }))
    }
}

#[async_trait::async_trait]
impl Access for RemoteAccess {
    async fn guilds_of(&self, keys: &[GuildKey]) -> Result<Vec<Option<GuildStanding>>, ApiError> {
        in_order(keys, &self.guilds.get_many(keys.to_vec()).await)
    }

    async fn channels_of(&self, keys: &[ChannelKey]) -> Result<Vec<Option<ChannelStanding>>, ApiError> {
        in_order(keys, &self.channels.get_many(keys.to_vec()).await)
    }

    async fn visible_channels_of(
        &self,
        guild: GuildId,
        user: UserId,
    ) -> Result<Vec<ChannelStanding>, ApiError> {
        let request = rpc::VisibleChannelsRequest {
            guild: convert::bytes(guild),
            user: convert::bytes(user),
        };
        let reply = answer(self.client.clone().visible_channels(request)).await?;
        let read = |standing| {
            let standing = convert::channel_standing(standing)?;
            let asked = standing.guild() == guild && standing.user == Some(user);
            asked.then_some(standing).ok_or(Malformed::Other)
        };
        let standings: Result<_, Malformed> = reply.standings.into_iter().map(read).collect();
        standings.map_err(ApiError::internal)
    }

    fn changes(&self) -> &Changes {
        &self.changes
    }
}

/// Asks for standings in guilds, for as many keys as a call may have.
async fn guilds(mut client: Client, keys: &[GuildKey]) -> Result<Vec<Option<GuildStanding>>, ApiError> {
    let request = rpc::GuildsRequest {
        keys: keys
            .iter()
            .map(|(guild, user)| rpc::GuildKey {
                guild: convert::bytes(*guild),
                user: convert::bytes(*user),
            })
            .collect(),
    };
    let reply = answer(client.guilds(request)).await?;
    let answers = reply.answers.into_iter().map(|answer| answer.standing);
    matched(keys, answers, convert::guild_standing, |standing| {
        Some((standing.guild, standing.user))
    })
}

/// Asks for standings in channels, for as many keys as a call may have.
async fn channels(mut client: Client, keys: &[ChannelKey]) -> Result<Vec<Option<ChannelStanding>>, ApiError> {
    let request = rpc::ChannelsRequest {
        keys: keys
            .iter()
            .map(|(channel, user)| rpc::ChannelKey {
                channel: convert::bytes(*channel),
                user: convert::bytes(*user),
            })
            .collect(),
    };
    let reply = answer(client.channels(request)).await?;
    let answers = reply.answers.into_iter().map(|answer| answer.standing);
    matched(keys, answers, convert::channel_standing, |standing| {
        Some((standing.channel(), standing.user?))
    })
}

/// What each key's share of a call is.
fn each<K: Copy + Eq + Hash, S>(
    keys: &[K],
    answers: Result<Vec<Option<S>>, ApiError>,
) -> HashMap<K, Answer<S>> {
    match answers {
        Ok(answers) => keys.iter().copied().zip(answers.into_iter().map(Ok)).collect(),
        Err(error) => keys.iter().map(|key| (*key, Err(error.clone()))).collect(),
    }
}

fn in_order<K: Eq + Hash, S: Clone>(
    keys: &[K],
    answers: &HashMap<K, Answer<S>>,
) -> Result<Vec<Option<S>>, ApiError> {
    let answer = |key| answers.get(key).cloned();
    keys.iter()
        .map(|key| answer(key).unwrap_or_else(|| Err(ApiError::internal(Malformed::Other))))
        .collect()
}

/// The answers to these keys and no others.
fn matched<K: PartialEq, M, S>(
    keys: &[K],
    answers: impl ExactSizeIterator<Item = Option<M>>,
    read: impl Fn(M) -> Result<S, Malformed>,
    key_of: impl Fn(&S) -> Option<K>,
) -> Result<Vec<Option<S>>, ApiError> {
    if answers.len() != keys.len() {
        return Err(ApiError::internal(Malformed::Other));
    }
    let one = |(key, answer): (&K, Option<M>)| {
        let standing = answer.map(&read).transpose()?;
        let of_another = standing
            .as_ref()
            .is_some_and(|standing| key_of(standing).as_ref() != Some(key));
        if of_another {
            Err(Malformed::Other)
        } else {
            Ok(standing)
        }
    };
    let standings: Result<_, Malformed> = keys.iter().zip(answers).map(one).collect();
    standings.map_err(ApiError::internal)
}

/// The answer to a call, within its deadline.
async fn answer<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, ApiError> {
    match timeout(DEADLINE, call).await {
        Ok(Ok(reply)) => Ok(reply.into_inner()),
        Ok(Err(status)) => Err(error(status)),
        Err(late) => Err(ApiError::unavailable(late)),
    }
}

/// Only whoever answers can be full; whatever else goes wrong, there or on the way, is no answer.
fn error(status: Status) -> ApiError {
    match status.code() {
        Code::ResourceExhausted => ApiError::overloaded().with_source(status),
        _ => ApiError::unavailable(status),
    }
}
