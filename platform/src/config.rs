//! Settings: compiled-in defaults, then a file, then the environment.
//!
//! `default.toml` beside this file is both the defaults and their manual. What is unknown, of the
//! wrong type or unsafe in production stops the start with one line.

mod redis;

pub use redis::RedisConfig;

use figment::{
    Figment,
    providers::{Env, Format, Toml},
};
use serde::Deserialize;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

/// Every setting and its default, as a file that could be used as it is.
pub const DEFAULTS: &str = include_str!("default.toml");

const FILE: &str = "commons.toml";

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Something is unknown or of the wrong type.
    #[error("unusable setting: {}", one_line(.0))]
    Unreadable(Box<figment::Error>),
    /// The file that `COMMONS_CONFIG` names does not exist.
    #[error("there is no settings file {0}")]
    NoFile(String),
    /// A value makes no sense.
    #[error("{setting}: {problem}")]
    Impossible {
        /// The setting's name.
        setting: &'static str,
        /// What is wrong, and the mend.
        problem: String,
    },
}

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Development or production.
    pub environment: Environment,
    /// Where the embedded default keeps its files.
    pub data_dir: PathBuf,
    /// The public address.
    pub gateway: GatewayConfig,
    /// Services as processes of their own.
    pub services: ServicesConfig,
    /// The database.
    pub database: DatabaseConfig,
    /// Redis.
    pub redis: RedisConfig,
    /// Identity.
    pub auth: AuthConfig,
    /// How much of what.
    pub limits: LimitsConfig,
    /// The log.
    pub log: LogConfig,
    /// Traces.
    pub telemetry: TelemetryConfig,
}

/// Where the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Readable logs, convenient defaults.
    Development,
    /// JSON logs, unsafe defaults refused.
    Production,
}

/// The public address.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// What clients reach.
    pub listen: SocketAddr,
    /// Where `/metrics` is served; empty is loopback, see [`GatewayConfig::admin_address`].
    pub admin_listen: String,
    /// Proxies whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Pages of other origins whose scripts may open WebSockets; `*` is everybody.
    pub allowed_origins: Vec<String>,
    /// Whether clients may read the schema.
    pub introspection: Introspection,
}

impl GatewayConfig {
    /// Where `/metrics` is served: unless told otherwise on loopback, a thousand ports above what
    /// clients reach, or on a free port when that is one.
    pub fn admin_address(&self) -> SocketAddr {
        let port = match self.listen.port() {
            0 => 0,
            port => port.checked_add(1000).unwrap_or_default(),
        };
        let told = self.admin_listen.parse();
        told.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }
}

/// Services as processes of their own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServicesConfig {
    /// Where this process listens, when it is one of them; empty is loopback with the service's port.
    pub listen: String,
    /// Where the others reach the user service.
    pub user_url: String,
    /// Where the others reach the channel service.
    pub channel_url: String,
    /// Where the others reach the message service.
    pub message_url: String,
}

impl ServicesConfig {
    /// Where the user service publishes the keys that check tokens.
    pub fn jwks_url(&self) -> String {
        format!("{}/.well-known/jwks.json", self.user_url.trim_end_matches('/'))
    }
}

/// Whether clients may read the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Introspection {
    /// Open in development; production refuses to start.
    Auto,
    /// Yes.
    Open,
    /// No.
    Closed,
}

/// The database.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `sqlite:<path>` or `postgres://…`.
    pub url: String,
    /// How many connections read.
    pub readers: u32,
    /// How many connections write; SQLite has one.
    pub writers: u32,
    /// A read replica for search and feeds; empty is none.
    pub replica_url: String,
}

/// Identity.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// Seals the signing keys.
    pub secret: String,
    /// `iss` of access tokens.
    pub issuer: String,
    /// `aud` of access tokens.
    pub audience: String,
    /// Who may register.
    pub registration: Registration,
}

impl std::fmt::Debug for AuthConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthConfig")
            .field("issuer", &self.issuer)
            .field("registration", &self.registration)
            .finish_non_exhaustive()
    }
}

/// Who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Anybody.
    Open,
    /// Only the first account.
    Closed,
}

