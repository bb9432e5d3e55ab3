//! A service as a process of its own: settings, database, schema check, serving, draining.
//!
//! Each binary names itself and says what it is made of; the rest is here, once. `/health`, `/ready` and
//! `/metrics` answer anybody who reaches the port, as do the routes a service opens on purpose;
//! everything else wants the instance's internal token.

use crate::{
    Platform,
    auth::follow_jwks,
    config::{Config, ConfigError},
    db::SchemaError,
    graphql::Subgraph,
    health, process,
    task::Guard,
    telemetry,
};
use axum::{
    Router,
    serve::{ListenerExt, TapIo},
};
use futures_util::future::BoxFuture;
use std::{
    any::Any,
    error::Error,
    io,
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, interval, timeout},
};

/// How long a start waits for a database that is not there yet.
const DATABASE: Duration = Duration::from_secs(30);
/// How long the last answers may take, and then the last writes: together below 5 s.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
const LAST_WRITES: Duration = Duration::from_secs(2);

/// Which service a process is.
#[derive(Debug, Clone, Copy)]
pub struct Name {
    /// Its name in logs and messages.
    pub name: &'static str,
    /// Its port on loopback unless told otherwise.
    pub port: u16,
    /// Where it has the keys from that check tokens.
    pub keys: Keys,
}

/// Where a process has the keys from that check access tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// It makes them: the user service.
    Own,
    /// It follows what the user service publishes.
    Published,
}

/// What a service is made of, started.
pub struct Service {
    /// What it answers.
    pub subgraph: Subgraph,
    /// Further routes for the other processes of this instance; each checks the internal token itself.
    pub internal: Router,
    /// Further routes for anybody.
    pub open: Router,
    /// Writes down what was accepted; called once, after the last answer.
    pub drain: BoxFuture<'static, ()>,
    /// What works in the background for as long as the process lives.
    pub keep: Box<dyn Any + Send>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("subgraph", &self.subgraph.name())
            .finish_non_exhaustive()
    }
}

/// Why a part of a service did not start.
pub type BuildError = Box<dyn Error + Send + Sync>;

/// Why a service does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A setting is unusable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// SQLite belongs to one process.
    #[error(
        "a service of its own needs PostgreSQL (DATABASE_URL); SQLite is for `commons`, which has all inside"
    )]
    Embedded,
    /// The platform does not start.
    #[error(transparent)]
    Platform(#[from] crate::StartError),
    /// The database has another schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The service's own part does not start.
    #[error("{0}")]
    Build(BuildError),
    /// The address is no address, or taken.
    #[error("services.listen {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The system refuses something.
    #[error("{0}")]
    System(#[from] io::Error),
}

/// Runs a service until it is asked to end: what a binary's `main` is made of.
pub fn main<B, F>(name: Name, build: B) -> ExitCode
where
    B: FnOnce(Platform) -> F,
    F: Future<Output = Result<Service, BuildError>>,
{
    let run = || -> Result<(), ServiceError> {
        let config = Config::load()?;
        let _telemetry = telemetry::start(name.name, &config);
        process::raise_file_limit();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(run(name, config, build))
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", name.name);
            ExitCode::FAILURE
        }
    }
}

async fn run<B, F>(name: Name, config: Config, build: B) -> Result<(), ServiceError>
where
    B: FnOnce(Platform) -> F,
    F: Future<Output = Result<Service, BuildError>>,
{
    if config.sqlite_path().is_some() {
        return Err(ServiceError::Embedded);
    }
    let ending = process::ending()?;
    let listener = listen(name, &config).await?;
    let platform = connect(config).await?;
    platform.db.check_schema().await?;
    let _keys = match name.keys {
        Keys::Own => None,
        Keys::Published => Some(published_keys(&platform)?),
    };
    let service = build(platform.clone()).await.map_err(ServiceError::Build)?;
    serve(name, platform, service, listener, ending).await
}

/// Follows the keys of the user service; until it answers, nobody is believed and `/ready` says so.
fn published_keys(platform: &Platform) -> Result<Guard, ServiceError> {
    let url = platform.config.services.jwks_url();
    follow_jwks(platform.tokens.clone(), url).map_err(|error| ServiceError::Build(error.into()))
}

async fn listen(name: Name, config: &Config) -> Result<TcpListener, ServiceError> {
    let address = match config.services.listen.as_str() {
        "" => SocketAddr::from((Ipv4Addr::LOCALHOST, name.port)).to_string(),
        address => address.to_owned(),
    };
    let bound = TcpListener::bind(&address).await;
    bound.map_err(|source| ServiceError::Listen { address, source })
}

/// Connects to the database, which may still be starting.
async fn connect(config: Config) -> Result<Platform, ServiceError> {
    let deadline = Instant::now() + DATABASE;
    let mut seconds = interval(Duration::from_secs(1));
    loop {
        seconds.tick().await;
        match Platform::start(config.clone()).await {
            Ok(platform) => return Ok(platform),
            Err(crate::StartError::Database(error)) if Instant::now() < deadline => {
                tracing::warn!(%error, "the database does not answer yet");
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn serve(
    name: Name,
    platform: Platform,
    service: Service,
    listener: TcpListener,
    ending: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServiceError> {
    let address = listener.local_addr()?;
    let routes = service
        .subgraph
        .router()
        .merge(service.internal)
        .merge(service.open)
        .into_make_service_with_connect_info::<SocketAddr>();
    let listener = prompt(listener);
    let (stop, mut stopping) = watch::channel(false);
    let asked = async move {
        ending.await;
        // Nobody waits for it any more when the server has failed.
        let _heard = stop.send(true);
    };
    let server = axum::serve(listener, routes).with_graceful_shutdown(asked);
    eprintln!("{} is at {address}", name.name);
    tokio::select! {
        result = async { server.await } => result?,
        // Streams do not end by themselves: their readers take them up elsewhere.
        () = late(&mut stopping) => tracing::debug!("connections are cut"),
    }
    if timeout(LAST_WRITES, service.drain).await.is_err() {
        tracing::error!("what was begun could not be ended in time");
    }
    drop(service.keep);
    health::close(platform).await;
    Ok(())
}

/// A listener whose connections send at once: a small frame must not wait for the one before it to be
/// acknowledged.
pub fn prompt(listener: TcpListener) -> TapIo<TcpListener, fn(&mut TcpStream)> {
    listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays slow");
        }
    })
}

/// Ready when the last answers had their time.
async fn late(stopping: &mut watch::Receiver<bool>) {
    // An error is that the server has ended.
    let _asked = stopping.wait_for(|stopping| *stopping).await;
    tokio::time::sleep(LAST_ANSWERS).await;
}
