//! `channel-service`: guilds, channels and who may do what as a process of their own, on port 8002. The
//! other processes ask it for access over gRPC on the same port.

use commons_access::LocalAccess;
use commons_channel::{ChannelService, subgraph};
use commons_platform::{
    internal::InternalToken,
    service::{self, Keys, Name, Service},
};
use commons_streams::Streams;
use std::process::ExitCode;

fn main() -> ExitCode {
    let name = Name {
        name: "channel-service",
        port: 8002,
        keys: Keys::Published,
    };
    service::main(name, |platform| async move {
        let token = InternalToken::of(&platform.secret);
        let access = LocalAccess::start(&platform).await?;
        let streams = Streams::new(platform.db.clone(), platform.bus.clone(), platform.clock.clone());
        let service = ChannelService::start(platform, access.clone(), streams).await?;
        let worker = service.work();
        Ok(Service {
            subgraph: subgraph(service),
            internal: commons_access::serve(access, token),
            open: axum::Router::new(),
            drain: Box::pin(worker.stop()),
            keep: Box::new(()),
        })
    })
}
