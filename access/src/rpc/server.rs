//! The side that answers: over the log and what this process keeps.

use super::{
    KEYS, convert,
    feed::{self, Replies},
    generated::{self as rpc, access_server},
};
use crate::{Access, LocalAccess};
use axum::Router;
use commons_platform::{
    ApiError, Code,
    internal::{self, InternalToken},
};
use std::{error::Error, sync::Arc};
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status, Streaming, server::NamedService};

/// How many processes may watch.
const WATCHERS: usize = 256;

type Server = access_server::AccessServer<Answers>;

/// The gRPC service over an access with a log, as a route beside others; HTTP/2 without TLS. Only calls
/// with the token are answered.
pub fn serve(access: Arc<LocalAccess>, token: InternalToken) -> Router {
    let answers = Answers {
        access,
        watchers: Arc::new(Semaphore::new(WATCHERS)),
    };
    let only_internal = move |request: Request<()>| {
        let given = request.metadata().get(internal::TOKEN.as_str());
        if given.is_some_and(|given| token.is(given.as_bytes())) {
            Ok(request)
        } else {
            Err(Status::unauthenticated("unauthorized"))
        }
    };
    let server = Server::with_interceptor(answers, only_internal);
    Router::new().route_service(&format!("/{}/{{*call}}", Server::NAME), server)
}

struct Answers {
    access: Arc<LocalAccess>,
    watchers: Arc<Semaphore>,
}

#[tonic::async_trait]
impl access_server::Access for Answers {
    async fn guilds(
        &self,
        request: Request<rpc::GuildsRequest>,
    ) -> Result<Response<rpc::GuildsReply>, Status> {
        let keys = bounded(request.into_inner().keys)?
            .iter()
            .map(|key| Ok((convert::id(&key.guild)?, convert::id(&key.user)?)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(malformed)?;
        let standings = self.access.guilds_of(&keys).await.map_err(status)?;
        let answers = standings.into_iter().map(|standing| rpc::GuildAnswer {
            standing: standing.map(Into::into),
        });
        let answers = answers.collect();
        Ok(Response::new(rpc::GuildsReply { answers }))
    }

    async fn channels(
        &self,
        request: Request<rpc::ChannelsRequest>,
    ) -> Result<Response<rpc::ChannelsReply>, Status> {
        let keys = bounded(request.into_inner().keys)?
            .iter()
            .map(|key| Ok((convert::id(&key.channel)?, convert::id(&key.user)?)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(malformed)?;
        let standings = self.access.channels_of(&keys).await.map_err(status)?;
        let answers = standings.into_iter().map(|standing| rpc::ChannelAnswer {
            standing: standing.map(Into::into),
        });
        let answers = answers.collect();
        Ok(Response::new(rpc::ChannelsReply { answers }))
    }

    async fn visible_channels(
        &self,
        request: Request<rpc::VisibleChannelsRequest>,
    ) -> Result<Response<rpc::VisibleChannelsReply>, Status> {
        let rpc::VisibleChannelsRequest { guild, user } = request.into_inner();
        let guild = convert::id(&guild).map_err(malformed)?;
        let user = convert::id(&user).map_err(malformed)?;
        let standings = self
            .access
            .visible_channels_of(guild, user)
            .await
            .map_err(status)?;
        let standings = standings.into_iter().map(Into::into).collect();
        Ok(Response::new(rpc::VisibleChannelsReply { standings }))
    }

    type WatchStream = Replies;

    async fn watch(
        &self,
        request: Request<Streaming<rpc::WatchRequest>>,
    ) -> Result<Response<Replies>, Status> {
        let place = self.watchers.clone().try_acquire_owned();
        let place = place.map_err(|_| Status::resource_exhausted("too many watch"))?;
        Ok(Response::new(feed::replies(
            &self.access,
            request.into_inner(),
            place,
        )))
    }
}

fn bounded<T>(keys: Vec<T>) -> Result<Vec<T>, Status> {
    if keys.len() > KEYS {
        return Err(Status::invalid_argument(format!("at most {KEYS} keys")));
    }
    Ok(keys)
}

fn malformed(error: convert::Malformed) -> Status {
    Status::invalid_argument(error.to_string())
}

/// What another process is told; why is logged here.
fn status(error: ApiError) -> Status {
    let cause = error.source().map(ToString::to_string);
    tracing::error!(code = error.code().as_str(), cause, "access cannot be answered");
    match error.code() {
        Code::Unavailable => Status::unavailable(error.to_string()),
        Code::Overloaded => Status::resource_exhausted(error.to_string()),
        _ => Status::internal(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_bounded() {
        assert_eq!(bounded(vec![(); KEYS]).unwrap().len(), KEYS);
        let refused = bounded(vec![(); KEYS + 1]).unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    }
}
