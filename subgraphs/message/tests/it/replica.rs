//! Another process of the same instance: connections, caches, an access and streams of its own.
//!
//! Where tests have no Redis, the cache and the bus are those of the house: they stand for it.

use crate::house::House;
use commons_access::LocalAccess;
use commons_message::MessageService;
use commons_platform::{Platform, db::Db, graphql::Subgraph};
use commons_streams::Streams;
use commons_testing::{Client, Identity, redis};
use std::sync::Arc;

pub(crate) struct Replica {
    pub(crate) service: Arc<MessageService>,
    pub(crate) subgraph: Subgraph,
}

impl Replica {
    pub(crate) async fn of(house: &House) -> Self {
        Self::over(house, house.world.database.reconnect().await).await
    }

    /// With these connections.
    pub(crate) async fn over(house: &House, db: Db) -> Self {
        let platform = match house.platform.config.redis.url.is_empty() {
            true => Platform {
                db,
                ..house.platform.clone()
            },
            false => {
                let config = (*house.platform.config).clone();
                let secret = house.platform.secret.clone();
                let own = Platform::assemble(config, db, secret, house.world.clock.clone());
                redis::ready(&*own.bus, &*own.cache).await;
                Platform {
                    tokens: house.platform.tokens.clone(),
                    ..own
                }
            }
        };
        let access = LocalAccess::start(&platform).await.unwrap();
        let streams = Streams::new(platform.db.clone(), platform.bus.clone(), platform.clock.clone());
        let service = MessageService::start(platform, access, streams);
        Self {
            subgraph: commons_message::subgraph(service.clone()),
            service,
        }
    }

    pub(crate) fn ask(&self, who: &Identity) -> Client<'_> {
        Client::of(&self.subgraph, who)
    }
}
