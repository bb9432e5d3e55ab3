//! `message-service`: messages and their live streams as a process of their own, on port 8001.

use commons_access::LocalAccess;
use commons_message::{MessageService, subgraph};
use commons_platform::{
    service::{self, Keys, Name, Service},
    task::Guard,
};
use commons_streams::Streams;
use futures_util::future::join;
use std::process::ExitCode;

fn main() -> ExitCode {
    let name = Name {
        name: "message-service",
        port: 8001,
        keys: Keys::Published,
    };
    service::main(name, |platform| async move {
        let access = LocalAccess::start(&platform).await?;
        let streams = Streams::new(platform.db.clone(), platform.bus.clone(), platform.clock.clone());
        let service = MessageService::start(platform, access, streams.clone());
        let (writer, worker) = (service.clone(), service.work());
        Ok(Service {
            subgraph: subgraph(service.clone()),
            internal: axum::Router::new(),
            open: axum::Router::new(),
            drain: Box::pin(async move {
                join(writer.drain(), worker.stop()).await;
            }),
            keep: Box::new(Guard::background("retention", streams.run_retention())),
        })
    })
}