/// How much of what.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Attempts to log in or register, for each address; ten times as many for each name.
    pub sign_ins_per_minute: u32,
    /// Messages, for each account and each address.
    pub sends_per_ten_seconds: u32,
    /// Changes of guilds, channels, roles, members and invites, for each account.
    pub guild_changes_per_minute: u32,
    /// WebSockets that one address may have open.
    pub sockets_per_address: usize,
    /// WebSockets that one account may have open.
    pub sockets_per_user: usize,
    /// Subscriptions that one account may have on all of them.
    pub subscriptions_per_user: usize,
    /// Subscriptions on the WebSockets of one address.
    pub subscriptions_per_address: usize,
    /// Operations a second on the WebSockets of one account.
    pub operations_per_user: u32,
    /// Operations a second of one address, over HTTP too.
    pub operations_per_address: u32,
}

/// The log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// A filter as in RUST_LOG.
    pub filter: String,
}

/// Traces.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// The collector that takes traces by OTLP over gRPC, `http://host:port`; empty is none.
    pub otlp_endpoint: String,
    /// The part of operations that is traced, from 0 to 1.
    pub sample_ratio: f64,
}

impl TelemetryConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let impossible = |setting, problem: &str| {
            let problem = problem.to_owned();
            Err(ConfigError::Impossible { setting, problem })
        };
        let endpoint = self.otlp_endpoint.as_str();
        if !endpoint.is_empty() && !endpoint.starts_with("http://") {
            return impossible("telemetry.otlp_endpoint", "must be http://host:port");
        }
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            return impossible("telemetry.sample_ratio", "must be from 0 to 1");
        }
        Ok(())
    }
}

impl Config {
    /// The settings of this process: defaults, file, environment.
    ///
    /// # Errors
    /// When a setting is unknown, of the wrong type or impossible.
    pub fn load() -> Result<Self, ConfigError> {
        let named = std::env::var("COMMONS_CONFIG").ok();
        if let Some(file) = named.as_ref().filter(|file| !Path::new(file).is_file()) {
            return Err(ConfigError::NoFile(file.clone()));
        }
        let environment = Env::prefixed("COMMONS_")
            .ignore(&["CONFIG"])
            .map(|key| match key.as_str() {
                "ENV" => "environment".into(),
                "SECRET" => "auth.secret".into(),
                other => other.replace("__", ".").to_lowercase().into(),
            })
            .lowercase(false);
        let figment = Figment::from(Toml::string(DEFAULTS))
            .merge(Toml::file(named.as_deref().unwrap_or(FILE)))
            .merge(Env::raw().only(&["DATABASE_URL"]).map(|_| "database.url".into()))
            .merge(Env::raw().only(&["REDIS_URL"]).map(|_| "redis.url".into()))
            .merge(
                Env::raw()
                    .only(&["OTEL_EXPORTER_OTLP_ENDPOINT"])
                    .map(|_| "telemetry.otlp_endpoint".into()),
            )
            .merge(environment);
        Self::checked(figment)
    }

