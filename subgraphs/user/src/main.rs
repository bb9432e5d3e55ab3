//! `user-service`: accounts and sessions as a process of their own, on port 8005, where the instance's
//! public keys are, too.

use commons_access::{Access, LocalAccess};
use commons_platform::service::{self, Keys, Name, Service};
use commons_user::{UserService, jwks, subgraph};
use std::process::ExitCode;

fn main() -> ExitCode {
    let name = Name {
        name: "user-service",
        port: 8005,
        keys: Keys::Own,
    };
    service::main(name, |platform| async move {
        let access = LocalAccess::start(&platform).await?;
        let service = UserService::start(platform, access.changes().clone()).await?;
        let worker = service.work();
        Ok(Service {
            subgraph: subgraph(service.clone()),
            internal: axum::Router::new(),
            open: jwks(service),
            drain: Box::pin(worker.stop()),
            keep: Box::new(access),
        })
    })
}