    /// The defaults with some TOML over them, without a file or the environment.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_toml(overrides: &str) -> Result<Self, ConfigError> {
        Self::checked(Figment::from(Toml::string(DEFAULTS)).merge(Toml::string(overrides)))
    }

    /// Whether unsafe defaults are refused.
    pub fn is_production(&self) -> bool {
        self.environment == Environment::Production
    }

    /// Whether clients may read the schema.
    pub fn introspection_is_open(&self) -> bool {
        self.gateway.introspection != Introspection::Closed
    }

    fn checked(figment: Figment) -> Result<Self, ConfigError> {
        let mut config: Self = figment
            .extract()
            .map_err(|error| ConfigError::Unreadable(Box::new(error)))?;
        if config.database.url.is_empty() {
            config.database.url = format!("sqlite:{}", config.data_dir.join("commons.db").display());
        }
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let impossible = |setting, problem: &str| {
            Err(ConfigError::Impossible {
                setting,
                problem: problem.to_owned(),
            })
        };
        if self.sqlite_path().is_none() && !is_postgres(&self.database.url) {
            return impossible("database.url", "must be sqlite:<path> or postgres://…");
        }
        if !self.database.replica_url.is_empty() && !is_postgres(&self.database.replica_url) {
            return impossible("database.replica_url", "must be postgres://…");
        }
        self.redis.check()?;
        self.telemetry.check()?;
        if !(1..=64).contains(&self.database.readers) {
            return impossible("database.readers", "must be from 1 to 64");
        }
        if !(1..=64).contains(&self.database.writers) {
            return impossible("database.writers", "must be from 1 to 64");
        }
        if !self.auth.secret.is_empty() && self.auth.secret.chars().count() < 32 {
            return impossible("auth.secret", "must have at least 32 characters (COMMONS_SECRET)");
        }
        let admin = &self.gateway.admin_listen;
        if !admin.is_empty() && admin.parse::<SocketAddr>().is_err() {
            return impossible("gateway.admin_listen", "must be an address and a port");
        }
        if self.auth.issuer.is_empty() || self.auth.audience.is_empty() {
            return impossible("auth.issuer", "issuer and audience must not be empty");
        }
        let limits = &self.limits;
        if limits.sign_ins_per_minute == 0
            || limits.sends_per_ten_seconds == 0
            || limits.guild_changes_per_minute == 0
            || limits.sockets_per_address == 0
            || limits.sockets_per_user == 0
            || limits.subscriptions_per_address == 0
            || limits.subscriptions_per_user == 0
            || limits.operations_per_address == 0
            || limits.operations_per_user == 0
        {
            return impossible("limits", "a limit must be at least 1");
        }
        if self.is_production() && self.auth.secret.is_empty() {
            return impossible("auth.secret", "production wants a secret (COMMONS_SECRET)");
        }
        if self.is_production() && self.gateway.introspection == Introspection::Auto {
            return impossible("gateway.introspection", "production wants \"open\" or \"closed\"");
        }
        Ok(())
    }

    /// The database's file, none when the database is no SQLite file.
    pub fn sqlite_path(&self) -> Option<PathBuf> {
        let path = self
            .database
            .url
            .strip_prefix("sqlite:")?
            .trim_start_matches("//");
        let path = path.split('?').next().unwrap_or(path);
        (!path.is_empty() && path != ":memory:").then(|| PathBuf::from(path))
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// A TOML error draws the place over several lines.
fn one_line(error: &figment::Error) -> String {
    let text = error.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_usable() {
        let config = Config::from_toml("").unwrap();
        assert_eq!(config.gateway.listen.port(), 8000);
        assert_eq!(config.database.url, "sqlite:data/commons.db");
    }

    #[test]
    fn metrics_have_an_address_of_their_own() {
        let admin = |toml: &str| {
            Config::from_toml(toml)
                .unwrap()
                .gateway
                .admin_address()
                .to_string()
        };
        assert_eq!(admin(""), "127.0.0.1:9000");
        assert_eq!(admin("[gateway]\nlisten = \"0.0.0.0:8010\""), "127.0.0.1:9010");
        assert_eq!(admin("[gateway]\nlisten = \"127.0.0.1:0\""), "127.0.0.1:0");
        assert_eq!(admin("[gateway]\nadmin_listen = \"10.0.0.1:9\""), "10.0.0.1:9");
    }

    #[test]
    fn bad_settings_say_which() {
        for (toml, word) in [
            ("colour = 1", "colour"),
            ("[gateway]\nlisten = 3", "listen"),
            ("[gateway", "TOML"),
            ("[gateway]\nlisten = \"nowhere\"", "listen"),
            ("[gateway]\nadmin_listen = \"nowhere\"", "gateway.admin_listen"),
            ("[database]\nurl = \"mysql://x\"", "database.url"),
            ("[database]\nreaders = 0", "database.readers"),
            ("[database]\nwriters = 0", "database.writers"),
            ("[database]\nreplica_url = \"sqlite:x\"", "database.replica_url"),
            ("[redis]\nurl = \"http://x\"", "redis.url"),
            ("[redis]\nurl = \"redis://\"", "redis.url"),
            ("[redis]\nnamespace = \"a b\"", "redis.namespace"),
            ("[redis]\nslow_ms = 0", "redis.slow_ms"),
            ("[auth]\nsecret = \"short\"", "auth.secret"),
            ("environment = \"production\"", "auth.secret"),
            (
                "environment = \"production\"\n[auth]\nsecret = \"0123456789abcdef0123456789abcdef\"",
                "gateway.introspection",
            ),
            ("[limits]\nsign_ins_per_minute = 0", "limits"),
            (
                "[telemetry]\notlp_endpoint = \"https://x\"",
                "telemetry.otlp_endpoint",
            ),
            ("[telemetry]\nsample_ratio = 1.5", "telemetry.sample_ratio"),
        ] {
            let message = Config::from_toml(toml).unwrap_err().to_string();
            assert!(message.contains(word), "{toml}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }
}
